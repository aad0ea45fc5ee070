package services

import (
	"context"
	"fmt"
	"strings"

	"hourbank/models"
)

// SearchService finds what a student, or a page of Stripe's, calls by name.
// It is safe for concurrent use.
type SearchService struct{ db *models.DB }

// NewSearchService makes the service.
func NewSearchService(db *models.DB) *SearchService { return &SearchService{db: db} }

// Found is what a search found: students whose id starts with the words, and
// purchases and events that have them as an id.
type Found struct {
	Students  []models.Account
	Purchases []models.Purchase
	Events    []models.WebhookEvent // without payloads
}

// maxFoundStudents is as many as anyone reads through.
const maxFoundStudents = 20

// Find looks for a student, a purchase by its own or one of Stripe's ids, or
// an event. Everything is looked up by an index.
func (s *SearchService) Find(ctx context.Context, words string) (*Found, error) {
	words = strings.TrimSpace(words)
	if err := ValidateID("The search", words); err != nil {
		return nil, err
	}
	db, found := s.db.Reader.WithContext(ctx), &Found{}
	if err := db.Where("student_id >= ?", words).Order("student_id").Limit(maxFoundStudents).Find(&found.Students).Error; err != nil {
		return nil, fmt.Errorf("search students: %w", err)
	}
	for i, account := range found.Students {
		// What sorts next to the words depends on the database's language;
		// what starts with them doesn't.
		if !strings.HasPrefix(account.StudentID, words) {
			found.Students = found.Students[:i]
			break
		}
	}
	err := db.Where("id = @id OR stripe_payment_intent_id = @id OR stripe_checkout_session_id = @id OR stripe_invoice_id = @id",
		map[string]any{"id": words}).Find(&found.Purchases).Error
	if err != nil {
		return nil, fmt.Errorf("search purchases: %w", err)
	}
	if err := db.Omit("payload").Where("id = ?", words).Find(&found.Events).Error; err != nil {
		return nil, fmt.Errorf("search events: %w", err)
	}
	return found, nil
}
