package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/payloads"
)

// Payloads are those of archives, found by event. They lie in a temporary file, however
// many there are. It is not safe for concurrent use.
type Payloads struct {
	folder string
	db     *sql.DB
}

// Open reads archives; nil where none is named. Whoever opens them closes them. It refuses
// an event that is not as it was archived; what was archived before such hashes were kept,
// it has to believe.
func (s *Service) Open(ctx context.Context, files []string) (*Payloads, error) {
	if len(files) == 0 {
		return nil, nil
	}
	folder, err := os.MkdirTemp("", "hourbank-archive-")
	if err != nil {
		return nil, fmt.Errorf("a folder for the archives: %w", err)
	}
	p := &Payloads{folder: folder}
	if p.db, err = sql.Open("sqlite", filepath.Join(folder, "payloads.db")); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	p.db.SetMaxOpenConns(1)
	for _, statement := range []string{"PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", // it is made anew each time
		"CREATE TABLE payloads (id text PRIMARY KEY, payload text NOT NULL, snapshot text)"} {
		if _, err := p.db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(fmt.Errorf("keep the archives at hand: %w", err), p.Close())
		}
	}
	for _, name := range files {
		if err := s.read(ctx, p, name); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", name, err), p.Close())
		}
	}
	return p, nil
}

// Close removes what was read.
func (p *Payloads) Close() error {
	if p == nil {
		return nil
	}
	return errors.Join(p.db.Close(), os.RemoveAll(p.folder))
}

func (s *Service) read(ctx context.Context, p *Payloads, name string) error {
	file, err := os.Open(name) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	content, err := Reader(name, file)
	if err != nil {
		return err
	}
	return each(content, func(lines []Line) error {
		if err := s.check(ctx, lines); err != nil {
			return err
		}
		tx, err := p.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // it is committed, or its error was told
		for _, line := range lines {
			// Another archive may have it, too.
			if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO payloads VALUES (?, ?, ?)", line.ID, line.Payload, line.Snapshot); err != nil {
				return err
			}
		}
		return tx.Commit()
	})
}

// check looks whether lines are as they were written.
func (s *Service) check(ctx context.Context, lines []Line) error {
	var altered []string
	err := database.Select(s.db.Reader.WithContext(ctx), `SELECT webhook_events.id FROM webhook_events JOIN %s ON webhook_events.id = r.id
		WHERE webhook_events.archived_sha256 <> r.sum AND `+payloads.Readable, len(lines), lineColumns(lines)...).Scan(&altered).Error
	switch {
	case err != nil:
		return fmt.Errorf("look for what was archived: %w", err)
	case len(altered) > 0:
		return fmt.Errorf("event %s is not as it was archived", altered[0])
	}
	return nil
}

// Fill gives a purchase's events, as they were read, the payloads that the database keeps
// no more; none where a student of it was forgotten. Of no archives it fills none.
func (p *Payloads) Fill(tx *gorm.DB, purchaseID string, events []models.WebhookEvent) error {
	if p == nil {
		return nil
	}
	var of models.Purchase
	if err := tx.Select("student_id", "beneficiary_id").Where("id = ?", purchaseID).Take(&of).Error; err != nil {
		return fmt.Errorf("look whose purchase %s is: %w", purchaseID, err)
	}
	if models.IsForgotten(of.StudentID) || models.IsForgotten(of.AccountID()) {
		return nil
	}
	for i := range events {
		if err := p.fill(tx.Statement.Context, &events[i]); err != nil {
			return err
		}
	}
	return nil
}

// FillUnowned does the same for an event without a purchase; not where its payload was
// removed for good, because a student whom it names was forgotten.
func (p *Payloads) FillUnowned(tx *gorm.DB, event *models.WebhookEvent) error {
	if p == nil || event.HasPayload() {
		return nil
	}
	var may int64
	if err := tx.Model(&models.WebhookEvent{}).Where("id = ? AND "+payloads.Readable, event.ID).Count(&may).Error; err != nil {
		return fmt.Errorf("look whether event %s may be read: %w", event.ID, err)
	}
	if may == 0 {
		return nil
	}
	return p.fill(tx.Statement.Context, event)
}

// fill gives an event its payload, where it has none and an archive does.
func (p *Payloads) fill(ctx context.Context, event *models.WebhookEvent) error {
	if event.HasPayload() {
		return nil
	}
	err := p.db.QueryRowContext(ctx, "SELECT payload, snapshot FROM payloads WHERE id = ?", event.ID).Scan(&event.Payload, &event.Snapshot)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("look for event %s in the archives: %w", event.ID, err)
	}
	return nil
}
