package api

import "slices"

const (
	usualPage   = 10
	largestPage = 100
)

// Listed answers a list call, narrowed by parameters to what the objects have
// there.
func Listed(kind string, by ...string) Handler {
	return func(c *Call) Act {
		return c.List(kind, func(o Object) bool {
			return !slices.ContainsFunc(by, func(name string) bool {
				wanted := c.Form.Text(name)
				return wanted != "" && wanted != o.Text(name)
			})
		}, by...)
	}
}

// List answers a list call with the newest objects that keep wants, narrowed by
// created and paged by limit, starting_after and ending_before.
// https://docs.stripe.com/api/pagination
func (c *Call) List(kind string, keep func(Object) bool, reads ...string) Act {
	f := c.Form
	for _, name := range reads {
		f.Text(name)
	}
	wanted, limit := createdFilter(f), f.Number("limit", usualPage)
	if limit < 1 || limit > largestPage {
		f.Fail(Invalid("", "limit", "Invalid limit: must be between 1 and %d.", largestPage))
	}
	after, before := f.Text("starting_after"), f.Text("ending_before")
	return func() (any, error) {
		rows := []Object{}
		for _, row := range slices.Backward(c.rows[kind]) {
			if wanted(row.Number("created")) && keep(row) {
				rows = append(rows, row)
			}
		}
		rows, more, err := cut(rows, int(limit), after, before)
		if err != nil {
			return nil, err
		}
		page := ListOf(rows, c.HTTP.URL.Path)
		page["has_more"] = more
		return page, nil
	}
}

// cut takes the page behind one id or before another.
func cut(rows []Object, limit int, after, before string) ([]Object, bool, error) {
	position := func(id string) int {
		return slices.IndexFunc(rows, func(row Object) bool { return row.ID() == id })
	}
	switch {
	case after != "":
		i := position(after)
		if i < 0 {
			return nil, false, NoSuch("object", after, "starting_after")
		}
		rows = rows[i+1:]
	case before != "":
		i := position(before)
		if i < 0 {
			return nil, false, NoSuch("object", before, "ending_before")
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
func createdFilter(f *Form) func(int64) bool {
	p := f.At("created")
	if p == nil {
		return func(int64) bool { return true }
	}
	if len(p.kids) == 0 {
		exactly := f.Number("created", 0)
		return func(t int64) bool { return t == exactly }
	}
	const earliest, latest = -1 << 62, 1 << 62
	from := max(p.Number("gte", earliest), p.Number("gt", earliest-1)+1)
	to := min(p.Number("lte", latest), p.Number("lt", latest+1)-1)
	return func(t int64) bool { return from <= t && t <= to }
}

// ListOf is a list, such as one inside of an object.
func ListOf(rows []Object, url string) Object {
	return Object{"object": "list", "data": rows, "has_more": false, "url": url}
}
