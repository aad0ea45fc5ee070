package money

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestParseHours(t *testing.T) {
	for text, want := range map[string]Hours{
		"0": 0, "0.00": 0, "1": 100, "1.5": 150, "1.50": 150, "10.00": 1000, "0.01": 1, "007.10": 710, "10000000.00": MaxHours, "10000000": MaxHours,
	} {
		if got, err := ParseHours(text); err != nil || got != want {
			t.Errorf("ParseHours(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "1.", ".5", "1.234", "1,50", "-1", "+1", "1e3", "0x10", "ten", "1.5h", "1 5", "10000000.01", "99999999", "999999999", "٣", "NaN", "1.50\n",
	} {
		if got, err := ParseHours(text); err == nil || got != 0 {
			t.Errorf("ParseHours(%q) = %d, %v, want 0 and an error", text, got, err)
		}
	}
}

func TestHoursAreReadAsPeopleTypeThem(t *testing.T) {
	for text, want := range map[string]Hours{"2.5": 250, "2,5": 250, "-1,25": -125, "\u22121.25": -125, "0,01": 1} {
		if got, err := ParseTypedHours(text); err != nil || got != want {
			t.Errorf("ParseTypedHours(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	if got, err := ParseTypedHours(" 10\n"); err != nil || got != 1000 {
		t.Errorf("with spaces around it, 10 is read as %d (%v)", got, err)
	}
	for _, text := range []string{"", ",5", "1,2,5", "1.000,5", "2,555", "--1", "+1", "two"} {
		if got, err := ParseTypedHours(text); err == nil {
			t.Errorf("ParseTypedHours(%q) = %d, want an error", text, got)
		}
	}
}

func TestHoursAreShownWithTwoPlaces(t *testing.T) {
	for hours, want := range map[Hours]string{
		0: "0.00", 1: "0.01", 10: "0.10", 100: "1.00", 150: "1.50", -1: "-0.01", -150: "-1.50", MaxHours: "10000000.00",
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

func TestProportionOfRoundsHalfUp(t *testing.T) {
	rows := []struct {
		hours       Hours
		part, whole int64
		want        Hours
	}{
		{1000, 0, 5000, 0}, {1000, 5000, 5000, 1000}, {1000, 2500, 5000, 500},
		{100, 1, 3, 33}, {100, 2, 3, 67}, // 33.33 and 66.67
		{1, 1, 2, 1}, {3, 1, 2, 2}, {1, 499, 1000, 0}, {1, 500, 1000, 1}, // half goes up
		{5, 1, 10, 1}, {5, 3, 10, 2}, {1, 1, 3, 0}, {1, 2, 3, 1}, // odd wholes have no exact half
		{1000, 1, 999_999_999_999, 0},
		{MaxHours, 999_999_999_999, 999_999_999_999, MaxHours},
		{4_294_967_297, 4_294_967_295, 4, 1 << 62}, // half a whole more is beyond 64 bits
		{1 << 62, 4, 1, math.MaxInt64}, {1 << 62, 2, 1, math.MaxInt64}, {math.MaxInt64, math.MaxInt64, 1, math.MaxInt64},
		{1000, -2500, 5000, -500}, {1, -1, 2, -1},
		{MaxHours, 499_999_999_999_999, 1_000_000_000_000_000, 499_999_999 + 1}, // beyond 64 bits in between
	}
	for _, row := range rows {
		if got := Hours(proportion(int64(row.hours), row.part, row.whole)); got != row.want {
			t.Errorf("%d × %d / %d = %d, want %d", row.hours, row.part, row.whole, got, row.want)
		}
	}
}

// Against arithmetic without bounds.
func TestProportionOfIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		hours, whole := random.Int64N(int64(MaxHours)+1), random.Int64N(1_000_000_000_000_000)+1
		part := random.Int64N(whole + 1)
		twice := new(big.Int).Mul(big.NewInt(2*hours), big.NewInt(part))
		want := twice.Add(twice, big.NewInt(whole)).Div(twice, big.NewInt(2*whole)).Int64()
		if got := proportion(hours, part, whole); got != want {
			t.Fatalf("%d × %d / %d = %d, want %d", hours, part, whole, got, want)
		}
	}
}

func TestPriceOfHours(t *testing.T) {
	terms := Terms{Amount: 5000, Currency: "eur", Hours: 1000}
	for hours, want := range map[Hours]int64{0: 0, 1: 5, 150: 750, 1000: 5000, 2000: 5000} {
		if got := hours.Price(terms); got != want {
			t.Errorf("%s hours cost %d, want %d", hours, got, want)
		}
	}
	if got := Hours(1).Price(Terms{Amount: 1, Currency: "eur", Hours: 2}); got != 1 {
		t.Errorf("half a cent is rounded to %d, want 1", got)
	}
}
