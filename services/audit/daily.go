package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// The daily audit, which one replica runs beside its other work.
const (
	Job   = "audit"
	Every = 24 * time.Hour

	// longest is how long it may take: less than a day, so that two never run.
	longest = 20 * time.Hour
	// enough differences are found when nobody would read more of them, and all would
	// have to be kept in memory.
	enough = 1000
	// again is when it is tried again that failed, or whose replica was stopped.
	again = 10 * time.Minute
)

// RunDaily audits everything and notes how much differs, for every replica to show. It
// rests after each thousand rows for as long as they took, so that it keeps half a
// connection busy at most, and ends where enough is found.
func (s *Service) RunDaily(ctx context.Context, log *zap.Logger) error {
	auditing, stop := context.WithTimeout(ctx, longest)
	defer stop()
	report, since, done := Report{}, time.Now(), 0
	err := s.run(auditing, &report, func(rows int) {
		if len(report.Differences) >= enough {
			stop()
		} else if done += rows; done >= auditChunk {
			rest(auditing, time.Since(since))
			since, done = time.Now(), 0
		}
	})
	if found := len(report.Differences); err == nil || found >= enough {
		if found > 0 {
			first := report.Differences[0]
			log.Error("the books differ: run \"hourbank audit\"", zap.Int("differences", found), zap.String("kind", first.Kind), zap.String("field", first.Field))
		} else {
			log.Info("audited the books", zap.Int("purchases", report.Purchases), zap.Int("accounts", report.Accounts), zap.Int("entries", report.Entries), zap.Int("lots", report.Lots))
		}
		return s.Note(ctx, report)
	}
	// Also where the program is stopped: another replica, or the next start, goes on.
	later := s.db.WithContext(context.WithoutCancel(ctx)).Exec("UPDATE scheduled_jobs SET next_run_at = ? WHERE name = ?", s.db.NowFunc().Add(again), Job)
	return errors.Join(err, later.Error)
}

// rest waits, unless ctx ends.
func rest(ctx context.Context, duration time.Duration) {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Note has every replica show what an audit found.
func (s *Service) Note(ctx context.Context, report Report) error {
	err := s.db.WithContext(ctx).Exec("UPDATE scheduled_jobs SET last_success_at = ?, found = ? WHERE name = ?",
		s.db.NowFunc(), min(len(report.Differences), enough), Job).Error
	if err != nil {
		return fmt.Errorf("note what the audit found: %w", err)
	}
	return nil
}
