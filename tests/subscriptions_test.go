package tests

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
	"hourbank/tests/harness"
)

// monthly puts the plan on sale that the invoices' line names by its price.
func monthly(t *testing.T, app *harness.App) {
	t.Helper()
	app.MustRun(t, "plans", "add", "--id", "monthly4", "--name", "4 hours a month", "--hours", "4.00", "--amount", "5600",
		"--currency", "eur", "--type", "subscription", "--stripe-price-id", "price_1Q0shape", "--valid-days", "36500")
}

// invoice is an invoice event in a version's shape, of one month of the plan,
// for a subscription whose metadata the invoice carries.
func invoice(t *testing.T, version harness.Version, eventType string, metadata map[string]any) *harness.Event {
	t.Helper()
	line := map[string]any{"object": "line_item", "amount": 5600, "quantity": 1}
	e := costing(harness.NewEvent(t, eventType, "invoice").In(version).Set("charge", nil), 5600)
	switch version {
	case harness.V2020: // each line carries it
		line["metadata"], line["subscription"] = metadata, "sub_1Q0shape"
		line["plan"] = map[string]any{"id": "price_1Q0shape", "amount": 5600}
	case harness.V2023:
		e.Set("subscription_details.metadata", metadata)
		line["price"] = map[string]any{"id": "price_1Q0shape", "unit_amount": 5600}
	default:
		e.Set("parent.subscription_details.metadata", metadata)
		line["pricing"] = map[string]any{"price_details": map[string]any{"price": "price_1Q0shape"}}
	}
	return e.Set("lines.data", []any{line})
}

// costing sets what an invoice comes to.
func costing(e *harness.Event, amount int64) *harness.Event {
	for _, field := range []string{"subtotal", "total", "amount_due"} {
		e.Set(field, amount)
	}
	if e.Type == "invoice.paid" {
		e.Set("amount_paid", amount)
	}
	return e
}

// bareInvoice is a paid one that names its subscription and a line's price, but
// carries no metadata.
func bareInvoice(t *testing.T, id, subscription, price string) *harness.Event {
	t.Helper()
	return invoice(t, harness.V2026, "invoice.paid", map[string]any{}).Set("id", id).Set("parent.subscription_details.subscription", subscription).
		Set("lines.data", []any{map[string]any{"amount": 5600, "quantity": 1, "pricing": map[string]any{"price_details": map[string]any{"price": price}}}})
}

// bill delivers an event to the subscriptions' own address.
func bill(t *testing.T, app *harness.App, e *harness.Event) harness.Response {
	t.Helper()
	body := e.Body()
	return app.Request(t, http.MethodPost, harness.SubscriptionsPath, body, "Stripe-Signature", harness.Sign(body, harness.SubscriptionsSecret))
}

// Failure 11: fields that moved in 2025 (the invoice's subscription, its
// metadata and its payment), and retries that made one more subscription each.
func TestFailure11FieldsThatMovedIn2025(t *testing.T) {
	for _, version := range harness.Versions {
		t.Run(string(version), func(t *testing.T) {
			harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
				monthly(t, app)
				paid := invoice(t, version, "invoice.paid", map[string]any{"student_id": "student_1", "plan": "monthly4"})
				purchase := bill(t, app, paid).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed"}).Get("transaction_id").String()
				bill(t, app, paid).WantFields(t, fields{"duplicate": "true", "transaction_id": purchase})
				bill(t, app, paid.Again()).WantFields(t, fields{"reason": "stale", "transaction_id": purchase})
				app.Get(t, api+"/purchases/"+purchase).WantFields(t, fields{
					"transaction_type": "subscription", "payment_status": "completed", "hours_credited": "4.00", "amount": "5600",
					"student_id": "student_1", "plan_id": "monthly4",
				})
				app.WantBalance(t, "student_1", fields{"hours_available": "4.00", "balance_amount": "5600"})
				app.MustAudit(t)
			})
		})
	}
}

// What a subscription tells later doesn't change what an earlier invoice
// bought, as long as the line's price or the earlier telling says it.
func TestAnInvoiceWithoutMetadataBuysWhatHeldWhenItWasPaid(t *testing.T) {
	tell := func(kind, student, plan string, at int64) *harness.Event {
		metadata := map[string]any{}
		if student != "" {
			metadata["student_id"], metadata["plan"] = student, plan
		}
		return harness.NewEvent(t, "customer.subscription."+kind, "subscription").In(harness.V2026).Set("metadata", metadata).At(at)
	}
	for name, row := range map[string]struct {
		later  *harness.Event
		price  string
		orders [][]int
	}{
		"another plan":              {tell("updated", "student_1", "weekly8", 9), "price_1Q0shape", [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}}},
		"another plan, no price":    {tell("updated", "student_1", "weekly8", 9), "price_unknown", [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {2, 0, 1}}},
		"another student":           {tell("updated", "student_2", "weekly8", 9), "price_1Q0shape", [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {2, 0, 1}}},
		"deleted, no metadata left": {tell("deleted", "", "", 9), "price_unknown", [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
				monthly(t, app)
				app.MustRun(t, "plans", "add", "--id", "weekly8", "--name", "8 hours a week", "--hours", "8.00", "--amount", "5600",
					"--currency", "eur", "--type", "subscription")
				for i, order := range row.orders {
					subscription := fmt.Sprintf("sub_%d", i)
					paid := bareInvoice(t, fmt.Sprintf("in_%d", i), subscription, row.price).At(5)
					story := []*harness.Event{tell("created", "student_1", "monthly4", 1), paid, row.later.Again()}
					story[0].Set("id", subscription)
					story[2].Set("id", subscription)
					for _, at := range order {
						bill(t, app, story[at])
					}
					waitForHours(t, app, "student_1", fmt.Sprintf("%d.00", 4*(i+1)))
				}
				app.MustAudit(t)
			})
		})
	}
}

// The latest telling counts as a whole: a plan that it names and nobody knows
// yet is waited for, and one that it names no more is no plan.
func TestAnInvoiceWithoutMetadataBuysWhatItsSubscriptionToldLast(t *testing.T) {
	tell := func(metadata map[string]any, at int64) *harness.Event {
		return harness.NewEvent(t, "customer.subscription.updated", "subscription").In(harness.V2026).At(at).Set("metadata", metadata).Set("id", "sub_1").
			Set("items", map[string]any{"data": []any{map[string]any{"price": map[string]any{"id": "price_weekly"}}}})
	}
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		weekly := []string{"plans", "add", "--id", "weekly8", "--name", "8 hours a week", "--hours", "8.00", "--amount", "5600",
			"--currency", "eur", "--type", "subscription", "--stripe-price-id", "price_weekly"}
		bill(t, app, tell(map[string]any{"student_id": "student_1", "plan": "monthly4"}, 1)).Want(t, http.StatusOK)
		bill(t, app, tell(map[string]any{"student_id": "student_1", "plan": "weekly8"}, 2)).Want(t, http.StatusOK)
		early := bareInvoice(t, "in_1", "sub_1", "price_unknown").At(9)
		bill(t, app, early).Want(t, http.StatusAccepted)
		app.MustRun(t, weekly...)
		bill(t, app, early).Want(t, http.StatusOK)
		app.WantBalance(t, "student_1", fields{"hours_available": "8.00"})
		bill(t, app, tell(map[string]any{"student_id": "student_1"}, 3)).Want(t, http.StatusOK)
		bill(t, app, bareInvoice(t, "in_2", "sub_1", "price_weekly").At(9)).Want(t, http.StatusOK)
		app.WantBalance(t, "student_1", fields{"hours_available": "16.00"})
		app.MustAudit(t)
	})
}

// Its money can't be added to the account's: a person has to look at it.
func TestAnInvoiceInAnotherCurrencyThanTheAccountWaitsAsACase(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		monthly(t, app)
		harness.NewPurchase(t).For("student_1").In("usd").Create(app.Database)
		bill(t, app, invoice(t, harness.V2023, "invoice.paid", map[string]any{"student_id": "student_1"})).
			Want(t, http.StatusAccepted).WantFields(t, fields{"status": "parked", "reason": "other_currency", "transaction_id": ""})
		app.Get(t, api+"/cases/?student_id=student_1").WantFields(t, fields{"data.#.kind": `["other_currency"]`})
		app.MustAudit(t)
	})
}

// Failure 7: two kinds of events for one payment (invoice and PaymentIntent,
// PaymentIntent and Checkout) credit twice.
func TestFailure7TwoKindsOfEventsForOnePaymentCreditTwice(t *testing.T) {
	t.Run("invoice", func(t *testing.T) {
		harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
			monthly(t, app)
			success := harness.NewEvent(t, "payment_intent.succeeded", "payment_intent").In(harness.V2026).
				Set("id", "pi_sub").Set("amount", 5600).Set("amount_received", 5600).Set("currency", "eur")
			app.Deliver(t, success).Want(t, http.StatusAccepted) // nothing ties it to the invoice yet
			tie := harness.NewEvent(t, "invoice_payment.paid", "invoice_payment").In(harness.V2026).
				Set("payment.payment_intent", "pi_sub").Set("amount_paid", 5600)
			bill(t, app, tie).Want(t, http.StatusAccepted)
			paid := invoice(t, harness.V2026, "invoice.paid", map[string]any{"student_id": "student_1"})
			bill(t, app, paid).Want(t, http.StatusOK)
			harness.Eventually(t, "both parked events find the purchase", func() bool {
				return app.Get(t, api+"/events/?status=parked").Get("data.#").Int() == 0
			})
			app.Get(t, api+"/purchases/pi_sub").WantFields(t, fields{"payment_status": "completed"})
			app.WantBalance(t, "student_1", fields{"hours_purchased": "4.00", "balance_amount": "5600"})
			refunded := harness.NewEvent(t, "charge.refunded", "charge").In(harness.V2026).Set("payment_intent", "pi_sub").
				Set("amount", 5600).Set("amount_captured", 5600).Set("amount_refunded", 1400).Set("currency", "eur").At(60)
			app.Deliver(t, refunded).Want(t, http.StatusOK)
			app.WantBalance(t, "student_1", fields{"hours_available": "3.00", "balance_amount": "4200"})
			app.MustAudit(t)
		})
	})
	t.Run("checkout", func(t *testing.T) {
		harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
			p := harness.NewPurchase(t).WithoutIntent().Create(app.Database)
			app.Deliver(t, p.Session("checkout.session.completed", "cs_1", "paid").Set("payment_intent", "pi_cs")).Want(t, http.StatusOK)
			p.PaymentIntent = "pi_cs"
			app.Deliver(t, p.Succeeded()).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "transaction_id": p.ID})
			app.WantBalance(t, p.Student, fields{"hours_purchased": "10.00", "balance_amount": "5000"})
			app.MustAudit(t)
		})
	})
}

// A subscription in the stand-in, told as Stripe tells it, in each version that
// keeps things elsewhere: bought, renewed, refunded, cancelled.
func TestASubscriptionsLifeInTheStandIn(t *testing.T) {
	for _, version := range []string{"2020-08-27", "2022-11-15", "2025-03-31.basil", "2026-10-28.endive"} {
		t.Run(version, func(t *testing.T) { liveASubscription(t, version) })
	}
}

func liveASubscription(t *testing.T, version string) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		standIn.EventVersion = version
		app := db.Serve(t, standIn.Settings()...)
		standIn.SendTo(t, app)
		monthly(t, app)
		subscription := subscribe(t, standIn)
		standIn.Settle(t)
		harness.Eventually(t, "the first period is bought", func() bool { return hoursPurchased(t, app) == "4.00" })
		if _, err := standIn.Do(subscription, "renew", sandbox.Options{}); err != nil {
			t.Fatal(err)
		}
		standIn.Settle(t)
		harness.Eventually(t, "the second period is bought", func() bool { return hoursPurchased(t, app) == "8.00" })
		harness.Eventually(t, "every event has found its purchase", func() bool {
			return app.Get(t, api+"/events/?status=parked").Get("data.#").Int() == 0
		})
		intent := app.Get(t, api+"/purchases/?student_id=student_1").Get("data.0.stripe_payment_intent_id").String()
		if _, err := standIn.API.Refunds.New(&stripe.RefundParams{PaymentIntent: &intent}); err != nil {
			t.Fatal(err)
		}
		standIn.Settle(t)
		app.WantBalance(t, "student_1", fields{"hours_available": "4.00", "balance_amount": "5600"})
		app.MustAudit(t)
	})
}

func hoursPurchased(t *testing.T, app *harness.App) string {
	t.Helper()
	return app.As(t, harness.ReadKey, http.MethodGet, api+"/students/student_1/balance/").Get("hours_purchased").String()
}

// subscribe buys a monthly subscription for student_1.
func subscribe(t *testing.T, standIn *harness.Stripe) string {
	t.Helper()
	customer, err := standIn.API.Customers.New(&stripe.CustomerParams{
		PaymentMethod:   stripe.String("pm_card_visa"),
		InvoiceSettings: &stripe.CustomerInvoiceSettingsParams{DefaultPaymentMethod: stripe.String("pm_card_visa")},
	})
	if err != nil {
		t.Fatal(err)
	}
	product, err := standIn.API.Products.New(&stripe.ProductParams{Name: stripe.String("4 hours a month")})
	if err != nil {
		t.Fatal(err)
	}
	price, err := standIn.API.Prices.New(&stripe.PriceParams{
		Currency: stripe.String("eur"), UnitAmount: stripe.Int64(5600), Product: &product.ID,
		Recurring: &stripe.PriceRecurringParams{Interval: stripe.String("month")},
	})
	if err != nil {
		t.Fatal(err)
	}
	subscription, err := standIn.API.Subscriptions.New(&stripe.SubscriptionParams{
		Customer: &customer.ID, Items: []*stripe.SubscriptionItemsParams{{Price: &price.ID}},
		Metadata: map[string]string{"student_id": "student_1", "plan": "monthly4"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return subscription.ID
}
