package sandbox

import (
	"bytes"
	"encoding/json"
	"strings"
)

// expand renders value with the objects in place of the ids at the paths asked
// for. https://docs.stripe.com/api/expanding_objects
func (st *state) expand(value any, paths []string) (any, error) {
	rendered, err := generic(value)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if err := st.expandPath(rendered, strings.Split(path, "."), path); err != nil {
			return nil, err
		}
	}
	return rendered, nil
}

func (st *state) expandPath(in any, steps []string, path string) error {
	if rows, ok := in.([]any); ok {
		for _, row := range rows {
			if err := st.expandPath(row, steps, path); err != nil {
				return err
			}
		}
		return nil
	}
	m, ok := in.(map[string]any)
	if !ok || len(steps) == 0 {
		return nil
	}
	step := steps[0]
	found, present := m[step]
	if !present && m["object"] == "charge" && step == "refunds" {
		found, present = st.chargeRefunds(m["id"]), true
	}
	if !present {
		return invalid("", "expand", "This property cannot be expanded (%s).", path)
	}
	if id, ok := found.(string); ok {
		if named := st.byID[id]; named != nil {
			found = named
		}
	}
	inner, err := generic(found)
	if err != nil {
		return err
	}
	m[step] = inner
	return st.expandPath(inner, steps[1:], path)
}

func (st *state) chargeRefunds(id any) page {
	name, _ := id.(string)
	return listOf(st.refundsOf(name), "/v1/charges/"+name+"/refunds")
}

// generic gives a value as maps, slices, strings and exact numbers.
func generic(value any) (any, error) {
	switch value.(type) {
	case map[string]any, []any, nil:
		return value, nil
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var plain any
	err = decoder.Decode(&plain)
	return plain, err
}
