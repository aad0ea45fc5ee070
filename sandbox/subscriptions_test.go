package sandbox_test

import (
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
)

func (b *bench) subscribe(method string) *stripe.Subscription {
	b.t.Helper()
	cus, err := b.api.Customers.New(&stripe.CustomerParams{Email: stripe.String("s@example.com"), PaymentMethod: &method})
	ok(b.t, err)
	product, err := b.api.Products.New(&stripe.ProductParams{Name: stripe.String("4 hours a month")})
	ok(b.t, err)
	price, err := b.api.Prices.New(&stripe.PriceParams{Product: &product.ID, Currency: stripe.String("eur"), UnitAmount: stripe.Int64(9000),
		Recurring: &stripe.PriceRecurringParams{Interval: stripe.String("month")}})
	ok(b.t, err)
	params := &stripe.SubscriptionParams{Customer: &cus.ID, Items: []*stripe.SubscriptionItemsParams{{Price: &price.ID}}}
	params.AddMetadata("student_id", "s_1")
	sub, err := b.api.Subscriptions.New(params)
	ok(b.t, err)
	return sub
}

func (b *bench) subscription(id string) *stripe.Subscription {
	b.t.Helper()
	sub, err := b.api.Subscriptions.Get(id, nil)
	ok(b.t, err)
	return sub
}

func TestSubscriptionIsPaidEachPeriod(t *testing.T) {
	b := start(t)
	sub := b.subscribe("pm_card_visa")
	equal(t, "status", sub.Status, stripe.SubscriptionStatusActive)
	b.do(sub.ID, "renew", sandbox.Options{})
	b.do(sub.ID, "fail_payment", sandbox.Options{})
	equal(t, "unpaid", b.subscription(sub.ID).Status, stripe.SubscriptionStatusPastDue)
	inv, err := b.api.Invoices.Pay(b.subscription(sub.ID).LatestInvoice.ID, nil)
	ok(t, err)
	equal(t, "paid late", inv.Status, stripe.InvoiceStatusPaid)
	equal(t, "attempts", inv.AttemptCount, 2)
	equal(t, "active again", b.subscription(sub.ID).Status, stripe.SubscriptionStatusActive)
	_, err = b.api.Subscriptions.Cancel(sub.ID, nil)
	ok(t, err)
	b.settled()
	for kind, want := range map[string]int{
		"customer.subscription.created": 1, "customer.subscription.deleted": 1, "invoice.created": 3, "invoice.paid": 3,
		"invoice.payment_failed": 1, "payment_intent.succeeded": 3,
	} {
		equal(t, kind, b.hook.types()[kind], want)
	}
}

func TestSubscriptionStartsUnpaid(t *testing.T) {
	b := start(t)
	sub := b.subscribe("pm_card_chargeCustomerFail")
	equal(t, "status", sub.Status, stripe.SubscriptionStatusIncomplete)
	_, err := b.api.Invoices.Pay(sub.LatestInvoice.ID, nil)
	refused(t, err, 402, stripe.ErrorTypeCard, stripe.ErrorCodeCardDeclined)
	if _, err := b.Do(sub.ID, "renew", sandbox.Options{}); err == nil {
		t.Error("an incomplete subscription was renewed")
	}
	b.settled()
	equal(t, "told", b.hook.types()["invoice.payment_failed"], 2)
}

// event gives the only event received of a type.
func (b *bench) event(kind string) stripe.Event {
	b.t.Helper()
	b.hook.mu.Lock()
	defer b.hook.mu.Unlock()
	for _, event := range b.hook.events {
		if string(event.Type) == kind {
			return event
		}
	}
	b.t.Fatalf("no %s was received", kind)
	return stripe.Event{}
}
