package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
)

// TestDisputesInParts follows the money of a dispute by its balance
// transactions.
func TestDisputesInParts(t *testing.T) {
	b := start(t)
	for name, row := range map[string]struct {
		inquiry bool
		steps   []string // an action, and how much
		status  string
		moved   []int64
		held    int64
	}{
		"prevented inquiry":     {true, []string{"prevent"}, "prevented", nil, 0},
		"prevented":             {false, []string{"prevent"}, "prevented", []int64{-1000, 1000}, 0},
		"won in part":           {false, []string{"win 400"}, "won", []int64{-1000, 400}, 600},
		"withdrawn again":       {false, []string{"reinstate", "withdraw", "lose"}, "lost", []int64{-1000, 1000, -1000}, 1000},
		"won, withdrawn again":  {false, []string{"win", "withdraw"}, "under_review", []int64{-1000, 1000, -1000}, 1000},
		"given back in parts":   {false, []string{"reinstate 300", "reinstate 300", "win"}, "won", []int64{-1000, 300, 300, 400}, 0},
		"inquiry, then a claim": {true, []string{"withdraw", "lose"}, "lost", []int64{-1000}, 1000},
	} {
		pi := b.pay(1000, "pm_card_visa")
		id := b.do(pi.ID, "dispute", sandbox.Options{Inquiry: row.inquiry})
		for _, step := range row.steps {
			action, amount, _ := strings.Cut(step, " ")
			var with sandbox.Options
			if amount != "" {
				ok(t, json.Unmarshal([]byte(amount), &with.Amount))
			}
			b.do(id, action, with)
		}
		d, err := b.api.Disputes.Get(id, nil)
		ok(t, err)
		equal(t, name, string(d.Status), row.status)
		equal(t, name, len(d.BalanceTransactions), len(row.moved))
		for i, txn := range d.BalanceTransactions {
			equal(t, name, txn.Amount, row.moved[i])
		}
		equal(t, name, b.book(pi.ID).Disputed, row.held)
		if _, err := b.Do(id, "reinstate", sandbox.Options{Amount: 1001}); err == nil {
			t.Errorf("%s: more was given back than taken", name)
		}
	}
}

func TestCheckoutWithTaxAndPromotionCode(t *testing.T) {
	b := start(t)
	generous := func(p *stripe.CheckoutSessionParams) {
		p.AllowPromotionCodes = stripe.Bool(true)
		p.AutomaticTax = &stripe.CheckoutSessionAutomaticTaxParams{Enabled: stripe.Bool(true)}
	}
	cs := b.session(generous)
	b.do(cs.ID, "pay", sandbox.Options{Discount: 1000, Tax: 380})
	cs, err := b.api.CheckoutSessions.Get(cs.ID, &stripe.CheckoutSessionParams{Expand: stripe.StringSlice([]string{"line_items", "payment_intent"})})
	ok(t, err)
	equal(t, "subtotal", cs.AmountSubtotal, 3000)
	equal(t, "total", cs.AmountTotal, 2380)
	equal(t, "discount", cs.TotalDetails.AmountDiscount, 1000)
	equal(t, "tax", cs.TotalDetails.AmountTax, 380)
	equal(t, "paid", cs.PaymentIntent.AmountReceived, 2380)
	equal(t, "quantity", cs.LineItems.Data[0].Quantity, 2)
	equal(t, "of the line", cs.LineItems.Data[0].AmountTotal, 2380)
	free := b.session(generous)
	b.do(free.ID, "pay", sandbox.Options{Discount: 3000})
	free = b.again(free.ID)
	equal(t, "nothing to pay", free.PaymentStatus, stripe.CheckoutSessionPaymentStatusNoPaymentRequired)
	equal(t, "complete", free.Status, stripe.CheckoutSessionStatusComplete)
	equal(t, "payments", len(b.Books()), 1)
	for _, with := range []sandbox.Options{{Discount: 1}, {Tax: 1}} {
		if _, err := b.Do(b.session().ID, "pay", with); err == nil {
			t.Errorf("%+v on a session that has neither", with)
		}
	}
}

func TestInvoicesInOtherWays(t *testing.T) {
	b := start(t)
	p := &player{t: t, b: b, version: "2025-03-31.basil"}
	sub := b.subscribe("pm_card_visa") // 9000 a month
	item := sub.Items.Data[0]
	latest := func() map[string]any {
		_, inv := p.get("/v1/invoices/" + b.subscription(sub.ID).LatestInvoice.ID)
		return inv
	}
	halfway := itoa((item.Price.Created + b.subscription(sub.ID).CurrentPeriodEnd) / 2)
	p.want("/v1/subscriptions/"+sub.ID, url.Values{"items[0][id]": {item.ID}, "items[0][quantity]": {"3"},
		"proration_behavior": {"always_invoice"}, "proration_date": {halfway}})
	inv := latest()
	equal(t, "reason", inv["billing_reason"], any("subscription_update"))
	equal(t, "two months for half a month", inv["amount_paid"], any(float64(9000)))
	equal(t, "given back", at(inv, []string{"lines", "data", "0", "amount"}), any(float64(-4500)))
	equal(t, "proration", at(inv, []string{"lines", "data", "1", "parent", "subscription_item_details", "proration"}), any(true))
	equal(t, "quantity", at(inv, []string{"lines", "data", "1", "quantity"}), any(float64(3)))
	p.want("/v1/subscriptions/"+sub.ID, url.Values{"items[0][id]": {item.ID}, "items[0][quantity]": {"1"},
		"proration_behavior": {"always_invoice"}, "proration_date": {halfway}})
	inv = latest()
	equal(t, "a downgrade is below 0", inv["total"], any(float64(-9000)))
	equal(t, "and goes to the balance", inv["ending_balance"], any(float64(-9000)))
	b.do(sub.ID, "renew", sandbox.Options{Discount: 500, Tax: 300})
	inv = latest()
	equal(t, "total", inv["total"], any(float64(8800)))
	equal(t, "paid from the balance", inv["amount_due"], any(float64(0)))
	equal(t, "status", inv["status"], any("paid"))
	equal(t, "payments", len(b.Books()), 2)
	manual := func() string {
		p.want("/v1/invoiceitems", url.Values{"customer": {sub.Customer.ID}, "pricing[price]": {item.Price.ID}, "quantity": {"2"}})
		return p.want("/v1/invoices", url.Values{"customer": {sub.Customer.ID}, "pending_invoice_items_behavior": {"include"}})["id"].(string)
	}
	outside := p.want("/v1/invoices/"+manual()+"/pay", url.Values{"paid_out_of_band": {"true"}})
	equal(t, "outside Stripe", outside["status"], any("paid"))
	p.version = "2023-10-16"
	_, outside = p.get("/v1/invoices/" + outside["id"].(string))
	equal(t, "outside Stripe", outside["paid_out_of_band"], any(true))
	bad := manual()
	p.want("/v1/invoices/"+bad+"/finalize", nil)
	note := p.want("/v1/credit_notes", url.Values{"invoice": {bad}, "amount": {"1000"}})
	p.want("/v1/credit_notes/"+note["id"].(string)+"/void", nil)
	p.want("/v1/invoices/"+bad+"/mark_uncollectible", nil)
	p.want("/v1/invoices/"+bad+"/void", nil)
	paid := p.want("/v1/invoices/"+manual()+"/pay", nil)
	p.want("/v1/credit_notes", url.Values{"invoice": {paid["id"].(string)}, "amount": {"3000"}, "credit_amount": {"1000"}, "refund_amount": {"1500"}, "out_of_band_amount": {"500"}})
	status, _ := p.post("/v1/credit_notes", url.Values{"invoice": {paid["id"].(string)}, "amount": {"18000"}, "credit_amount": {"18000"}})
	equal(t, "more than was paid", status, 400)
	b.settled()
	for kind, want := range map[string]int{"invoice.voided": 1, "invoice.marked_uncollectible": 1, "credit_note.created": 2, "credit_note.voided": 1, "charge.refunded": 1} {
		equal(t, kind, b.hook.types()[kind], want)
	}
}

func itoa(n int64) string {
	raw, _ := json.Marshal(n)
	return string(raw)
}

func TestBankTransferInParts(t *testing.T) {
	b := start(t)
	p := &player{t: t, b: b}
	cus := p.want("/v1/customers", nil)["id"].(string)
	pi := p.want("/v1/payment_intents", url.Values{"amount": {"20000"}, "currency": {"jpy"}, "customer": {cus}, "confirm": {"true"},
		"payment_method_types[]": {"customer_balance"}, "payment_method_data[type]": {"customer_balance"},
		"payment_method_options[customer_balance][funding_type]":        {"bank_transfer"},
		"payment_method_options[customer_balance][bank_transfer][type]": {"jp_bank_transfer"}})["id"].(string)
	fund := "/v1/test_helpers/customers/" + cus + "/fund_cash_balance"
	p.want(fund, url.Values{"amount": {"15000"}, "currency": {"jpy"}})
	equal(t, "not yet", b.book(pi).Status, "requires_action")
	status, _ := p.post(fund, url.Values{"amount": {"15000"}, "currency": {"jpy"}})
	equal(t, "too much", status, 400)
	p.want(fund, url.Values{"amount": {"5000"}, "currency": {"jpy"}})
	equal(t, "received", b.book(pi).Received, 20000)
	b.settled()
	equal(t, "told", b.hook.types()["payment_intent.partially_funded"], 1)
}

// TestThinEvents sends events that only name their object to an endpoint.
func TestThinEvents(t *testing.T) {
	b := start(t)
	var mu sync.Mutex
	got := map[string]map[string]any{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var event map[string]any
		if err == nil {
			err = json.Unmarshal(body, &event)
		}
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		got[event["type"].(string)] = event
	}))
	t.Cleanup(server.Close)
	ok(t, b.AddEndpoint(sandbox.Endpoint{URL: server.URL, Secret: testSecret, Thin: true}))
	b.do(b.session().ID, "pay", sandbox.Options{})
	b.settled()
	p := &player{t: t, b: b}
	mu.Lock()
	defer mu.Unlock()
	for _, kind := range []string{"v1.payment_intent.succeeded", "v1.charge.succeeded", "v1.checkout.session.completed"} {
		event := got[kind]
		equal(t, kind, event["object"], any("v2.core.event"))
		related, _ := event["related_object"].(map[string]any)
		url, _ := related["url"].(string)
		status, o := p.get(url)
		equal(t, url, status, 200)
		equal(t, "fetched", o["id"], related["id"])
		_, err := b.api.Events.Get(event["snapshot_event"].(string), nil)
		ok(t, err)
	}
}
