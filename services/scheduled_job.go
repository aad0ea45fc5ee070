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

// takeJob gives the job to whoever moves its next run on; nil where another
// replica had it, or it isn't due.
func takeJob(ctx context.Context, db *database.DB, name string, every time.Duration) (*scheduledJob, error) {
	ctx, cancel := context.WithTimeout(ctx, database.TransactionTimeout)
	defer cancel()
	now, tx := db.NowFunc(), db.WithContext(ctx)
	first := scheduledJob{Name: name, NextRunAt: now}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&first).Error; err != nil {
		return nil, fmt.Errorf("schedule %s: %w", name, err)
	}
	moved := tx.Model(&scheduledJob{}).Where("name = ? AND next_run_at <= ?", name, now).Update("next_run_at", now.Add(every))
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
