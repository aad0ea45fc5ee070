package models_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"hourbank/models"
)

// What is read as hours is shown as what reads as the same hours.
func FuzzHours(f *testing.F) {
	for _, seed := range []string{"1.50", "10", "-0.05", "0.1", "10000000.00", "1e3", "١.00", "", "+1", "00000001.1", "1."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		hours, err := models.ParseSignedHours(text)
		if err != nil {
			return
		}
		if hours > models.MaxHours || hours < -models.MaxHours {
			t.Fatalf("%q is %d hundredths, beyond the bounds", text, hours)
		}
		again, err := models.ParseSignedHours(hours.String())
		if err != nil || again != hours {
			t.Fatalf("%q is %d, shown as %q, read as %d (%v)", text, hours, hours, again, err)
		}
		if value, err := strconv.ParseFloat(text, 64); err != nil || math.Round(value*100) != float64(hours) {
			t.Fatalf("%q is read as %d hundredths", text, hours)
		}
	})
}

// Money never loses a digit, whatever the currency: what is shown says the
// amount, without zeros that people of the currency don't write.
func FuzzMoney(f *testing.F) {
	for _, code := range []string{"eur", "jpy", "kwd", "isk", "ugx", "mga", "zzz", ""} {
		f.Add(int64(5000), code)
		f.Add(int64(math.MinInt64), code)
	}
	f.Fuzz(func(t *testing.T, amount int64, code string) {
		if len(code) != 3 || strings.ContainsFunc(code, func(r rune) bool { return r < 'a' || r > 'z' }) {
			return
		}
		shown := models.FormatMoney(amount, code)
		whole, fraction, _ := strings.Cut(shown, ".")
		digits := strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return r
			}
			return -1
		}, whole) + fraction + strings.Repeat("0", models.CurrencyDecimals(code)-len(fraction))
		magnitude := strings.TrimPrefix(strconv.FormatInt(amount, 10), "-")
		if strings.TrimLeft(digits, "0") != strings.TrimLeft(magnitude, "0") || (amount < 0) != strings.Contains(shown, "-") {
			t.Fatalf("%d %s is shown as %q", amount, code, shown)
		}
	})
}
