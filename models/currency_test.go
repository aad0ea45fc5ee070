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

func TestMoneyIsReadAsPeopleTypeIt(t *testing.T) {
	for _, test := range []struct {
		text, code string
		want       int64 // 0: refused
	}{
		{"140", "eur", 14000}, {"140.00", "eur", 14000}, {"140,00", "eur", 14000}, {" 140,5 ", "eur", 14050}, {"0,01", "eur", 1},
		{"5000", "jpy", 5000}, {"5000.0", "jpy", 0}, {"5,000", "jpy", 0},
		{"1,5", "kwd", 1500}, {"1.234", "kwd", 1234}, {"1.2345", "kwd", 0},
		{"1,000", "eur", 0}, {"1.000,00", "eur", 0}, {"1 000", "eur", 0}, {"140.", "eur", 0}, {".50", "eur", 0}, {"", "eur", 0},
		{"0", "eur", 0}, {"0.00", "eur", 0}, {"-1", "eur", 0}, {"+1", "eur", 0}, {"1e3", "eur", 0}, {"1.-5", "eur", 0}, {"€5", "eur", 0},
		{"99999999999999", "eur", 0}, // beyond all money
	} {
		got, err := models.ParseMoney(test.text, test.code)
		if got != test.want || (err == nil) != (test.want > 0) {
			t.Errorf("ParseMoney(%q, %q) = %d, %v, want %d", test.text, test.code, got, err, test.want)
		}
	}
	for _, amount := range []int64{1, 99, 14000, 123456} {
		for _, code := range []string{"eur", "jpy", "kwd", "isk"} {
			if got, err := models.ParseMoney(models.FormatDecimal(amount, code), code); got != amount {
				t.Errorf("%d %s is written as %q and read as %d (%v)", amount, code, models.FormatDecimal(amount, code), got, err)
			}
		}
	}
}
