package sales

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"hourbank/models"
	"hourbank/services/paging"
)

// LedgerLine is a ledger entry, what it left, and what it is about.
type LedgerLine struct {
	models.LedgerEntry
	Balance   models.Hours     // available after it
	Purchase  *models.Purchase `gorm:"-"` // its id, plan, hours and price; nil: none
	EventType string           `gorm:"-"` // empty: none
}

// LedgerLines pages through a student's entries, newest first, each with the
// hours that were left. It adds the whole ledger up for that, in the statement
// that reads the page, so that no entry can come between.
func (s *AccountService) LedgerLines(ctx context.Context, studentID string, page paging.PageRequest) (paging.Page[LedgerLine], error) {
	tx := s.db.Reader.WithContext(ctx)
	running := tx.Model(&models.LedgerEntry{}).Where("student_id = ?", studentID).
		Select("*, sum(hours) OVER (ORDER BY created_at, id) AS balance")
	lines, err := paging.ByTime(tx.Table("(?) AS lines", running), "created_at", "id", page,
		func(l *LedgerLine) paging.Position { return paging.Position{Time: l.CreatedAt, ID: l.ID} })
	if err != nil {
		return lines, err
	}
	return lines, explain(tx, lines.Data)
}

// explain fills in what each line is about.
func explain(tx *gorm.DB, lines []LedgerLine) error {
	var purchaseIDs, eventIDs []string
	for _, line := range lines {
		if line.TransactionID != nil {
			purchaseIDs = append(purchaseIDs, *line.TransactionID)
		}
		if line.EventID != nil {
			eventIDs = append(eventIDs, *line.EventID)
		}
	}
	var purchases []models.Purchase
	if err := tx.Select("id", "plan_id", "hours", "amount", "currency").Where("id IN ?", purchaseIDs).Find(&purchases).Error; err != nil {
		return fmt.Errorf("read a ledger's purchases: %w", err)
	}
	var events []models.WebhookEvent
	if err := tx.Select("id", "type").Where("id IN ?", eventIDs).Find(&events).Error; err != nil {
		return fmt.Errorf("read a ledger's events: %w", err)
	}
	for i := range lines {
		line := &lines[i]
		for j := range purchases {
			if line.TransactionID != nil && purchases[j].ID == *line.TransactionID {
				line.Purchase = &purchases[j]
			}
		}
		for _, event := range events {
			if line.EventID != nil && event.ID == *line.EventID {
				line.EventType = event.Type
			}
		}
	}
	return nil
}
