// Package auditlog keeps what people did, and shows it.
package auditlog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/paging"
)

// Write keeps one thing that a person did, in the transaction that did it. An
// empty note is none.
func Write(tx *gorm.DB, actor string, action models.AuditAction, subject, note string) error {
	entry := models.AuditEntry{ID: models.NewID(), Actor: actor, Action: action, Subject: subject, CreatedAt: tx.NowFunc()}
	if note != "" {
		entry.Note = &note
	}
	if err := tx.Create(&entry).Error; err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

// Service shows the log. It is safe for concurrent use.
type Service struct{ db *database.DB }

// New makes the service.
func New(db *database.DB) *Service { return &Service{db: db} }

// Filter picks entries; what is empty picks all.
type Filter struct{ Actor, Action, Subject string }

// List pages through what people did, newest first where
// the request says nothing else. It returns a *models.Error
// with code invalid_request or invalid_cursor.
func (s *Service) List(ctx context.Context, filter Filter, page paging.PageRequest) (paging.Page[models.AuditEntry], error) {
	query := s.db.Reader.WithContext(ctx)
	if filter.Action != "" && !slices.Contains(models.AuditActions, models.AuditAction(filter.Action)) {
		return paging.Page[models.AuditEntry]{}, models.Errorf(models.CodeInvalidRequest, "action must be one of %s.", strings.Trim(fmt.Sprint(models.AuditActions), "[]"))
	}
	for column, value := range map[string]string{"actor": filter.Actor, "action": filter.Action, "subject": filter.Subject} {
		if value != "" {
			query = query.Where(column+" = ?", value)
		}
	}
	return paging.ByTime(query, "created_at", "id", page, func(e *models.AuditEntry) paging.Position { return paging.Position{Time: e.CreatedAt, ID: e.ID} })
}
