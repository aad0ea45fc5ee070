package api

import (
	"cmp"
	"slices"
	"strings"
)

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
	edge := cmp.Or(after, before)
	i := slices.IndexFunc(rows, func(row Object) bool { return row.ID() == edge })
	switch {
	case edge != "" && i < 0:
		return nil, false, NoSuch("object", edge, map[bool]string{true: "starting_after", false: "ending_before"}[after != ""])
	case after != "":
		rows = rows[i+1:]
	case before != "":
		first := max(i-limit, 0)
		return rows[first:i], first > 0, nil
	}
	return rows[:min(limit, len(rows))], len(rows) > limit, nil
}

// createdFilter reads created, a time or bounds gt, gte, lt and lte of one.
func createdFilter(f *Form) func(int64) bool {
	const earliest, latest = -1 << 62, 1 << 62
	from, to := int64(earliest), int64(latest)
	if p := f.At("created"); p != nil && len(p.kids) == 0 {
		from = f.Number("created", 0)
		to = from
	} else if p != nil {
		from = max(p.Number("gte", earliest), p.Number("gt", earliest-1)+1)
		to = min(p.Number("lte", latest), p.Number("lt", latest+1)-1)
	}
	return func(t int64) bool { return from <= t && t <= to }
}

// ListedBy lists, whenever it is shown, the objects of a kind that have a value
// there, newest first.
func (st *Store) ListedBy(kind, name, value, url string) func() any {
	return func() any {
		rows := []Object{}
		for _, row := range slices.Backward(st.rows[kind]) {
			if row[name] == value { // past the check of the name: every object of the kind is asked
				rows = append(rows, row)
			}
		}
		return ListOf(rows, url)
	}
}

// ListOf is a list, such as one inside of an object.
func ListOf(rows []Object, url string) Object {
	return Object{"object": "list", "data": rows, "has_more": false, "url": url}
}

// onlyExpanded are the properties that are missing unless asked for, since when.
var onlyExpanded = map[string]string{"charge.refunds": "2022-11-15", "checkout.session.line_items": "", "invoice.payments": ""}

const deepestExpansion = 4

func onRequest(kind, name string, v Version) bool {
	day, ok := onlyExpanded[kind+"."+name]
	return ok && v.Since(day)
}

// CheckExpansions refuses what can't be expanded, before anything is done, in
// an object of a kind, or in a list of them: "[]" and the kind.
func CheckExpansions(at string, paths []string, v Version) error {
	for _, path := range paths {
		steps := strings.Split(path, ".")
		if len(steps) > deepestExpansion {
			return Invalid("", "expand", "You cannot expand more than %d levels of a property. Property: %s", deepestExpansion, path)
		}
		to := at
		for _, step := range steps {
			if to = expansion(to, step, v); to == "" {
				return Invalid("", "expand", "This property cannot be expanded (%s).", path)
			}
		}
	}
	return nil
}

// expansion gives what a step leads to, nothing where it leads nowhere.
func expansion(at, step string, v Version) string {
	if rows, isList := strings.CutPrefix(at, "[]"); isList {
		return map[string]string{"data": rows}[step]
	}
	if s := stripes().Objects[at]; s != nil && !s.has(step, v) {
		return ""
	}
	return stripes().Expandable[at][step]
}

// Render gives a value as it is now, in the version that the call asks for,
// with objects in place of their ids at the paths.
func (c *Call) Render(value any, paths []string) any {
	rendered := shaped(snapshot(value), c.Version)
	slices.Sort(paths) // what contains comes before what is in it
	for _, path := range paths {
		c.expand(rendered, strings.Split(path, "."))
	}
	return rendered
}

func (c *Call) expand(in any, steps []string) {
	if rows, ok := in.([]any); ok {
		for _, row := range rows {
			c.expand(row, steps)
		}
	}
	o, ok := in.(Object)
	if !ok || len(steps) == 0 {
		return
	}
	step := steps[0]
	id, isID := o[step].(string)
	if named := c.byID[id]; isID && named != nil {
		o[step] = shaped(snapshot(named), c.Version)
	} else if own, _ := o["id"].(string); o[step] == nil && c.byID[own] != nil {
		o[step] = shaped(snapshot(c.byID[own][step]), c.Version)
	}
	c.expand(o[step], steps[1:])
}
