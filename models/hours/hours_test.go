package hours

import (
	"encoding/json"
	"math"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Hours{
		"0": 0, "0.00": 0, "1": 100, "1.5": 150, "1.50": 150, "10.00": 1000, "0.01": 1, "007.10": 710, "10000000.00": Max, "10000000": Max,
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "1.", ".5", "1.234", "1,50", "-1", "+1", "1e3", "0x10", "ten", "1.5h", "1 5", "10000000.01", "99999999", "999999999", "٣", "NaN", "1.50\n",
	} {
		if got, err := Parse(text); err == nil || got != 0 {
			t.Errorf("Parse(%q) = %d, %v, want 0 and an error", text, got, err)
		}
	}
}

func TestHoursAreReadAsPeopleTypeThem(t *testing.T) {
	for text, want := range map[string]Hours{"2.5": 250, "2,5": 250, "-1,25": -125, "\u22121.25": -125, "0,01": 1} {
		if got, err := ParseTyped(text); err != nil || got != want {
			t.Errorf("ParseTyped(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	if got, err := ParseTyped(" 10\n"); err != nil || got != 1000 {
		t.Errorf("with spaces around it, 10 is read as %d (%v)", got, err)
	}
	for _, text := range []string{"", ",5", "1,2,5", "1.000,5", "2,555", "--1", "+1", "two"} {
		if got, err := ParseTyped(text); err == nil {
			t.Errorf("ParseTyped(%q) = %d, want an error", text, got)
		}
	}
}

func TestHoursAreShownWithTwoPlaces(t *testing.T) {
	for hours, want := range map[Hours]string{
		0: "0.00", 1: "0.01", 10: "0.10", 100: "1.00", 150: "1.50", -1: "-0.01", -150: "-1.50", Max: "10000000.00",
		math.MinInt64: "-92233720368547758.08", math.MaxInt64: "92233720368547758.07",
	} {
		if got := hours.String(); got != want {
			t.Errorf("%d is shown as %q, want %q", int64(hours), got, want)
		}
	}
}

func TestHoursAreStringsInJSON(t *testing.T) {
	var read struct{ Hours Hours }
	if err := json.Unmarshal([]byte(`{"Hours":"1.50"}`), &read); err != nil || read.Hours != 150 {
		t.Errorf("read %v, %v", read, err)
	}
	if shown, err := json.Marshal(read); err != nil || string(shown) != `{"Hours":"1.50"}` {
		t.Errorf("shown as %s, %v", shown, err)
	}
	for _, bad := range []string{`1.5`, `150`, `null`, `true`, `{}`, `"--1.50"`, `"x"`, `" 1.50"`} {
		if err := json.Unmarshal([]byte(`{"Hours":`+bad+`}`), &read); err == nil {
			t.Errorf("%s was read as %s", bad, read.Hours)
		}
	}
}
