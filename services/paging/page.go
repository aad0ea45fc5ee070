// Package paging gives lists a page at a time, by cursors.
package paging

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
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

// Bounded is the time in UTC, or the nearest that both engines hold.
func Bounded(t time.Time) time.Time {
	switch t = t.UTC(); {
	case t.Before(FirstTime):
		return FirstTime
	case t.After(LastTime):
		return LastTime
	}
	return t
}

// Page is one page of a list.
type Page[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"next_cursor"` // null on the last page
}

// How every list can be sorted; a list may have more ways.
const (
	SortNewest = "newest"
	SortOldest = "oldest"
)

// PageRequest asks for the page after Cursor; an empty one is the first page.
type PageRequest struct {
	Cursor   string
	Limit    int
	Sort     string     // empty: as the list is sorted by itself
	From, To *time.Time // only rows from then on, and from before then; nil: any
}

// Within leaves only rows of the times asked for.
func (r PageRequest) Within(query *gorm.DB, timeColumn string) *gorm.DB {
	if r.From != nil {
		query = query.Where(timeColumn+" >= ?", Bounded(*r.From))
	}
	if r.To != nil {
		query = query.Where(timeColumn+" < ?", Bounded(*r.To))
	}
	return query
}

// Order is what a list is sorted by: the columns or expressions that it names,
// one after the other, all upwards or all downwards. ID is unique, and the
// others may be empty.
type Order struct {
	Name    string // which cursors carry; empty: newest first
	Rank    string // a whole number
	Time    string
	ID      string
	Upwards bool
}

// Position is where a page ended: keyset paging costs the same on the
// thousandth page as on the first, and never skips rows that arrive meanwhile.
// What the order doesn't name is zero.
type Position struct {
	Order string    `json:"o,omitempty"`
	Rank  int       `json:"r,omitempty"`
	Time  time.Time `json:"t"`
	ID    string    `json:"i"`
}

func (p Position) cursor() string {
	encoded, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("encode cursor: %v", err)) // a time and strings from our own rows
	}
	return base64.RawURLEncoding.EncodeToString(encoded)
}

// parseCursor reads a cursor, which must be of this order.
func (o Order) parseCursor(cursor string) (p Position, err error) {
	decoded, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(decoded, &p)
	}
	if err != nil || p.Order != o.Name || p.Time.Before(FirstTime) || p.Time.After(LastTime) || p.Time.IsZero() != (o.Time == "") || models.ValidateText("id", p.ID) != nil {
		return p, models.Errorf(models.CodeInvalidCursor, "The cursor is not one that this list gave in this order; leave it out to start from the first page.")
	}
	return p, nil
}

// keys are the columns that the order names, and the position's values of them.
func (o Order) keys(at Position) (columns []string, values []any) {
	for _, key := range []struct {
		column string
		value  any
	}{{o.Rank, at.Rank}, {o.Time, at.Time.UTC()}, {o.ID, at.ID}} {
		if key.column != "" {
			columns, values = append(columns, key.column), append(values, key.value)
		}
	}
	return columns, values
}

// ByTime reads one page of the query, of the times asked for, by the two
// columns, a time and the id: newest first, or oldest first where the request
// says so. It returns a *models.Error with code invalid_request or
// invalid_cursor.
func ByTime[T any](query *gorm.DB, timeColumn, idColumn string, request PageRequest, positionOf func(*T) Position) (Page[T], error) {
	order := Order{Time: timeColumn, ID: idColumn}
	switch request.Sort {
	case "", SortNewest:
	case SortOldest:
		order.Name, order.Upwards = SortOldest, true
	default:
		return Page[T]{}, models.Errorf(models.CodeInvalidRequest, "A list can't be sorted by %q.", request.Sort)
	}
	return Read(request.Within(query, timeColumn), order, request, positionOf)
}

// Read reads one page of the query in an order. It returns a *models.Error
// with code invalid_cursor, also for a cursor of another order.
func Read[T any](query *gorm.DB, order Order, request PageRequest, positionOf func(*T) Position) (Page[T], error) {
	limit, direction, beyond := min(request.Limit, MaxPageSize), " DESC", " < "
	if order.Upwards {
		direction, beyond = "", " > "
	}
	columns, _ := order.keys(Position{})
	if request.Cursor != "" {
		after, err := order.parseCursor(request.Cursor)
		if err != nil {
			return Page[T]{}, err
		}
		_, values := order.keys(after)
		query = query.Where("("+strings.Join(columns, ", ")+")"+beyond+"?", values)
	}
	rows := make([]T, 0, limit+1)
	if err := query.Order(strings.Join(columns, direction+", ") + direction).Limit(limit + 1).Find(&rows).Error; err != nil {
		return Page[T]{}, fmt.Errorf("read a page by %s: %w", strings.Join(columns, ", "), err)
	}
	page := Page[T]{Data: rows}
	if len(rows) > limit {
		page.Data = rows[:limit]
		last := positionOf(&rows[limit-1])
		last.Order = order.Name
		cursor := last.cursor()
		page.NextCursor = &cursor
	}
	return page, nil
}
