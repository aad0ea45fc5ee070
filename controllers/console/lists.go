package console

import (
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"hourbank/models"
	"hourbank/services/paging"
)

// question is what a list was asked for: its filters and its order, by the
// names of the form's fields. What was left out is not there.
type question map[string]string

// ask reads a list's filters, its order, and its page. from and to are days in
// UTC, both included. It returns a *models.Error with code invalid_request.
func ask(c *gin.Context, filters ...string) (question, paging.PageRequest, error) {
	asked := question{}
	for _, name := range append(filters, "from", "to", "sort") {
		if value := strings.TrimSpace(c.Query(name)); value != "" {
			asked[name] = value
		}
	}
	page := pageOf(c, "cursor")
	page.Sort = asked["sort"]
	var err error
	if page.From, err = asked.day("from", 0); err != nil {
		return nil, page, err
	}
	page.To, err = asked.day("to", 1)
	return asked, page, err
}

// day is when a day begins, or one so many days after it; nil where none was
// asked for.
func (q question) day(name string, after int) (*time.Time, error) {
	if q[name] == "" {
		return nil, nil
	}
	day, err := time.Parse(time.DateOnly, q[name])
	if err != nil {
		return nil, models.Errorf(models.CodeInvalidRequest, "%q is no day. Write days as year, month and day: 2026-01-31.", q[name])
	}
	day = day.AddDate(0, 0, after)
	return &day, nil
}

// address asks the same again, from a cursor on.
func (q question) address(cursor string) string {
	values := url.Values{}
	for name, value := range q {
		values.Set(name, value)
	}
	if cursor != "" {
		values.Set("cursor", cursor)
	}
	return "?" + values.Encode()
}

// exported are the names that exports have for what lists are picked by; an
// export has its own order.
var exported = map[string]string{"student": "student_id", "plan": "plan", "kind": "kind", "type": "type", "from": "from", "to": "to"}

// Export is where the list is to be had as CSV, picked by the same; status is
// the name that its status has there.
func (q question) Export(list, status string) string {
	parameters := url.Values{}
	for name, value := range q {
		switch {
		case exported[name] != "":
			parameters.Set(exported[name], value)
		case name == "status" && value != "any":
			parameters.Set(status, value)
		}
	}
	return csvAddress(list, parameters)
}

// listing is a page of a list as it is shown.
type listing[T any] struct {
	paging.Page[T]
	Asked question
	Next  string // the next page's address; empty: this is the last
	First string // the first page's address; empty: this is it
}

func newListing[T any](asked question, request paging.PageRequest, page paging.Page[T]) listing[T] {
	shown := listing[T]{Page: page, Asked: asked}
	if page.NextCursor != nil {
		shown.Next = asked.address(*page.NextCursor)
	}
	if request.Cursor != "" {
		shown.First = asked.address("")
	}
	return shown
}

// Narrowed says whether a filter is set, which may be why nothing is shown.
func (l listing[T]) Narrowed() bool {
	for name := range l.Asked {
		if name != "sort" {
			return true
		}
	}
	return false
}
