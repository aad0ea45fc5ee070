package models

import "testing"

// What an event is told to have opened: the most urgent of what is new or grew.
func TestTheCaseThatAChangeOpened(t *testing.T) {
	under, over := CaseState{Kind: CaseUnderpaid, Amount: 5}, CaseState{Kind: CaseOverpaid, Amount: 5}
	disputed := CaseState{Kind: CaseDispute, Subject: "pi_1"}
	for name, row := range map[string]struct {
		before, after []CaseState
		want          CaseKind
	}{
		"none":                           {nil, nil, ""},
		"one":                            {nil, []CaseState{under}, CaseUnderpaid},
		"the most urgent":                {nil, []CaseState{over, under, disputed}, CaseDispute},
		"one that was":                   {[]CaseState{under}, []CaseState{under}, ""},
		"one that grew":                  {[]CaseState{{Kind: CaseUnderpaid, Amount: 4}}, []CaseState{under}, CaseUnderpaid},
		"one that shrank":                {[]CaseState{{Kind: CaseUnderpaid, Amount: 6}}, []CaseState{under}, ""},
		"one of another subject":         {[]CaseState{{Kind: CaseDispute, Subject: "pi_2"}}, []CaseState{disputed}, CaseDispute},
		"one beside one of another kind": {[]CaseState{over}, []CaseState{over, under}, CaseUnderpaid},
		"one that is over":               {[]CaseState{under}, nil, ""},
	} {
		change := Change{Before: row.before, After: row.after}
		if got := change.Opened(); got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}
