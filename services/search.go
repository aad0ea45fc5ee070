package services

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/sales"
)

// SearchService finds what a student, or a page of Stripe's, calls by name.
// It is safe for concurrent use.
type SearchService struct{ db *database.DB }

// NewSearchService makes the service.
func NewSearchService(db *database.DB) *SearchService { return &SearchService{db: db} }

// Found is what a search found: students whose id starts with the words, and
// purchases and events that have them as an id.
type Found struct {
	Students  []models.Account
	Purchases []models.Purchase
	Events    []models.WebhookEvent // without payloads; also parked and rejected ones that name them
}

// maxFound is as many of a kind as anyone reads through.
const maxFound = 20

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// Find looks for a student, a purchase by its own or one of Stripe's ids, or
// an event. It returns a *models.Error with code invalid_request.
func (s *SearchService) Find(ctx context.Context, words string) (*Found, error) {
	words = strings.TrimSpace(words)
	if err := models.ValidateID("The search", words); err != nil {
		return nil, err
	}
	db, found := s.db.Reader.WithContext(ctx), &Found{}
	if err := db.Where("student_id >= ?", words).Order("student_id").Limit(maxFound).Find(&found.Students).Error; err != nil {
		return nil, fmt.Errorf("search students: %w", err)
	}
	for i, account := range found.Students {
		if !strings.HasPrefix(account.StudentID, words) {
			found.Students = found.Students[:i]
			break
		}
	}
	err := db.Where(sales.ByAnyID, sql.Named("id", words)).Find(&found.Purchases).Error
	if err != nil {
		return nil, fmt.Errorf("search purchases: %w", err)
	}
	found.Events, err = findEvents(db, words)
	return found, err
}

// findEvents finds an event by its id, and those that name the words and that
// nobody knows what to do with: they are few, and what a customer paid in vain
// may stand in one of them.
func findEvents(db *gorm.DB, words string) ([]models.WebhookEvent, error) {
	var named, naming []models.WebhookEvent
	if err := db.Omit("payload").Where("id = ?", words).Find(&named).Error; err != nil {
		return nil, fmt.Errorf("search events: %w", err)
	}
	quoted := `%"` + likeEscapes.Replace(words) + `"%`
	err := db.Omit("payload").Where(`status IN ('parked', 'rejected') AND id <> ? AND payload LIKE ? ESCAPE '\'`, words, quoted).
		Limit(maxFound).Find(&naming).Error // in no order, which could tempt a planner to walk through all events
	if err != nil {
		return nil, fmt.Errorf("search events: %w", err)
	}
	return append(named, naming...), nil
}
