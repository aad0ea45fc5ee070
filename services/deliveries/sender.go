package deliveries

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"hourbank/database"
	"hourbank/models"
)

const (
	poll   = 500 * time.Millisecond
	atOnce = 64 // requests to one endpoint

	// lease is how long a replica that claimed events has before another one may:
	// longer than an answer may take, short enough to survive a crash.
	lease = 3 * answerTimeout

	// triedFor is how long an event is tried. Delays double from firstDelay to
	// longestDelay, and each is up to half as long again, or half as long.
	triedFor     = 72 * time.Hour
	firstDelay   = time.Second
	longestDelay = 6 * time.Hour
)

// Run sends events until ctx ends, and then finishes what is on its way. Endpoints
// don't wait for each other.
func (s *Service) Run(ctx context.Context) error {
	var senders errgroup.Group
	for _, e := range s.endpoints {
		senders.Go(func() error { s.serve(ctx, &e); return nil })
	}
	return senders.Wait()
}

// serve keeps up to atOnce requests on their way: as some end, what became of them is
// noted together, and what is due then follows. So a slow answer holds up nobody but
// its own student.
func (s *Service) serve(ctx context.Context, e *endpoint) {
	ticks := time.NewTicker(poll)
	defer ticks.Stop()
	ended, underWay := make(chan outcome, atOnce), 0
	for {
		if ctx.Err() == nil && underWay < atOnce {
			underWay += s.sendDue(ctx, e, atOnce-underWay, ended)
		}
		stop := ctx.Done()
		if underWay > 0 {
			stop = nil // what the endpoint may have taken by now is noted, even where the program ends
		}
		select {
		case first := <-ended:
			outcomes := []outcome{first}
			for len(ended) > 0 {
				outcomes = append(outcomes, <-ended)
			}
			underWay -= len(outcomes)
			s.note(context.WithoutCancel(ctx), outcomes)
		case <-ticks.C:
		case <-stop:
			return
		}
	}
}

// outcome is what became of an attempt; a nil error is a delivery.
type outcome struct {
	models.Delivery
	err error
}

// sendDue claims so many events that are due at most, and sends them beside each other.
// It gives how many outcomes will follow.
func (s *Service) sendDue(ctx context.Context, e *endpoint, most int, ended chan<- outcome) int {
	claimed, err := s.claim(ctx, e, most)
	if err != nil && ctx.Err() == nil {
		s.log.Warn("looking for events to send failed", zap.Error(err))
	}
	for _, d := range claimed {
		go func() { ended <- outcome{d, s.send(context.WithoutCancel(ctx), e, &d)} }()
	}
	return len(claimed)
}

// claim takes due events by moving their next attempt a lease away. Of each student it
// takes the first that waits: later ones wait for it, claimed or not.
func (s *Service) claim(ctx context.Context, e *endpoint, most int) ([]models.Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, database.TransactionTimeout)
	defer cancel()
	const due = `endpoint = ? AND next_attempt_at <= ? AND NOT EXISTS (SELECT 1 FROM event_deliveries AS earlier
		WHERE earlier.endpoint = d.endpoint AND earlier.ordered_by = d.ordered_by AND earlier.sequence < d.sequence AND earlier.next_attempt_at IS NOT NULL)`
	now := database.WallClock() // as the triggers that wrote them
	var waiting []string
	if err := s.db.Reader.WithContext(ctx).Raw("SELECT id FROM event_deliveries AS d WHERE "+due+" LIMIT 1", e.url, now).Scan(&waiting).Error; err != nil {
		return nil, fmt.Errorf("look for due deliveries: %w", err)
	}
	if len(waiting) == 0 {
		return nil, nil
	}
	skipLocked := ""
	if s.db.Engine == database.Postgres {
		skipLocked = "FOR UPDATE OF d SKIP LOCKED"
	}
	var claimed []models.Delivery
	err := s.db.WithContext(ctx).Raw(`
		WITH due AS MATERIALIZED (SELECT id FROM event_deliveries AS d WHERE `+due+` ORDER BY next_attempt_at LIMIT ? `+skipLocked+`)
		UPDATE event_deliveries SET next_attempt_at = ?, attempts = attempts + 1 WHERE id IN (SELECT id FROM due)
		RETURNING *`, e.url, now, most, now.Add(lease)).Scan(&claimed).Error
	if err != nil {
		return nil, fmt.Errorf("claim due deliveries: %w", err)
	}
	return claimed, nil
}

// send makes one attempt. Its error says why it failed, without what was answered.
func (s *Service) send(ctx context.Context, e *endpoint, d *models.Delivery) (err error) {
	ended := s.traces.Delivery(ctx, d.ID, d.Type, d.Attempts)
	defer func() { ended(err) }()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, strings.NewReader(d.Payload))
	if err != nil {
		return err
	}
	now := time.Now()
	signatures := make([]string, len(e.signers))
	for i, signer := range e.signers {
		if signatures[i], err = signer.Sign(d.ID, now, []byte(d.Payload)); err != nil {
			return err
		}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Hourbank")
	request.Header.Set(standardwebhooks.HeaderWebhookID, d.ID)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	answer, err := s.client.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err // without the URL
	} else if err != nil {
		return err
	}
	if err := drop(answer); err != nil {
		s.log.Debug("reading an endpoint's answer failed", zap.Error(err))
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("answered %d", answer.StatusCode)
	}
	return nil
}

// note stores what became of attempts.
func (s *Service) note(ctx context.Context, outcomes []outcome) {
	err := database.Transact(ctx, s.db, func(tx *gorm.DB) error {
		delivered := []string{}
		for i := range outcomes {
			if outcomes[i].err == nil {
				delivered = append(delivered, outcomes[i].ID)
			} else if err := noteFailure(tx, &outcomes[i]); err != nil {
				return err
			}
		}
		return tx.Model(&models.Delivery{}).Where(database.IsAnyOf(tx, "id", delivered)).
			Updates(map[string]any{"delivered_at": database.WallClock(), "next_attempt_at": nil, "failed_at": nil, "last_error": nil}).Error
	})
	if err != nil {
		s.log.Warn("noting what became of deliveries failed: they are sent again", zap.Error(err))
		return
	}
	var failed []outcome
	for _, o := range outcomes {
		if o.err != nil {
			failed = append(failed, o)
		}
	}
	s.metrics.Deliveries(len(outcomes)-len(failed), len(failed))
	if len(failed) > 0 { // a line for all: where an endpoint is down there would be one for each
		s.log.Warn("events were not delivered", zap.Int("failed", len(failed)), zap.Int("of", len(outcomes)),
			zap.String("delivery", failed[0].ID), zap.Int("attempts", failed[0].Attempts), zap.Error(failed[0].err))
	}
}

// mine is the event, unless another replica has claimed or somebody woken it since.
func (o *outcome) mine(tx *gorm.DB) *gorm.DB {
	return tx.Model(&models.Delivery{}).Where("id = ? AND attempts = ? AND next_attempt_at IS NOT NULL", o.ID, o.Attempts)
}

// noteFailure has an event tried again later, or gives it up and opens a case.
func noteFailure(tx *gorm.DB, o *outcome) error {
	now := database.WallClock()
	next := now.Add(delay(o.Attempts))
	if next.Before(o.TriedSince.Add(triedFor)) {
		later := o.mine(tx).Updates(map[string]any{"next_attempt_at": next, "last_error": o.err.Error()})
		if later.Error != nil || later.RowsAffected == 0 {
			return later.Error
		}
		// Those that wait for it are not due before, so that nobody looks at them.
		return tx.Model(&models.Delivery{}).Where("endpoint = ? AND ordered_by = ? AND sequence > ? AND next_attempt_at < ?", o.Endpoint, o.OrderedBy, o.Sequence, next).
			Update("next_attempt_at", next).Error
	}
	given := o.mine(tx).Updates(map[string]any{"next_attempt_at": nil, "failed_at": now, "last_error": o.err.Error()})
	if given.Error != nil || given.RowsAffected == 0 {
		return given.Error
	}
	return tx.Exec(`INSERT INTO cases (id, kind, subject, opened_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (kind, subject) DO UPDATE SET closed_at = NULL, closed_by = NULL, note = NULL, opened_at = EXCLUDED.opened_at WHERE cases.closed_at IS NOT NULL`,
		models.NewID(), models.CaseUndelivered, o.Endpoint, tx.NowFunc()).Error
}

// delay is how long to wait after so many attempts.
func delay(attempts int) time.Duration {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval, delays.Multiplier, delays.MaxInterval = firstDelay, 2, longestDelay
	for range attempts - 1 {
		delays.NextBackOff()
	}
	return delays.NextBackOff()
}
