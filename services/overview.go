package services

import (
	"context"
	"fmt"
	"time"

	"hourbank/database"
	"hourbank/models"
)

// OverviewService counts what became of events, for people to look at. It is
// safe for concurrent use.
type OverviewService struct{ db *database.DB }

// NewOverviewService makes the service.
func NewOverviewService(db *database.DB) *OverviewService { return &OverviewService{db: db} }

// overviewPatience bounds a count of many rows: a page is not worth more.
const overviewPatience = 5 * time.Second

// EventCount is how many events ended in the same way.
type EventCount struct {
	Status models.EventStatus
	Reason *models.Reason
	Events int64
}

// Outcomes counts the events received since a time by what became of them,
// the most frequent first.
func (s *OverviewService) Outcomes(ctx context.Context, since time.Time) ([]EventCount, error) {
	ctx, cancel := context.WithTimeout(ctx, overviewPatience)
	defer cancel()
	var counts []EventCount
	err := s.db.Reader.WithContext(ctx).Model(&models.WebhookEvent{}).
		Select("status, reason, count(*) AS events").Where("received_at >= ?", since.UTC()).
		Group("status, reason").Order("events DESC, status, reason").Find(&counts).Error
	if err != nil {
		return nil, fmt.Errorf("count events: %w", err)
	}
	return counts, nil
}
