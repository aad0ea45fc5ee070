// Package archive keeps the payloads of old events in files, as JSON lines, so that the
// database need not: what they told, their outcome and their hash stay there.
package archive

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/payloads"
)

// chunk is how many events are read, written and emptied at once, so that no statement
// holds locks for long.
const chunk = 1000

// Line is an event in an archive.
type Line struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	ReceivedAt time.Time `json:"received_at"`
	Payload    string    `json:"payload"`            // JSON, as a string: byte for byte what was stored
	Snapshot   *string   `json:"snapshot,omitempty"` // the object that was fetched for it
}

// Service writes archives. It is safe for concurrent use.
type Service struct{ db *database.DB }

// New makes the service.
func New(db *database.DB) *Service { return &Service{db: db} }

// sum is the hash of what a line tells, by which it is known again: SHA-256 in hex.
func (l Line) sum() string {
	whole := l.Payload
	if l.Snapshot != nil {
		whole += "\n" + *l.Snapshot
	}
	sum := sha256.Sum256([]byte(whole))
	return hex.EncodeToString(sum[:])
}

// Write writes the payloads of events that were received before a moment and that
// nothing will try again, oldest first, and gives how many. It changes nothing.
func (s *Service) Write(ctx context.Context, before time.Time, to io.Writer, progress func(events int)) (int, error) {
	written, after, encoder := 0, models.WebhookEvent{}, json.NewEncoder(to)
	tx := s.db.Reader.WithContext(ctx)
	for {
		var old []models.WebhookEvent
		err := tx.Select("id", "type", "received_at", "payload", "snapshot").
			Where("received_at < ? AND (received_at, id) > (?, ?)", before.UTC(), after.ReceivedAt, after.ID).
			Where(payloads.Settled).Order("received_at, id").Limit(chunk).Find(&old).Error
		if err == nil {
			err = payloads.Fill(tx, old)
		}
		if err != nil {
			return written, fmt.Errorf("read old payloads: %w", err)
		}
		for _, e := range old {
			if !e.HasPayload() {
				continue
			}
			if err := encoder.Encode(Line{e.ID, e.Type, e.ReceivedAt.UTC(), e.Payload, e.Snapshot}); err != nil {
				return written, fmt.Errorf("write event %s: %w", e.ID, err)
			}
			written++
		}
		if len(old) < chunk {
			return written, nil
		}
		progress(len(old))
		after = old[len(old)-1]
	}
}

// Empty empties the payloads in the database of the events that an archive holds, all of
// them received before a moment, and gives how many. It reads what was written, so that
// nothing goes that is not there, and notes its hash.
func (s *Service) Empty(ctx context.Context, before time.Time, from io.Reader, progress func(events int)) (int, error) {
	emptied := 0
	err := each(from, func(lines []Line) error {
		var gone []string
		// Somebody may have woken one meanwhile, or forgotten its student.
		err := database.Select(s.db.WithContext(ctx), `UPDATE webhook_events SET payload = '', snapshot = NULL, archived_sha256 = r.sum FROM %s
			WHERE webhook_events.id = r.id AND `+payloads.Settled+" AND "+payloads.Readable+` RETURNING webhook_events.id`, len(lines), lineColumns(lines)...).Scan(&gone).Error
		emptied += len(gone)
		progress(len(lines))
		return err
	})
	if err == nil {
		err = payloads.Discard(ctx, s.db, before.UTC(), "archived_sha256 IS NOT NULL")
	}
	if err != nil {
		return emptied, fmt.Errorf("empty archived payloads: %w", err)
	}
	return emptied, nil
}

func lineColumns(lines []Line) []database.Column {
	return []database.Column{
		database.ColumnOf("id", "text", lines, func(l Line) string { return l.ID }),
		database.ColumnOf("sum", "text", lines, Line.sum),
	}
}

// each reads an archive, a chunk at a time.
func each(from io.Reader, work func([]Line) error) error {
	decoder := json.NewDecoder(bufio.NewReader(from))
	for {
		lines := make([]Line, 0, chunk)
		var err error
		for len(lines) < chunk && err == nil {
			var line Line
			if err = decoder.Decode(&line); err == nil && (line.ID == "" || line.Payload == "") {
				err = errors.New("a line has no event")
			}
			if err == nil {
				lines = append(lines, line)
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the archive: %w", err)
		}
		if len(lines) == 0 {
			return nil
		}
		if err := work(lines); err != nil {
			return err
		}
	}
}

// Reader reads a file by its name: those that end in .gz are compressed.
func Reader(name string, file io.Reader) (io.Reader, error) {
	if !strings.HasSuffix(name, ".gz") {
		return file, nil
	}
	return gzip.NewReader(bufio.NewReader(file))
}

// Writer is the same for writing. To close it leaves the file open.
func Writer(name string, file io.Writer) io.WriteCloser {
	if strings.HasSuffix(name, ".gz") {
		return gzip.NewWriter(file)
	}
	return plain{bufio.NewWriter(file)}
}

type plain struct{ *bufio.Writer }

func (p plain) Close() error { return p.Flush() }
