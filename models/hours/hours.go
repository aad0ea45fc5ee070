// Package hours holds exact amounts of tutoring time.
package hours

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Hours is an exact amount of tutoring time in hundredths of an hour: 150 is
// an hour and a half. It is shown, and read, as a decimal string such as
// "1.50", so that no float ever stands between two ledgers.
type Hours int64

// Max bounds one purchase or booking (10 million hours), far from where
// sums of int64 could overflow.
const Max Hours = 1_000_000_000

var pattern = regexp.MustCompile(`^(\d{1,8})(?:\.(\d{1,2}))?$`)

// Parse reads a non-negative decimal with at most two places.
func Parse(s string) (Hours, error) {
	match := pattern.FindStringSubmatch(s)
	if match == nil {
		return 0, fmt.Errorf("hours must be a decimal with at most two places, such as \"1.50\"")
	}
	hundredths, err := strconv.ParseInt(match[1]+(match[2] + "00")[:2], 10, 64)
	if err != nil || Hours(hundredths) > Max {
		return 0, fmt.Errorf("hours must be at most %s", Max)
	}
	return Hours(hundredths), nil
}

// ParseSigned reads a decimal that may be negative.
func ParseSigned(s string) (Hours, error) {
	magnitude, negative := strings.CutPrefix(s, "-")
	h, err := Parse(magnitude)
	if negative {
		h = -h
	}
	return h, err
}

// ParseTyped reads hours as people type them: a comma is as good as a
// point, and a word processor's minus as a hyphen; spaces around them go.
func ParseTyped(s string) (Hours, error) {
	return ParseSigned(strings.NewReplacer(",", ".", "\u2212", "-").Replace(strings.TrimSpace(s)))
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
	parsed, err := ParseSigned(s)
	*h = parsed
	return err
}
