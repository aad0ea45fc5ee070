package models

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds on what Hourbank keeps.
const (
	MaxIDLength = 255 // https://docs.stripe.com/upgrades: object ids are up to 255 characters

	// MaxAmount is far above any amount that Stripe can charge (12 digits)
	// and far below where sums of amounts could overflow.
	MaxAmount int64 = 1_000_000_000_000_000

	// MaxValidDays is a hundred years: what was paid by 2100, as late as events are
	// taken to be, ends before LastTime.
	MaxValidDays = 36_500
)

// Lessons and ends of grants lie between these, and the end not within: far beyond
// any, and far within what JSON, both databases and every time zone hold.
var (
	FirstTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	LastTime  = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

var currencyPattern = regexp.MustCompile(`^[a-z]{3}$`)

// IsCurrency says whether the value looks like a lower-case ISO code.
func IsCurrency(value string) bool { return currencyPattern.MatchString(value) }

// IsObjectID says whether the id is one that Stripe could give.
func IsObjectID(id string) bool { return id != "" && len(id) <= MaxIDLength }

// ValidateTerms checks that hours, amount (minor units) and currency can be
// sold. It returns an *Error with code invalid_request.
func ValidateTerms(hours Hours, amount int64, currency string) error {
	switch {
	case hours <= 0 || hours > MaxHours:
		return Errorf(CodeInvalidRequest, "hours must be more than 0 and at most %s.", MaxHours)
	case amount <= 0 || amount >= MaxAmount:
		return Errorf(CodeInvalidRequest, "amount must be more than 0, in the currency's minor unit.")
	case !IsCurrency(currency):
		return Errorf(CodeInvalidRequest, "currency must be a lower-case ISO code such as \"eur\".")
	}
	return nil
}

// ValidateID checks an id that a caller chose. Characters that nobody sees, and spaces
// around it, would let it look like another one; a path can't name . or .. as a part.
func ValidateID(field, value string) error {
	if ValidateText(field, value) != nil || strings.ContainsFunc(value, isHidden) || strings.TrimSpace(value) != value || value == "." || value == ".." {
		return Errorf(CodeInvalidRequest, "%s must have 1 to %d bytes of UTF-8 and no control characters, nor any that nobody sees, nor spaces around it, and not be . or ..", field, MaxIDLength)
	}
	return nil
}

// ValidateText checks words that a caller wrote, in any script.
func ValidateText(field, value string) error {
	if value == "" || len(value) > MaxIDLength || !IsText(value) {
		return Errorf(CodeInvalidRequest, "%s must have 1 to %d bytes of UTF-8 and no control characters.", field, MaxIDLength)
	}
	return nil
}

// ValidateTime checks a time that a caller chose, and gives it as databases keep it;
// nil: none was. It returns an *Error with code invalid_request.
func ValidateTime(field string, at *time.Time) (*time.Time, error) {
	if at == nil {
		return nil, nil
	}
	kept := at.UTC().Truncate(time.Microsecond)
	if kept.Before(FirstTime) || !kept.Before(LastTime) {
		return nil, Errorf(CodeInvalidRequest, "%s must be from 2000 to 2199, in UTC.", field)
	}
	return &kept, nil
}

// IsText says whether the value is UTF-8 without control characters, which is
// what every database can keep and compare.
func IsText(value string) bool {
	return utf8.ValidString(value) && !strings.ContainsFunc(value, unicode.IsControl)
}

// isHidden says whether nobody sees the character: it turns the direction of text,
// joins, varies another, or is drawn as nothing. These are Unicode's
// Default_Ignorable_Code_Point, all other format characters, and Braille's blank, which
// is no space. https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
func isHidden(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r == '\u2800'
}

// Visible writes what a page or terminal would obey instead of showing, other
// than tabs and line ends, as JSON escapes it: in a JSON text it is the same.
func Visible(text string) string {
	hidden := func(r rune) bool {
		return r != '\t' && r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var shown strings.Builder
	for _, r := range text {
		if hidden(r) {
			fmt.Fprintf(&shown, `\u%04x`, r)
		} else {
			shown.WriteRune(r)
		}
	}
	return shown.String()
}
