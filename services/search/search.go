// Package search finds what a person has in hand.
package search

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/paging"
	"hourbank/services/payloads"
	"hourbank/services/sales"
)

// Service finds what a person has in hand: a part of a student's id, an
// id of ours or Stripe's, a lesson's reference. It is safe for concurrent use.
type Service struct {
	db       *database.DB
	accounts *sales.AccountService
}

// New makes the service.
func New(db *database.DB, accounts *sales.AccountService) *Service {
	return &Service{db: db, accounts: accounts}
}

// Found is what a search found, at most MaxFound of a kind.
type Found struct {
	Students  []models.Account
	Purchases []models.Purchase
	Entries   []models.LedgerEntry  // booked under the words as their reference
	Cases     []models.Case         // but for those of the purchases
	Events    []models.WebhookEvent // without payloads
	Unread    bool                  // there was more to look through than there was time
}

// MaxFound is as many of a kind as anyone reads through.
const MaxFound = 20

// Find looks for students by any part of their ids, in any case, or by their
// Stripe subscription; for purchases by their own id, that of any of their
// Stripe objects, or of the customer or subscription; for lessons and adjustments by
// their reference; for cases and events by their ids and what they are about.
// It returns a *models.Error with code invalid_request.
func (s *Service) Find(ctx context.Context, words string) (*Found, error) {
	words = strings.TrimSpace(words)
	if err := models.ValidateText("The search", words); err != nil {
		return nil, err
	}
	db, found := s.db.Reader.WithContext(ctx), &Found{}
	for _, find := range []func(*gorm.DB, string) error{found.purchases, found.entries, found.unmatched, found.named, found.students} {
		if err := find(db, words); err != nil {
			return nil, err
		}
	}
	// What has the words as its id is what was meant, so that the rest need
	// not be searched through.
	if len(found.Purchases)+len(found.Cases)+len(found.Events) > 0 {
		return found, nil
	}
	return found, s.throughAll(ctx, found, words)
}

// purchases finds those with the id, or of the Stripe customer or subscription.
func (f *Found) purchases(db *gorm.DB, words string) error {
	err := db.Where(sales.ByAnyID, sql.Named("id", words)).Find(&f.Purchases).Error
	if err == nil && len(f.Purchases) == 0 {
		err = db.Where("id IN (SELECT purchase_id FROM shared_keys WHERE key = ?)", words).
			Order("created_at DESC, id DESC").Limit(MaxFound).Find(&f.Purchases).Error
	}
	if err != nil {
		return fmt.Errorf("search purchases: %w", err)
	}
	return nil
}

// entries finds what was booked under the words.
func (f *Found) entries(db *gorm.DB, words string) error {
	err := db.Where("reference = ? AND reference IS NOT NULL", words).Order("created_at DESC, id DESC").Limit(MaxFound).Find(&f.Entries).Error
	if err != nil {
		return fmt.Errorf("search bookings: %w", err)
	}
	return nil
}

// unmatched finds the events that wait for a purchase with the id, and the
// cases about it or about anything else that these events name: the case of a
// payment is also found by its charge.
func (f *Found) unmatched(db *gorm.DB, words string) error {
	var ids, about []string
	if err := db.Table("waiting_events").Where("key = ?", words).Limit(MaxFound).Pluck("event_id", &ids).Error; err != nil {
		return fmt.Errorf("search events that wait: %w", err)
	}
	if err := db.Table("waiting_events").Where("event_id IN ?", ids).Distinct().Pluck("key", &about).Error; err != nil {
		return fmt.Errorf("search what events wait for: %w", err)
	}
	// Written out with every kind, because the index begins with it.
	err := db.Where("id = ? OR (kind IN ? AND subject IN ?)", words, models.CaseKinds, append(about, words)).
		Order("opened_at DESC, id DESC").Limit(MaxFound).Find(&f.Cases).Error
	if err != nil {
		return fmt.Errorf("search cases: %w", err)
	}
	f.Cases = slices.DeleteFunc(f.Cases, func(c models.Case) bool {
		return slices.ContainsFunc(f.Purchases, func(p models.Purchase) bool { return c.TransactionID != nil && *c.TransactionID == p.ID })
	})
	return f.events(db.Where("id IN ?", ids))
}

// named finds the event with the id.
func (f *Found) named(db *gorm.DB, words string) error { return f.events(db.Where("id = ?", words)) }

func (f *Found) events(query *gorm.DB) error {
	var events []models.WebhookEvent
	if err := query.Omit("payload", "snapshot").Limit(MaxFound).Find(&events).Error; err != nil {
		return fmt.Errorf("search events: %w", err)
	}
	for _, event := range events {
		if !slices.ContainsFunc(f.Events, func(known models.WebhookEvent) bool { return known.ID == event.ID }) {
			f.Events = append(f.Events, event)
		}
	}
	return nil
}

// students finds those whose id begins with the words, and those of the
// Stripe subscription.
func (f *Found) students(db *gorm.DB, words string) error {
	if err := db.Where("student_id >= ?", words).Order("student_id").Limit(MaxFound).Find(&f.Students).Error; err != nil {
		return fmt.Errorf("search students: %w", err)
	}
	if other := slices.IndexFunc(f.Students, func(a models.Account) bool { return !strings.HasPrefix(a.StudentID, words) }); other >= 0 {
		f.Students = f.Students[:other]
	}
	var subscribed []models.Account
	err := db.Where("student_id IN (SELECT student_id FROM stripe_subscriptions WHERE id = ?)", words).Limit(MaxFound).Find(&subscribed).Error
	if err != nil {
		return fmt.Errorf("search the students of a subscription: %w", err)
	}
	f.addStudents(subscribed)
	return nil
}

func (f *Found) addStudents(accounts []models.Account) {
	for _, account := range accounts {
		if !slices.ContainsFunc(f.Students, func(known models.Account) bool { return known.StudentID == account.StudentID }) {
			f.Students = append(f.Students, account)
		}
	}
	f.Students = f.Students[:min(len(f.Students), MaxFound)]
}

// throughAll finds what no index leads to, as far as there is time: students
// whose id has the words anywhere in it, and events that name them and that
// nobody knows what to do with, or that were given up: they are few, and what a
// customer paid in vain may stand in one of them.
func (s *Service) throughAll(ctx context.Context, found *Found, words string) error {
	limited, cancel := context.WithTimeout(ctx, sales.ScanPatience)
	defer cancel()
	anywhere, err := s.accounts.List(limited, sales.AccountFilter{Text: words}, paging.PageRequest{Limit: MaxFound, Sort: sales.SortStudent})
	found.addStudents(anywhere.Data)
	quoted := `%"` + database.LikeEscapes.Replace(words) + `"%`
	for _, unexplained := range []string{"status IN ('parked', 'rejected')", "reason = 'unmatched' AND id IN (SELECT event_id FROM waiting_events)"} {
		if err == nil { // in no order, which could tempt a planner to walk through all events
			err = found.events(s.db.Reader.WithContext(limited).Where(unexplained+" AND "+payloads.Text+` LIKE ? ESCAPE '\'`, quoted))
		}
	}
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		found.Unread = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("search through all: %w", err)
	}
	slices.SortFunc(found.Events, func(a, b models.WebhookEvent) int {
		return cmp.Or(b.ReceivedAt.Compare(a.ReceivedAt), cmp.Compare(b.ID, a.ID))
	})
	return nil
}
