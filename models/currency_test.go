package models_test

import (
	"math"
	"testing"

	"hourbank/models"
)

func TestMoneyIsWrittenAsPeopleOfTheCurrencyDo(t *testing.T) {
	const nbsp = "\u00a0"
	for _, test := range []struct {
		amount int64
		code   string
		want   string
	}{
		{5000, "eur", "€50.00"},
		{5, "eur", "€0.05"},
		{0, "eur", "€0.00"},
		{-14000, "eur", "-€140.00"},
		{123456789, "usd", "$1,234,567.89"},
		{5000, "jpy", "¥5,000"},
		{5000, "krw", "₩5,000"},
		{-1, "jpy", "-¥1"},
		{5000, "mga", "MGA" + nbsp + "5,000"},
		{5000, "kwd", "KWD" + nbsp + "5.000"},
		{7, "tnd", "TND" + nbsp + "0.007"},
		{500000, "isk", "ISK" + nbsp + "5,000"}, // hundredths at Stripe, none in life
		{500050, "isk", "ISK" + nbsp + "5,000.5"},
		{5000, "chf", "CHF" + nbsp + "50.00"},
		{5000, "zzz", "ZZZ" + nbsp + "50.00"}, // a currency of the future
		{math.MinInt64, "eur", "-€92,233,720,368,547,758.08"},
		{math.MaxInt64, "jpy", "¥9,223,372,036,854,775,807"},
	} {
		if got := models.FormatMoney(test.amount, test.code); got != test.want {
			t.Errorf("FormatMoney(%d, %q) is %q, want %q", test.amount, test.code, got, test.want)
		}
	}
}
