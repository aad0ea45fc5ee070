package services

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
	"gorm.io/gorm/clause"

	"hourbank/database"
)

// scheduledJob is work that one replica at a time does now and then.
type scheduledJob struct {
	Name          string `gorm:"primaryKey"`
	NextRunAt     time.Time
	LastSuccessAt *time.Time
}

// TableName says where the jobs are.
func (scheduledJob) TableName() string { return "scheduled_jobs" }

// poll works every so often until ctx ends. A failure is logged, and the next time
// tries again.
func poll(ctx context.Context, every time.Duration, log *zap.Logger, failure string, work func(context.Context) error) error {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			log.Warn(failure, zap.Error(err))
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// jobAgain is when a daily job is tried again that failed, or whose replica was stopped.
const jobAgain = 10 * time.Minute

// jobSkew is how far replicas' clocks may differ.
const jobSkew = 5 * time.Minute

// noteSuccess has every replica show that a job succeeded, of what was there at a moment.
func noteSuccess(ctx context.Context, db *database.DB, name string, at time.Time) error {
	if err := db.WithContext(ctx).Model(&scheduledJob{}).Where("name = ?", name).Update("last_success_at", at).Error; err != nil {
		return fmt.Errorf("note the success of %s: %w", name, err)
	}
	return nil
}

// tryAgain lets a job be taken again soon, also where the program is stopped.
func tryAgain(ctx context.Context, db *database.DB, name string) error {
	tx := db.WithContext(context.WithoutCancel(ctx))
	if err := tx.Model(&scheduledJob{}).Where("name = ?", name).Update("next_run_at", db.NowFunc().Add(jobAgain)).Error; err != nil {
		return fmt.Errorf("schedule %s again: %w", name, err)
	}
	return nil
}

// takeJob gives the job to whoever moves its next run on; nil where another
// replica had it, or it isn't due. One that is due later than a run from now on would
// be was put off by nobody of ours.
func takeJob(ctx context.Context, db *database.DB, name string, every time.Duration) (*scheduledJob, error) {
	ctx, cancel := context.WithTimeout(ctx, database.TransactionTimeout)
	defer cancel()
	now, tx := db.NowFunc(), db.WithContext(ctx)
	first := scheduledJob{Name: name, NextRunAt: now}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&first).Error; err != nil {
		return nil, fmt.Errorf("schedule %s: %w", name, err)
	}
	moved := tx.Model(&scheduledJob{}).Where("name = ? AND (next_run_at <= ? OR next_run_at > ?)", name, now, now.Add(max(every, jobAgain)+jobSkew)).Update("next_run_at", now.Add(every))
	if moved.Error != nil {
		return nil, fmt.Errorf("take %s: %w", name, moved.Error)
	}
	if moved.RowsAffected == 0 {
		return nil, nil
	}
	var job scheduledJob
	if err := tx.Take(&job, "name = ?", name).Error; err != nil {
		return nil, fmt.Errorf("read the schedule of %s: %w", name, err)
	}
	return &job, nil
}
