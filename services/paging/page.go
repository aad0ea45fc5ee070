// Package paging gives lists a page at a time, newest first, by cursors.
package paging

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"hourbank/models"
)

// Page sizes of every list.
const (
	DefaultPageSize = 20
	MaxPageSize     = 100
)

// The first and last times that RFC 3339 writes and both engines hold. A time
// with an offset can lie beyond them.
var (
	FirstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	LastTime  = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
)

// Page is one page of a list, newest first.
type Page[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"next_cursor"` // null on the last page
}

// PageRequest asks for the page after Cursor; an empty one is the first page.
type PageRequest struct {
	Cursor string
	Limit  int
}

// Position is where a page ended: keyset paging costs the same on the
// thousandth page as on the first, and never skips rows that arrive meanwhile.
type Position struct {
	Time time.Time `json:"t"`
	ID   string    `json:"i"`
}

func (p Position) cursor() string {
	encoded, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("encode cursor: %v", err)) // a time and a string from our own rows
	}
	return base64.RawURLEncoding.EncodeToString(encoded)
}

func parseCursor(cursor string) (p Position, err error) {
	decoded, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(decoded, &p)
	}
	if err != nil || p.Time.Before(FirstTime) || p.Time.After(LastTime) || p.Time.IsZero() || models.ValidateID("id", p.ID) != nil {
		return p, models.Errorf(models.CodeInvalidCursor, "The cursor is not one that this list gave; leave it out to start from the newest.")
	}
	return p, nil
}

// Newest reads one page of the query, ordered by the two columns, a time and
// the id, descending. It returns a *models.Error with code invalid_cursor.
func Newest[T any](query *gorm.DB, timeColumn, idColumn string, request PageRequest, positionOf func(*T) Position) (Page[T], error) {
	limit := min(request.Limit, MaxPageSize)
	if request.Cursor != "" {
		after, err := parseCursor(request.Cursor)
		if err != nil {
			return Page[T]{}, err
		}
		query = query.Where("("+timeColumn+", "+idColumn+") < (?, ?)", after.Time.UTC(), after.ID)
	}
	rows := make([]T, 0, limit+1)
	if err := query.Order(timeColumn + " DESC, " + idColumn + " DESC").Limit(limit + 1).Find(&rows).Error; err != nil {
		return Page[T]{}, fmt.Errorf("read a page by %s: %w", timeColumn, err)
	}
	page := Page[T]{Data: rows}
	if len(rows) > limit {
		page.Data = rows[:limit]
		cursor := positionOf(&rows[limit-1]).cursor()
		page.NextCursor = &cursor
	}
	return page, nil
}
