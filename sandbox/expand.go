package sandbox

import (
	"slices"
	"strings"
)

// onlyExpanded are the properties that are missing unless asked for, since when.
var onlyExpanded = map[string]string{"charge.refunds": "2022-11-15", "checkout.session.line_items": "", "invoice.payments": ""}

const deepestExpansion = 4

func onRequest(kind, name string, v version) bool {
	day, ok := onlyExpanded[kind+"."+name]
	return ok && v.since(day)
}

// checkExpansions refuses what can't be expanded, before anything is done.
// list tells whether the answer is a list of objects of the kind.
func checkExpansions(kind string, list bool, paths []string, v version) error {
	for _, path := range paths {
		steps := strings.Split(path, ".")
		if len(steps) > deepestExpansion {
			return invalid("", "expand", "You cannot expand more than %d levels of a property. Property: %s", deepestExpansion, path)
		}
		at := kind
		if list {
			at = "[]" + kind
		}
		for _, step := range steps {
			if at = expansion(at, step, v); at == "" {
				return invalid("", "expand", "This property cannot be expanded (%s).", path)
			}
		}
	}
	return nil
}

// expansion gives what a step leads to, nothing where it leads nowhere.
func expansion(at, step string, v version) string {
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

// expand puts objects in place of their ids at the paths, in a shaped value.
func (st *state) expand(value any, paths []string, v version) error {
	slices.Sort(paths) // what contains comes before what is in it
	for _, path := range paths {
		if err := st.expandPath(value, strings.Split(path, "."), v); err != nil {
			return err
		}
	}
	return nil
}

func (st *state) expandPath(in any, steps []string, v version) error {
	if rows, ok := in.([]any); ok {
		for _, row := range rows {
			if err := st.expandPath(row, steps, v); err != nil {
				return err
			}
		}
		return nil
	}
	m, ok := in.(map[string]any)
	if !ok || len(steps) == 0 {
		return nil
	}
	inner := m[steps[0]]
	if id, isID := inner.(string); isID && st.byID[id] != nil {
		whole, err := st.whole(st.byID[id])
		if err != nil {
			return err
		}
		inner = shaped(whole, v)
	} else if inner == nil {
		if whole, isObject := st.byID[idOf(m)]; isObject {
			all, err := st.whole(whole)
			if err != nil {
				return err
			}
			inner = shaped(all.(map[string]any)[steps[0]], v) //nolint:forcetypeassert // objects render as maps
		}
	}
	m[steps[0]] = inner
	return st.expandPath(inner, steps[1:], v)
}

func idOf(m map[string]any) string {
	id, _ := m["id"].(string)
	return id
}
