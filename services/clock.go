package services

import (
	"context"
	"fmt"
	"time"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/auditlog"
)

// ClockService says what time it is, and moves a sandbox's clock. It is safe for
// concurrent use.
type ClockService struct{ db *database.DB }

// NewClockService makes the service.
func NewClockService(db *database.DB) *ClockService { return &ClockService{db: db} }

// Now is the time by which hours expire: the machine's, but in a sandbox.
func (s *ClockService) Now() time.Time { return s.db.NowFunc() }

// DaysAhead is how many days a sandbox's clock is ahead of the machine's.
func (s *ClockService) DaysAhead() int { return s.db.Clock.DaysAhead() }

// Advance moves a sandbox's clock on by so many days, if it is still as far ahead as
// from, and says whether it was. It returns a *models.Error with code invalid_request,
// also outside a sandbox.
func (s *ClockService) Advance(ctx context.Context, by string, from, days int) (bool, error) {
	if s.db.Clock == nil {
		return false, models.Errorf(models.CodeInvalidRequest, "Only a sandbox's clock can be moved.")
	}
	moved, err := s.db.Clock.Advance(from, days)
	if err != nil || !moved {
		return false, err
	}
	// It is at the new time, by which a sandbox that starts again knows it. Who hangs up
	// doesn't leave it out.
	return true, auditlog.Write(s.db.WithContext(context.WithoutCancel(ctx)), by, models.ActionClock, "sandbox", fmt.Sprintf("by %d days", days))
}
