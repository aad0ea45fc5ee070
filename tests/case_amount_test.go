package tests

import (
	"testing"

	"hourbank/tests/harness"
)

// A payment without a purchase is a case of the most that any event told of it.
func TestACaseOfAPaymentIsOfTheMostThatWasTold(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, refundFirst := range []bool{true, false} {
			s := harness.NewTeller(harness.V2026)
			told := events{s.Bare().Paid("pi_1", 10_000), s.Bare().Refund("refund.created", "re_1", "pi_1", 2500, "succeeded")}
			if refundFirst {
				told[0], told[1] = told[1], told[0]
			}
			tellAny(t, app, told...)
			app.Get(t, api+"/cases/?status=open&kind=unmatched_payment&limit=1").WantFields(t, fields{"data.0.payment": s.ID("pi_1"), "data.0.amount": "10000"})
		}
	}, "PARK_FOR=0s")
}
