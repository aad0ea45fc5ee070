package api

import (
	"slices"
	"strings"
)

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
		if step == "data" {
			return rows
		}
		return ""
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
