package sessions

import (
	"encoding/json"
	"slices"
	"testing"
)

// Providers write a single group as a text, and what is true as "true".
func TestClaimsAreReadAsProvidersWriteThem(t *testing.T) {
	for text, want := range map[string][]string{`["a","b"]`: {"a", "b"}, `"a"`: {"a"}, `[]`: {}, `null`: nil} {
		var groups anyOf
		if err := json.Unmarshal([]byte(text), &groups); err != nil || !slices.Equal(groups, want) {
			t.Errorf("%s: %v (%v)", text, groups, err)
		}
	}
	if err := json.Unmarshal([]byte(`{"a":1}`), new(anyOf)); err == nil {
		t.Error("an object was read as groups")
	}
	for text, want := range map[string]bool{`true`: true, `"true"`: true, `false`: false, `"false"`: false, `1`: false, `null`: false} {
		var claim any
		if err := json.Unmarshal([]byte(text), &claim); err != nil || isTrue(claim) != want {
			t.Errorf("%s: %t (%v)", text, isTrue(claim), err)
		}
	}
}
