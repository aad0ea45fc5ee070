// Package deliveries tells the platform's own backend what happened, by signed events
// in the form of Standard Webhooks (https://www.standardwebhooks.com).
//
// The database writes them, in the transaction that they tell of, one for each
// endpoint (migrations 16 and 19). Any replica sends them, at least once; those of a student
// one after the other.
package deliveries

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/zap"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/config"
	"hourbank/database"
	"hourbank/models"
	"hourbank/services/auditlog"
	"hourbank/services/metrics"
	"hourbank/services/paging"
	"hourbank/services/tracing"
)

// KeptFor is how long what was delivered can be looked up.
const KeptFor = 30 * 24 * time.Hour

// Service sends events and answers operators' questions about them. It is safe for
// concurrent use.
type Service struct {
	db        *database.DB
	endpoints []endpoint
	expiring  time.Duration // before hours end; 0: nobody is told
	client    *http.Client
	metrics   *metrics.Metrics
	traces    *tracing.Tracing
	log       *zap.Logger
}

type endpoint struct {
	url     string
	signers []*standardwebhooks.Webhook // one a secret
}

// New makes the service.
func New(db *database.DB, cfg *config.Config, metrics *metrics.Metrics, traces *tracing.Tracing, log *zap.Logger) *Service {
	s := &Service{db: db, expiring: time.Duration(cfg.EventsExpiringDays) * 24 * time.Hour, client: newClient(cfg.EventsAllowPrivate), metrics: metrics, traces: traces, log: log}
	for _, e := range cfg.Endpoints {
		one := endpoint{url: e.URL}
		for _, secret := range e.Secrets {
			signer, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				panic("a secret that config let pass") // it is base64
			}
			one.signers = append(one.signers, signer)
		}
		s.endpoints = append(s.endpoints, one)
	}
	return s
}

// Register has events written for the endpoints that are set from now on, and for no
// others. What waits for another is given up.
func (s *Service) Register(ctx context.Context) error {
	urls := make([]string, len(s.endpoints))
	for i, e := range s.endpoints {
		urls[i] = e.url
	}
	var registered []string
	if err := s.db.Reader.WithContext(ctx).Raw("SELECT url FROM event_endpoints").Scan(&registered).Error; err != nil {
		return fmt.Errorf("read the endpoints: %w", err)
	}
	slices.Sort(registered)
	if slices.Equal(registered, slices.Sorted(slices.Values(urls))) {
		return nil // as at most starts: a program that can't write now can begin
	}
	err := database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM event_endpoints WHERE NOT (?)", database.IsAnyOf(tx, "url", urls)).Error; err != nil {
			return err
		}
		for _, url := range urls {
			if err := tx.Exec("INSERT INTO event_endpoints (url) VALUES (?) ON CONFLICT DO NOTHING", url).Error; err != nil {
				return err
			}
		}
		return tx.Model(&models.Delivery{}).Where("next_attempt_at IS NOT NULL AND NOT (?)", database.IsAnyOf(tx, "endpoint", urls)).
			Updates(map[string]any{"next_attempt_at": nil, "failed_at": database.WallClock(), "last_error": "EVENTS_URLS names it no more"}).Error
	})
	if err != nil {
		return fmt.Errorf("register endpoints: %w", err)
	}
	return nil
}

// Statuses are those of deliveries.
var Statuses = []string{"due", "failed", "delivered"}

// Filter picks deliveries; what is empty picks all.
type Filter struct{ Status, Type, StudentID string }

// List pages through deliveries, newest first. It returns a *models.Error with code
// invalid_request or invalid_cursor.
func (s *Service) List(ctx context.Context, filter Filter, page paging.PageRequest) (paging.Page[models.Delivery], error) {
	query := s.db.Reader.WithContext(ctx)
	switch filter.Status {
	case "":
	case "due":
		query = query.Where("next_attempt_at IS NOT NULL")
	case "failed":
		query = query.Where("failed_at IS NOT NULL")
	case "delivered":
		query = query.Where("delivered_at IS NOT NULL")
	default:
		return paging.Page[models.Delivery]{}, models.Errorf(models.CodeInvalidRequest, "status must be due, failed or delivered.")
	}
	for column, value := range map[string]string{"type": filter.Type, "ordered_by": filter.StudentID} {
		if value != "" {
			query = query.Where(column+" = ?", value)
		}
	}
	return paging.ByTime(query, "created_at", "id", page, func(d *models.Delivery) paging.Position { return paging.Position{Time: d.CreatedAt, ID: d.ID} })
}

// Get gives one delivery. It returns a *models.Error with code not_found.
func (s *Service) Get(ctx context.Context, id string) (*models.Delivery, error) {
	var d models.Delivery
	return &d, find(s.db.Reader.WithContext(ctx), id, &d)
}

func find(tx *gorm.DB, id string, d *models.Delivery) error {
	err := tx.Where("id = ?", id).Take(d).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return models.Errorf(models.CodeNotFound, "There is no such delivery.")
	}
	if err != nil {
		return fmt.Errorf("read a delivery: %w", err)
	}
	return nil
}

// Retry has deliveries sent that were given up, or wait for their next attempt, at once
// and for three days again, in a person's name; or once more, where they were delivered.
// It returns a *models.Error with code not_found, and then does nothing.
func (s *Service) Retry(ctx context.Context, ids []string, by string) error {
	return database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		for _, id := range ids {
			if err := wake(tx, id, by); err != nil {
				return err
			}
		}
		return nil
	})
}

// RetryOnce is Retry of a delivery that somebody saw as it was tried since a time. It
// says whether it did anything: not where it was sent again meanwhile.
func (s *Service) RetryOnce(ctx context.Context, id string, since time.Time, by string) (again bool, err error) {
	err = database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		var d models.Delivery
		if err := find(tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), id, &d); err != nil {
			return err
		}
		if again = d.TriedSince.Equal(since); !again {
			return nil
		}
		return wake(tx, id, by)
	})
	return again, err
}

// wake has a delivery sent again.
func wake(tx *gorm.DB, id, by string) error {
	now := database.WallClock()
	woken := tx.Model(&models.Delivery{}).Where("id = ? AND endpoint IN (SELECT url FROM event_endpoints)", id).
		Updates(map[string]any{"next_attempt_at": now, "tried_since": now, "attempts": 0, "delivered_at": nil, "failed_at": nil})
	if woken.Error != nil {
		return fmt.Errorf("wake a delivery: %w", woken.Error)
	}
	if woken.RowsAffected == 0 {
		return models.Errorf(models.CodeNotFound, "There is no delivery %s to an endpoint of EVENTS_URLS.", id)
	}
	return auditlog.Write(tx, by, models.ActionRetry, id, "")
}

// waiting are the conditions of what is not delivered, and the time since when it is so.
var waiting = map[string]struct{ condition, since string }{
	"due":    {"next_attempt_at IS NOT NULL", "tried_since"},
	"failed": {"failed_at IS NOT NULL", "failed_at"},
}

// Oldest gives for how many seconds the oldest was due, or given up, of what is not
// delivered; 0 where there is none.
func (s *Service) Oldest(ctx context.Context) (map[string]int64, error) {
	ages := map[string]int64{}
	for status, w := range waiting {
		var since []time.Time
		if err := s.db.Reader.WithContext(ctx).Model(&models.Delivery{}).Where(w.condition).Order(w.since).Limit(1).Pluck(w.since, &since).Error; err != nil {
			return nil, fmt.Errorf("look for the oldest delivery: %w", err)
		}
		ages[status] = 0
		if len(since) > 0 {
			ages[status] = int64(database.WallClock().Sub(since[0]).Seconds())
		}
	}
	return ages, nil
}

// Waiting counts what is not delivered: what is due, and what was given up.
func (s *Service) Waiting(ctx context.Context) (map[string]int64, error) {
	counts := map[string]int64{}
	for status, w := range waiting {
		var n int64
		if err := s.db.Reader.WithContext(ctx).Model(&models.Delivery{}).Where(w.condition).Count(&n).Error; err != nil {
			return nil, fmt.Errorf("count deliveries: %w", err)
		}
		counts[status] = n
	}
	return counts, nil
}
