// Package money holds the pure rules that turn what Stripe told about payments
// into hours: the evidence, how tellings of it join, and what follows from it.
// It imports nothing of ours, and nothing in it reaches outside the process.
package money

import (
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"regexp"
	"strconv"
	"strings"
)

// Hours is an exact amount of tutoring time in hundredths of an hour: 150 is
// an hour and a half. It is shown, and read, as a decimal string such as
// "1.50", so that no float ever stands between two ledgers.
type Hours int64

// MaxHours bounds one purchase or booking (10 million hours), far from where
// sums of int64 could overflow.
const MaxHours Hours = 1_000_000_000

var hoursPattern = regexp.MustCompile(`^(\d{1,8})(?:\.(\d{1,2}))?$`)

// ParseHours reads a non-negative decimal with at most two places.
func ParseHours(s string) (Hours, error) {
	match := hoursPattern.FindStringSubmatch(s)
	if match == nil {
		return 0, fmt.Errorf("hours must be a decimal with at most two places, such as \"1.50\"")
	}
	hundredths, err := strconv.ParseInt(match[1]+(match[2] + "00")[:2], 10, 64)
	if err != nil || Hours(hundredths) > MaxHours {
		return 0, fmt.Errorf("hours must be at most %s", MaxHours)
	}
	return Hours(hundredths), nil
}

// ParseSignedHours reads a decimal that may be negative.
func ParseSignedHours(s string) (Hours, error) {
	magnitude, negative := strings.CutPrefix(s, "-")
	h, err := ParseHours(magnitude)
	if negative {
		h = -h
	}
	return h, err
}

// ParseTypedHours reads hours as people type them: a comma is as good as a
// point, and a word processor's minus as a hyphen; spaces around them go.
func ParseTypedHours(s string) (Hours, error) {
	return ParseSignedHours(strings.NewReplacer(",", ".", "\u2212", "-").Replace(strings.TrimSpace(s)))
}

// String shows the hours with exactly two places.
func (h Hours) String() string {
	sign, n := "", uint64(h)
	if h < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

// MarshalJSON shows the hours as a string: JSON numbers are floats to most
// readers.
func (h Hours) MarshalJSON() ([]byte, error) { return []byte(`"` + h.String() + `"`), nil }

// UnmarshalJSON reads the string form only.
func (h *Hours) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("hours must be a string such as \"1.50\"")
	}
	parsed, err := ParseSignedHours(s)
	*h = parsed
	return err
}

// Price is what the hours cost of a purchase with these terms, in minor units,
// rounded half up.
func (h Hours) Price(terms Terms) int64 {
	return proportion(terms.Amount, int64(min(h, terms.Hours)), int64(terms.Hours))
}

// proportion gives amount × part / whole, rounded half up; of a negative part,
// the negative of what its magnitude gives. It expects amount ≥ 0, whole > 0,
// and a result that fits. The product is held in 128 bits, because hours ×
// minor units can exceed 64. Halving an odd whole drops its last half, which
// no remainder of an odd whole can equal.
func proportion(amount, part, whole int64) int64 {
	if part < 0 {
		return -proportion(amount, -part, whole)
	}
	hi, lo := bits.Mul64(uint64(amount), uint64(part))
	lo, carry := bits.Add64(lo, uint64(whole)/2, 0)
	if hi += carry; hi >= uint64(whole) {
		return math.MaxInt64 // beyond all money
	}
	quotient, _ := bits.Div64(hi, lo, uint64(whole))
	return int64(min(quotient, math.MaxInt64))
}
