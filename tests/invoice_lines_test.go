package tests

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// month is a month of the plan that monthly adds.
var month = line{Price: "price_1Q0shape", Unit: 5600, Amount: 5600}

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
				tell(t, app, subscription, s.Invoice("paid", "in_1", month))
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

// Nor is a month free that a credit for something else paid for.
func TestHoursThatAnotherLinesCreditPaidForAreACase(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Invoice("paid", "in_1", month))
		for in, credit := range map[string]int64{"in_2": -5600, "in_3": -9000} {
			wantUnexplained(t, app, s.Invoice("paid", in, month, line{Price: "price_addon", Amount: credit}), s.Student, "4.00")
		}
		tell(t, app, s.Invoice("paid", "in_4", line{Price: "price_1Q0shape", Unit: 5600, Amount: 5600, Discount: 5600}))
		app.WantBalance(t, s.Student, fields{"hours_available": "8.00"})
		app.MustAudit(t)
	})
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

// A proration is less its discount, and doesn't say how much that was, unless the
// subscription itemizes them.
func TestAProrationLessADiscountThatNobodySaysIsACase(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Invoice("paid", "in_1", month))
		for in, name := range map[string]string{"in_2": "discount_amounts", "in_3": "discounts"} {
			told := s.Invoice("paid", in, prorated(month, -560), prorated(month, 1120))
			for _, l := range told.Object["lines"].(object)["data"].([]any) {
				l.(object)[name] = []any{object{"amount": 0, "discount": "di_1"}}
			}
			wantUnexplained(t, app, told, s.Student, "4.00")
		}
		whole := s.Invoice("paid", "in_4", prorated(month, -560), prorated(month, 1120))
		wantUnexplained(t, app, whole.With("discounts", []any{"di_1"}), s.Student, "4.00")
		app.MustAudit(t)
	})
}

// Whoever pays a subscription's Payment Link says whose it is. It takes no more hours off
// than it gave.
func TestASubscriptionTakesNoMoreOffThanItGave(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		own := harness.NewPurchase(t).For("victim").Create(app.Database)
		app.MustProcess(t, own.Succeeded())
		s := harness.NewTeller(harness.V2026)
		nobodys := func(told *harness.Told) *harness.Told {
			return told.With("parent.subscription_details.metadata", object{})
		}
		link := linkFor(s, "victim", "", s.Session("completed", "cs_1", "", asked{Subtotal: 5600}, "paid")).With("mode", "subscription").
			With("metadata", object{}).With("invoice", s.ID("in_1")).With("subscription", s.ID("sub_1"))
		wantParked(t, app, link, "")
		tell(t, app, nobodys(s.Invoice("paid", "in_1", month)))
		app.WantBalance(t, "victim", fields{"hours_available": "14.00"})
		wantUnexplained(t, app, nobodys(s.Invoice("paid", "in_2", prorated(month, -11_200))), "victim", "14.00")
		app.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.#": "1", "data.0.amount": "", "data.0.payment": "", "data.0.student_id": "victim"})
		tell(t, app, nobodys(s.Invoice("paid", "in_3", prorated(month, -2800))), nobodys(s.Invoice("paid", "in_4", prorated(month, -2800))))
		app.WantBalance(t, "victim", fields{"hours_available": "10.00"})
		wantUnexplained(t, app, nobodys(s.Invoice("paid", "in_5", prorated(month, -2800))), "victim", "10.00")
		app.MustAudit(t)
	})
}

// Down in two steps and up again, paid by what the customer has left at Stripe.
func TestDownAndUpAgainEndsWhereItBegan(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		many := month
		many.Quantity, many.Amount = 10, 56_000
		tell(t, app, s.Invoice("paid", "in_1", many))
		before := "in_1"
		for _, step := range []struct {
			in       string
			from, to int64
			left     string
		}{{"in_2", 10, 9, "36.00"}, {"in_3", 9, 1, "4.00"}, {"in_4", 1, 10, "40.00"}, {"in_5", 10, 9, "36.00"}, {"in_6", 9, 1, "4.00"}} {
			told := givingBack(s, before, s.Invoice("paid", step.in, prorated(month, -5600*step.from), prorated(month, 5600*step.to)))
			tell(t, app, told.With("amount_paid", 0))
			app.WantBalance(t, s.Student, fields{"hours_available": step.left})
			before = step.in
		}
		app.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.#": "0"})
		app.MustAudit(t)
	})
}

// givingBack lets the first line of an invoice say which one's line it gives back.
func givingBack(s *harness.Teller, in string, told *harness.Told) *harness.Told {
	item := told.Object["lines"].(object)["data"].([]any)[0].(object)["parent"].(object)["invoice_item_details"].(object)
	item["proration_details"] = object{"credited_items": object{"invoice": s.ID(in), "invoice_line_items": []any{"il_1"}}}
	return told
}

// An upgrade that nobody paid is given back as if it had been.
func TestWhatWasNeverCreditedIsNotTakenOff(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		credits := func(in, upgrade string) *harness.Told {
			return givingBack(s, upgrade, s.Invoice("paid", in, prorated(month, -5600)))
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

// Fewer hours for more money than before: what is paid is in no book until a person says.
func TestFewerHoursForMoreMoneyAreACase(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		app.MustRun(t, "plans", "add", "--id", "master", "--name", "Master class", "--currency", "eur", "--stripe-price-id", "price_master", "--hours", "1.00", "--amount", "20000", "--type", "subscription")
		s := harness.NewTeller(harness.V2026)
		tell(t, app, s.Invoice("paid", "in_1", month))
		dearer := s.Invoice("paid", "in_2", prorated(month, -5600), prorated(line{Price: "price_master", Unit: 20_000}, 20_000))
		wantUnexplained(t, app, dearer, s.Student, "4.00")
		app.MustAudit(t)
	})
}

// The hours of an invoice have the terms of the plan that gives them, not of the one that
// the customer left.
func TestHoursHaveTheTermsOfThePlanThatGivesThem(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for id, terms := range map[string][]string{"basic": {"--hours", "4.00", "--amount", "4000", "--valid-days", "30"}, "premium": {"--hours", "10.00", "--amount", "10000"}} {
			app.MustRun(t, append([]string{"plans", "add", "--id", id, "--name", id, "--currency", "eur", "--stripe-price-id", "price_" + id, "--type", "subscription"}, terms...)...)
		}
		app.MustRun(t, "plans", "add", "--id", "pack", "--name", "pack", "--currency", "eur", "--stripe-price-id", "price_pack", "--hours", "1.00", "--amount", "1500", "--valid-days", "7")
		basic, premium := line{Price: "price_basic", Unit: 4000, Amount: 4000}, line{Price: "price_premium", Unit: 10_000, Amount: 10_000}
		for name, row := range map[string]struct {
			lines             []line
			plan, hours, ends string
		}{
			"a renewal after an upgrade":  {[]line{prorated(basic, -2000), prorated(premium, 5000), premium}, "premium", "13.00", "null"},
			"two plans in one":            {[]line{basic, premium}, "premium", "14.00", "null"},
			"an upgrade and a pack":       {[]line{prorated(basic, -4000), prorated(premium, 10_000), {Price: "price_pack", Unit: 1500, Amount: 1500}}, "premium", "7.00", "null"},
			"a renewal and a pack":        {[]line{basic, {Price: "price_pack", Unit: 1500, Amount: 1500}}, "basic", "5.00", "some"},
			"a renewal after a downgrade": {[]line{prorated(premium, -1000), basic}, "basic", "3.00", "some"},
		} {
			s := harness.NewTeller(harness.V2026)
			tell(t, app, s.Invoice("paid", "in_1", row.lines...))
			bought := app.Get(t, api+"/purchases/?student_id="+s.Student).WantFields(t, fields{"data.#": "1", "data.0.plan_id": row.plan, "data.0.hours": row.hours})
			if end := bought.Get("data.0.expires_at"); (end.Raw == "null") != (row.ends == "null") {
				t.Errorf("%s: ends %s", name, end.Raw)
			}
		}
		app.MustAudit(t)
	})
}

// With OTHER_PAYMENTS=list, invoices for something else are a list to look at, as payments are.
func TestOtherInvoicesAreListed(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		shirt := s.Invoice("paid", "in_shirt", line{Price: "price_shirt", Amount: 100}).With("parent", nil)
		if answer, err := app.Tell(shirt); err != nil || answer.Status != http.StatusAccepted {
			t.Errorf("%d %s (%v)", answer.Status, answer.Body, err)
		}
		app.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.#": "0"})
		wantParked(t, app, s.Invoice("paid", "in_fee", line{Price: "price_shirt", Amount: 100}), "unexplained_invoice") // of a student of ours
		wantParked(t, app, subscriptionsMetadata(harness.NewTeller(harness.V2026).Invoice("paid", "in_cup", line{Price: "price_cup", Amount: 100}), object{"plan": "monthly4"}), "unexplained_invoice")
		tell(t, app, s.Invoice("paid", "in_1", month).With("customer", "cus_ours"))
		wantParked(t, app, s.Invoice("paid", "in_mug", line{Price: "price_mug", Amount: 100}).With("parent", nil).With("customer", "cus_ours"), "unexplained_invoice")
	}, "OTHER_PAYMENTS=list")
}

// What has metadata of ours is for a person, whatever else is only listed.
func TestPaymentsWithMetadataOfOursAreNotListed(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		s := harness.NewTeller(harness.V2026)
		for _, told := range []*harness.Told{
			s.Paid("pi_0", 5600).With("metadata", object{"order": "7"}),
			s.Paid("pi_1", 5600).With("metadata", object{"student_id": s.Student}),
			s.Paid("pi_2", 5600).With("metadata", object{"plan": "monthly4"}),
			s.Session("completed", "cs_1", "pi_3", asked{Subtotal: 5600}, "paid").With("metadata", object{"plan": "monthly4"}),
		} {
			tellAny(t, app, told.With("customer", nil))
		}
		app.Get(t, api+"/cases/?status=open&kind=unmatched_payment").WantFields(t, fields{"data.#": "3"})
	}, "OTHER_PAYMENTS=list", "PARK_FOR=0s")
}

// Stripe puts the first ten lines of an invoice into an event.
func TestAllLinesOfALongInvoiceCount(t *testing.T) {
	s := harness.NewTeller(harness.V2026)
	var lines []line
	for range 5 {
		lines = append(lines, prorated(month, 5600), prorated(month, -5600))
	}
	whole := s.Invoice("paid", "in_1", append(lines, month, month)...)
	all := whole.Object["lines"].(object)["data"].([]any)
	first := func() *harness.Told {
		told := s.Invoice("paid", "in_1", append(lines, month, month)...)
		return told.With("lines", object{"object": "list", "data": all[:10], "has_more": true, "total_count": len(all)})
	}
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = first().Object
		switch {
		case strings.HasSuffix(r.URL.Path, "/lines") && r.URL.Query().Get("starting_after") == "":
			answer = object{"object": "list", "data": all[:7], "has_more": true}
		case strings.HasSuffix(r.URL.Path, "/lines"):
			answer = object{"object": "list", "data": all[7:], "has_more": false}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(answers.Close)
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t) // without a key it waits
		monthly(t, app)
		wantParked(t, app, first(), "unfetched_event")
		app.Stop(t)
		app = db.Serve(t, "STRIPE_SECRET_KEY="+harness.StripeKey, "STRIPE_API_BASE="+answers.URL, "RECONCILE_EVERY=0")
		harness.Eventually(t, "its lines are fetched", func() bool {
			return db.Count(t, "SELECT count(*) FROM hour_ledger_entries") > 0
		})
		app.WantBalance(t, s.Student, fields{"hours_available": "8.00", "balance_amount": "11200"})
		app.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.#": "0"})
		db.MustRun(t, "rebuild")
		app.WantBalance(t, s.Student, fields{"hours_available": "8.00"})
		db.MustAudit(t)
	})
}
