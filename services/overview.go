package services

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
)

// OverviewService adds up what happened, for people to look at. It is safe
// for concurrent use.
type OverviewService struct{ db *database.DB }

// NewOverviewService makes the service.
func NewOverviewService(db *database.DB) *OverviewService { return &OverviewService{db: db} }

// overviewPatience bounds a sum over many rows: a page is not worth more.
const overviewPatience = 5 * time.Second

// Day is what one day (UTC) moved in one currency.
type Day struct {
	Date     time.Time // its midnight
	Currency string
	Received int64 // minor units
	Returned int64 // minor units, refunded or disputed, less what was reinstated
	Moved    models.Movement
}

// add books one kind's sums of the day.
func (d *Day) add(sums models.LedgerEntry) {
	d.Moved.Add(sums)
	if sums.Kind == models.EntryCredit || sums.Kind == models.EntryPayment {
		d.Received += sums.Amount
	} else {
		d.Returned -= sums.Amount // of lessons and adjustments, nothing
	}
}

// Days gives the days since a time on which hours moved, oldest first, each
// currency of a day on its own.
func (s *OverviewService) Days(ctx context.Context, since time.Time) ([]Day, error) {
	// No index orders all entries by time; their ids do, as they are made.
	entries := s.db.Reader.Where("id >= ? AND created_at >= ?", models.FirstIDAt(since.Add(-time.Hour)), since.UTC())
	return sumDays(ctx, entries)
}

// History gives the days on which a student's hours moved, oldest first.
func (s *OverviewService) History(ctx context.Context, studentID string) ([]Day, error) {
	return sumDays(ctx, s.db.Reader.Where("student_id = ?", studentID))
}

func sumDays(ctx context.Context, entries *gorm.DB) ([]Day, error) {
	ctx, cancel := context.WithTimeout(ctx, overviewPatience)
	defer cancel()
	var rows []struct {
		Day string
		models.LedgerEntry
	}
	day := dayOf(entries, "created_at")
	err := entries.WithContext(ctx).Model(&models.LedgerEntry{}).
		Select(day + " AS day, coalesce(currency, '') AS currency, kind, sum(hours) AS hours, sum(amount) AS amount").
		Group(day + ", currency, kind").Order(day + ", currency").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("sum the ledger by day: %w", err)
	}
	days := make([]Day, 0, len(rows))
	for _, row := range rows {
		date, err := time.Parse(time.DateOnly, row.Day)
		if err != nil {
			return nil, fmt.Errorf("read a day: %w", err)
		}
		if last := len(days) - 1; last < 0 || !days[last].Date.Equal(date) || days[last].Currency != *row.Currency {
			days = append(days, Day{Date: date, Currency: *row.Currency})
		}
		days[len(days)-1].add(row.LedgerEntry)
	}
	return days, nil
}

// dayOf is the expression for a time's day in UTC, as 2006-01-02.
func dayOf(tx *gorm.DB, column string) string {
	if database.IsPostgres(tx) {
		return "to_char(" + column + " AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
	}
	return "substr(" + column + ", 1, 10)" // kept as text, in UTC
}

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
