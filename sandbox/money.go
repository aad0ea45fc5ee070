package sandbox

import (
	"regexp"
	"strings"
)

var currencyCode = regexp.MustCompile(`^[a-z]{3}$`)

// currency reads the required currency, which Stripe takes in any case.
func (f *form) currency() string {
	value := strings.ToLower(f.required("currency"))
	if value != "" && !currencyCode.MatchString(value) {
		f.fail(invalid("", f.full("currency"), "Invalid currency: %s.", value))
	}
	return value
}

// largestAmount is what Stripe charges at most, in minor units.
// https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
const largestAmount = 99_999_999

// amount reads the required amount that can be charged, in minor units.
func (f *form) amount() int64 {
	if f.required("amount") == "" {
		return 0
	}
	n := f.number("amount", 0)
	switch {
	case n < 1:
		f.fail(invalid(codeAmountTooSmall, f.full("amount"), "Amount must be at least 1."))
	case n > largestAmount:
		f.fail(invalid(codeAmountTooLarge, f.full("amount"), "Amount must be no more than %d.", largestAmount))
	}
	return n
}
