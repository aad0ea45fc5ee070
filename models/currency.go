package models

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bojanz/currency"
)

// stripeDecimals are the currencies that Stripe doesn't count in hundredths.
// https://docs.stripe.com/currencies#zero-decimal
var stripeDecimals = map[string]int{
	"bif": 0, "clp": 0, "djf": 0, "gnf": 0, "jpy": 0, "kmf": 0, "krw": 0, "mga": 0,
	"pyg": 0, "rwf": 0, "vnd": 0, "vuv": 0, "xaf": 0, "xof": 0, "xpf": 0,
	"bhd": 3, "jod": 3, "kwd": 3, "omr": 3, "tnd": 3,
}

// CurrencyDecimals is how many decimal places an amount in Stripe's minor unit
// of the currency has: 5000 is €50.00, ¥5,000 or KWD 5.000. The code is lower
// case.
func CurrencyDecimals(code string) int {
	if decimals, special := stripeDecimals[code]; special {
		return decimals
	}
	return 2
}

// FormatMoney writes an amount in Stripe's minor unit for people who read
// English: "€50.00", "-¥5,000". No decimals are shown that people of the
// currency don't use, unless they hold something: Stripe counts the Icelandic
// króna in hundredths. The code is lower case; one that no currency has is
// written before the number.
func FormatMoney(amount int64, code string) string {
	decimals := CurrencyDecimals(code)
	number := decimal(amount, decimals)
	money, err := currency.NewAmount(number, strings.ToUpper(code))
	if err != nil {
		return strings.ToUpper(code) + "\u00a0" + number
	}
	customary, _ := currency.GetDigits(money.CurrencyCode())
	format := currency.NewFormatter(currency.NewLocale("en"))
	format.MinDigits = min(customary, uint8(decimals))
	return format.Format(money)
}

// FormatDecimal writes an amount in Stripe's minor unit of the currency for
// spreadsheets, and as ParseMoney reads it: "50.00", "-5000", "5.000". The code
// is lower case.
func FormatDecimal(amount int64, code string) string {
	return decimal(amount, CurrencyDecimals(code))
}

// ParseMinorUnits reads a positive amount of minor units.
func ParseMinorUnits(s string) (int64, error) {
	amount, err := strconv.ParseInt(s, 10, 64)
	if err != nil || amount <= 0 || amount >= MaxAmount {
		return 0, fmt.Errorf("an amount must be a whole number of minor units, more than 0")
	}
	return amount, nil
}

// ParseMoney reads a positive amount as people of the currency type it, with a
// point or a comma before the decimals ("140", "140.00", "140,00"), as minor
// units. What could be a thousands separator is refused. The code is lower
// case. It returns an *Error with code invalid_request.
func ParseMoney(s, code string) (int64, error) {
	decimals := CurrencyDecimals(code)
	whole, fraction, pointed := strings.Cut(strings.Replace(strings.TrimSpace(s), ",", ".", 1), ".")
	if len(fraction) <= decimals && pointed == (fraction != "") {
		digits := whole + fraction + strings.Repeat("0", decimals-len(fraction))
		if amount, err := ParseMinorUnits(digits); whole != "" && err == nil && whole[0] != '+' {
			return amount, nil
		}
	}
	return 0, Errorf(CodeInvalidRequest, "%q is no amount of money in %s; write it like %s.", s, strings.ToUpper(code), FormatDecimal(14000, code))
}

// decimal writes an amount of minor units with its point.
func decimal(amount int64, decimals int) string {
	sign, magnitude := "", uint64(amount) // two's complement: the smallest int64 has a magnitude too
	if amount < 0 {
		sign, magnitude = "-", -magnitude
	}
	digits := fmt.Sprintf("%0*d", decimals+1, magnitude)
	point := len(digits) - decimals
	return strings.TrimSuffix(sign+digits[:point]+"."+digits[point:], ".")
}
