package money_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

// tenHours are 10.00 hours for €50.00 that we sold.
var tenHours = money.Terms{Amount: 5000, Currency: "eur", Hours: 1000, Sold: true}

// begun are the same, and Stripe began.
var begun = money.Terms{Amount: 5000, Currency: "eur", Hours: 1000}

// show puts what was derived into a line; zeros that say nothing are left out.
func show(d money.Derived) string {
	line := fmt.Sprintf("%s, %s of %s h", d.Status, d.HoursCredited-d.HoursReversed, d.HoursCredited)
	for _, part := range []struct {
		name   string
		amount int64
	}{{"received", d.AmountReceived}, {"refunded", d.AmountRefunded}, {"disputed", d.AmountDisputed}, {"at", d.CompletedAtUnix}} {
		if part.amount != 0 {
			line += fmt.Sprintf(", %s %d", part.name, part.amount)
		}
	}
	if d.AmountDue != 5000 {
		line += fmt.Sprintf(", due %d", d.AmountDue)
	}
	if d.Failure != nil {
		line += ", " + d.Failure.Code
	}
	for _, c := range d.Cases {
		line += fmt.Sprintf("; %s", c.Kind)
		if c.Amount != 0 {
			line += fmt.Sprintf(" %d", c.Amount)
		}
		if c.Subject != "" {
			line += " of " + c.Subject
		}
	}
	return line
}

// derivation is a row: what was told, and what follows from it in whatever
// order it was told.
type derivation struct {
	name  string
	terms money.Terms // none: tenHours
	told  []money.Evidence
	want  string
}

func (row derivation) check(t *testing.T) {
	t.Helper()
	terms := row.terms
	if terms == (money.Terms{}) {
		terms = tenHours
	}
	t.Run(row.name, func(t *testing.T) {
		d := money.Derive(terms, telling.Tell(row.told...))
		if got := show(d); got != row.want {
			t.Errorf("\n got %s\nwant %s", got, row.want)
		}
		slices.Reverse(row.told)
		if again := money.Derive(terms, telling.Tell(row.told...)); !reflect.DeepEqual(again, d) {
			t.Errorf("told backwards: %s", show(again))
		}
		telling.WantSane(t, terms, d)
	})
}
