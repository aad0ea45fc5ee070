package tests

import (
	"net/http"
	"testing"

	"hourbank/tests/harness"
)

func TestPlansOnSaleArePublic(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		app.Request(t, http.MethodGet, api+"/plans/", "").Want(t, http.StatusOK).WantFields(t, fields{"data.#": "0"})
		app.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur")
		app.MustRun(t, "plans", "add", "--id", "monthly", "--name", "4 a month", "--hours", "4", "--amount", "5600", "--currency", "eur",
			"--type", "subscription", "--stripe-price-id", "price_1", "--valid-days", "60")
		app.MustRun(t, "plans", "add", "--id", "old", "--name", "Old", "--hours", "1.5", "--amount", "100", "--currency", "eur")
		app.MustRun(t, "plans", "retire", "old")
		for _, path := range []string{"/plans/", "/plans"} {
			app.Request(t, http.MethodGet, api+path, "").Want(t, http.StatusOK).WantFields(t, fields{
				"data.#": "2", "data.#.id": `["monthly","pack8"]`,
				"data.0.transaction_type": "subscription", "data.0.stripe_price_id": "price_1", "data.0.valid_days": "60",
				"data.1.name": "8 hours", "data.1.hours": "8.00", "data.1.amount": "12000", "data.1.currency": "eur",
				"data.1.transaction_type": "package", "data.1.stripe_price_id": "", "data.1.valid_days": "", "data.1.active": "true",
			})
		}
	})
}

func TestStripeConfigGivesThePublicKeyOnly(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, path := range []string{"/stripe/config/", "/stripe/config"} {
			if got := app.Request(t, http.MethodGet, api+path, "").Want(t, http.StatusOK).Body; got != `{"public_key":"pk_test_shown"}` {
				t.Errorf("answered %s", got)
			}
		}
	}, "STRIPE_PUBLIC_KEY=pk_test_shown", "STRIPE_SECRET_KEY=sk_test_of_the_tests", "RECONCILE_EVERY=0")
}
