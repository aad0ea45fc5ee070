package tests

import (
	"testing"

	"hourbank/tests/harness"
)

// wantUnexplained tells a paid invoice that is nobody's guess: it waits as a case, and the
// student's hours stay as they are.
func wantUnexplained(t *testing.T, app *harness.App, invoice *harness.Told, student, hours string) {
	t.Helper()
	wantParked(t, app, invoice, "unexplained_invoice")
	app.WantBalance(t, student, fields{"hours_available": hours})
}

// A subscription is of a plan. What else is billed with it, a fee, an add-on, a goodwill
// credit, is not.
func TestASubscriptionsPlanExplainsNoOtherSum(t *testing.T) {
	for _, named := range []string{"metadata", "its item's price"} {
		t.Run(named, func(t *testing.T) {
			harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
				monthly(t, app)
				s := harness.NewTeller(harness.V2026)
				subscription := s.Subscription("created", object{"student_id": s.Student, "plan": "monthly4"})
				if named != "metadata" {
					subscription.With("metadata", object{"student_id": s.Student})
					subscription.With("items.data", []any{object{"price": object{"id": "price_1Q0shape"}}})
				}
				tell(t, app, subscription, s.Invoice("paid", "in_1", line{Price: "price_1Q0shape", Unit: 5600, Amount: 5600}))
				app.WantBalance(t, s.Student, fields{"hours_available": "4.00"})
				for name, other := range map[string]line{
					"in_addon": {Price: "price_addon", Amount: 100}, "in_fee": {Amount: 100}, "in_credit": {Amount: -100}, "in_refund": {Amount: -5600},
					"in_fifty": {Price: "price_addon", Amount: 5600, Quantity: 50}, "in_part": {Price: "price_addon", Amount: 2800, Proration: true},
				} {
					wantUnexplained(t, app, s.Invoice("paid", name, other), s.Student, "4.00")
				}
				// The plan's own sum is the plan's, also by a price that nobody listed.
				tell(t, app, s.Invoice("paid", "in_2", line{Price: "price_of_last_year", Amount: 5600}))
				app.WantBalance(t, s.Student, fields{"hours_available": "8.00"})
				app.MustAudit(t)
			})
		})
	}
}

// A part of a month is its amount by the full price, in one currency.
func TestAProrationInAnotherCurrencyThanItsPriceIsACase(t *testing.T) {
	for _, version := range []harness.Version{harness.V2023, harness.V2026} {
		t.Run(string(version), func(t *testing.T) {
			harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
				monthly(t, app)
				s := harness.NewTeller(version).In("krw")
				month := line{Price: "price_1Q0shape", Unit: 5600, Amount: 84_000}
				first, second := s.Invoice("paid", "in_1", month), s.Invoice("paid", "in_2", prorated(month, -84_000), prorated(month, 168_000))
				if version == harness.V2023 {
					for _, told := range []*harness.Told{first, second} {
						for _, l := range told.Object["lines"].(object)["data"].([]any) {
							l.(object)["price"].(object)["currency"] = "eur"
						}
					}
				}
				tell(t, app, first)
				app.WantBalance(t, s.Student, fields{"hours_available": "4.00", "currency": "krw"})
				wantUnexplained(t, app, second, s.Student, "4.00")
				app.MustAudit(t)
			})
		})
	}
}

// Whoever pays a subscription's Payment Link says whose it is. That gives hours, and takes
// none.
func TestACustomersReferenceTakesNoHoursOff(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		month := line{Price: "price_1Q0shape", Unit: 5600, Amount: 5600}
		nobodys := func(told *harness.Told) *harness.Told {
			return told.With("parent.subscription_details.metadata", object{})
		}
		link := linkFor(s, "victim", "", s.Session("completed", "cs_1", "", asked{Subtotal: 5600}, "paid")).With("mode", "subscription").
			With("metadata", object{}).With("invoice", s.ID("in_1")).With("subscription", s.ID("sub_1"))
		wantParked(t, app, link, "")
		tell(t, app, nobodys(s.Invoice("paid", "in_1", month)))
		app.WantBalance(t, "victim", fields{"hours_available": "4.00"})
		wantUnexplained(t, app, nobodys(s.Invoice("paid", "in_2", prorated(month, -5600))), "victim", "4.00")
		app.MustAudit(t)
	})
}

// An upgrade that nobody paid is given back as if it had been.
func TestWhatWasNeverCreditedIsNotTakenOff(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		month := line{Price: "price_1Q0shape", Unit: 5600, Amount: 5600}
		credits := func(in, upgrade string) *harness.Told {
			told := s.Invoice("paid", in, prorated(month, -5600))
			item := told.Object["lines"].(object)["data"].([]any)[0].(object)["parent"].(object)["invoice_item_details"].(object)
			item["proration_details"] = object{"credited_items": object{"invoice": s.ID(upgrade), "invoice_line_items": []any{"il_1"}}}
			return told
		}
		tell(t, app, s.Invoice("paid", "in_1", month), s.Invoice("payment_failed", "in_up", month, month))
		back := credits("in_down", "in_up")
		wantUnexplained(t, app, back, s.Student, "4.00")
		// It is paid after all.
		tell(t, app, s.Invoice("paid", "in_up", month, month))
		app.Post(t, harness.AdminKey, api+"/events/"+back.ID+"/replay/", "").WantFields(t, fields{"status": "processed"})
		app.WantBalance(t, s.Student, fields{"hours_available": "8.00"})
		tell(t, app, credits("in_down2", "in_1"))
		app.WantBalance(t, s.Student, fields{"hours_available": "4.00"})
		app.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.#": "0"})
		app.MustAudit(t)
	})
}
