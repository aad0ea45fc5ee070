package deliveries

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/lots"
)

const (
	// caseStands is how long a case is open before it is told: most settle by
	// themselves with the next event. A dispute is told by the database, at once.
	caseStands = 10 * time.Minute

	announceMany = 100 // a transaction
)

// Announce has events written of what time brings about, once each, whatever else
// runs at the same time. Where EVENTS_URLS names no endpoint, it does nothing.
func (s *Service) Announce(ctx context.Context) error {
	if len(s.endpoints) == 0 {
		return nil
	}
	return errors.Join(s.tellCases(ctx), s.tellEnds(ctx))
}

// tellCases tells of the cases that stood long enough; the trigger writes the events.
func (s *Service) tellCases(ctx context.Context) error {
	stood := func(tx *gorm.DB) *gorm.DB {
		return tx.Model(&models.Case{}).Where("told_at IS NULL AND closed_at IS NULL AND kind <> 'undelivered_event' AND opened_at <= ?", s.db.NowFunc().Add(-caseStands))
	}
	for {
		var ids []string
		if err := stood(s.db.Reader.WithContext(ctx)).Order("opened_at").Limit(announceMany).Pluck("id", &ids).Error; err != nil {
			return fmt.Errorf("look for cases to tell: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		err := database.Transact(ctx, s.db, func(tx *gorm.DB) error {
			return stood(tx).Where(database.IsAnyOf(tx, "id", ids)).Update("told_at", tx.NowFunc()).Error
		})
		if err != nil {
			return fmt.Errorf("tell of cases: %w", err)
		}
	}
}

// tellEnds tells of hours that end soon, once for each end of a lot.
func (s *Service) tellEnds(ctx context.Context) error {
	if s.expiring == 0 {
		return nil
	}
	ending := func(tx *gorm.DB) *gorm.DB {
		now, differs := s.db.NowFunc(), "IS DISTINCT FROM"
		if s.db.Engine == database.SQLite {
			differs = "IS NOT" // the index has it in these words
		}
		return tx.Model(&models.Lot{}).Where("drawn + expired < hours AND told_end "+differs+" expires_at AND expires_at > ? AND expires_at <= ?", now, now.Add(s.expiring))
	}
	var failed []error
	for tried := map[string]bool{}; ; { // one who can't be told keeps no other one waiting
		var students []string
		limit := announceMany + len(tried)
		if err := ending(s.db.Reader.WithContext(ctx)).Distinct().Limit(limit).Pluck("student_id", &students).Error; err != nil {
			return fmt.Errorf("look for hours that end soon: %w", err)
		}
		for _, student := range students {
			if tried[student] {
				continue
			}
			tried[student] = true
			err := database.Transact(ctx, s.db, func(tx *gorm.DB) error {
				if err := lots.SettleLocked(tx, student); err != nil {
					return err
				}
				return ending(tx).Where("student_id = ?", student).Update("told_end", gorm.Expr("expires_at")).Error
			})
			if err != nil {
				failed = append(failed, fmt.Errorf("tell of hours that end soon: %w", err))
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if len(students) < limit {
			return errors.Join(failed...)
		}
	}
}
