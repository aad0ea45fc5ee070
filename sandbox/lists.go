package sandbox

import "slices"

// page is one page of a list. https://docs.stripe.com/api/pagination
type page struct {
	Object  string `json:"object"`
	Data    any    `json:"data"`
	HasMore bool   `json:"has_more"`
	URL     string `json:"url"`
}

const (
	usualPage   = 10
	largestPage = 100
)

// by is what a list call is narrowed by: parameters, and what a row has there.
type by[T object] map[string]func(T) string

// listed answers a list call.
func listed[T object](of func(*state) *table[T], by by[T]) handler {
	return func(c *call) (any, error) {
		wanted := map[string]string{}
		for name := range by {
			wanted[name] = c.form.text(name)
		}
		return list(c, of(c.state), func(row T) bool {
			for name, has := range by {
				if wanted[name] != "" && wanted[name] != has(row) {
					return false
				}
			}
			return true
		})
	}
}

// list answers a list call with the newest rows that keep wants, narrowed by
// created and paged by limit, starting_after and ending_before.
func list[T object](c *call, t *table[T], keep func(T) bool) (any, error) {
	wanted := createdFilter(c.form)
	limit := c.form.number("limit", usualPage)
	if limit < 1 || limit > largestPage {
		c.form.fail(invalid("", "limit", "Invalid limit: must be between 1 and %d.", largestPage))
	}
	after, before := c.form.text("starting_after"), c.form.text("ending_before")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	rows := []T{}
	for _, row := range slices.Backward(t.rows) {
		if wanted(row.born()) && keep(row) {
			rows = append(rows, row)
		}
	}
	rows, more, err := cut(rows, int(limit), after, before)
	if err != nil {
		return nil, err
	}
	return page{Object: "list", Data: rows, HasMore: more, URL: c.http.URL.Path}, nil
}

// cut takes the page behind one id or before another.
func cut[T object](rows []T, limit int, after, before string) ([]T, bool, error) {
	position := func(id string) int {
		return slices.IndexFunc(rows, func(row T) bool { return row.key() == id })
	}
	switch {
	case after != "":
		i := position(after)
		if i < 0 {
			return nil, false, noSuch("object", after, "starting_after")
		}
		rows = rows[i+1:]
	case before != "":
		i := position(before)
		if i < 0 {
			return nil, false, noSuch("object", before, "ending_before")
		}
		first := max(i-limit, 0)
		return rows[first:i], first > 0, nil
	}
	if len(rows) > limit {
		return rows[:limit], true, nil
	}
	return rows, false, nil
}

// createdFilter reads created, a time or bounds gt, gte, lt and lte of one.
func createdFilter(f *form) func(int64) bool {
	p := f.at("created")
	if p == nil {
		return func(int64) bool { return true }
	}
	if len(p.kids) == 0 {
		exactly := f.number("created", 0)
		return func(t int64) bool { return t == exactly }
	}
	const earliest, latest = -1 << 62, 1 << 62
	from := max(p.number("gte", earliest), p.number("gt", earliest-1)+1)
	to := min(p.number("lte", latest), p.number("lt", latest+1)-1)
	return func(t int64) bool { return from <= t && t <= to }
}

// listOf is a list inside of an object.
func listOf[T any](rows []T, url string) page {
	if rows == nil {
		rows = []T{}
	}
	return page{Object: "list", Data: rows, URL: url}
}
