package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
)

// versions are those of which stripe.json was made.
var versions = []string{"2020-08-27", "2022-08-01", "2022-11-15", "2023-10-16", "2025-03-31.basil", "2026-10-28.endive"}

// stripeObject is an object of stripe.json.
type stripeObject struct {
	Required, Nullable, Optional string
	Since, Before                map[string]string
}

func (o stripeObject) has(name, version string) bool {
	for day, names := range o.Since {
		if strings.Contains(" "+names+" ", " "+name+" ") && version < day {
			return false
		}
	}
	for day, names := range o.Before {
		if strings.Contains(" "+names+" ", " "+name+" ") && version >= day {
			return false
		}
	}
	return true
}

// everything makes one of each object, in most of its states.
func (b *bench) everything() {
	b.t.Helper()
	pi := b.pay(1000, "pm_card_visa")
	b.refund(pi.ID, 300)
	b.do(b.do(b.pay(1000, "pm_card_visa").ID, "dispute", sandbox.Options{}), "win", sandbox.Options{})
	_, _ = b.api.PaymentIntents.New(paid(1000, "pm_card_chargeDeclined"))
	b.pay(1000, "pm_card_authenticationRequired")
	cs := b.session()
	b.do(cs.ID, "pay", sandbox.Options{})
	b.session()
	sub := b.subscribe("pm_card_visa")
	b.do(sub.ID, "renew", sandbox.Options{Discount: 500, Tax: 300})
	b.do(sub.ID, "fail_payment", sandbox.Options{})
	p := &player{t: b.t, b: b}
	p.want("/v1/invoiceitems", url.Values{"customer": {sub.Customer.ID}, "amount": {"700"}, "currency": {"eur"}})
	inv := p.want("/v1/invoices", url.Values{"customer": {sub.Customer.ID}, "pending_invoice_items_behavior": {"include"}})
	p.want("/v1/invoices/"+inv["id"].(string)+"/pay", nil)
	p.want("/v1/credit_notes", url.Values{"invoice": {inv["id"].(string)}, "amount": {"200"}, "credit_amount": {"200"}})
	b.settled()
}

// TestObjectsHaveTheShapeOfTheirVersion lists everything in each version and
// holds each object, however deep, to what Stripe says of it.
func TestObjectsHaveTheShapeOfTheirVersion(t *testing.T) {
	b := start(t)
	b.everything()
	raw, err := os.ReadFile("api/stripe.json")
	ok(t, err)
	var stripes struct{ Objects map[string]stripeObject }
	ok(t, json.Unmarshal(raw, &stripes))
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			p, seen := &player{t: t, b: b, version: version}, map[string]bool{}
			var check func(where string, value any)
			check = func(where string, value any) {
				switch value := value.(type) {
				case []any:
					for _, row := range value {
						check(where, row)
					}
				case map[string]any:
					kind, _ := value["object"].(string)
					if o, known := stripes.Objects[kind]; known {
						seen[kind] = true
						o.check(t, version, where+" "+kind, value)
					}
					for name, inner := range value {
						check(where+"."+name, inner)
					}
				}
			}
			for _, list := range []string{"payment_intents", "charges", "refunds", "disputes", "customers", "checkout/sessions", "subscriptions",
				"invoices", "invoice_payments", "events"} {
				if version < "2025-03-31" && list == "invoice_payments" {
					continue
				}
				status, page := p.get("/v1/" + list + "?limit=100")
				equal(t, list, status, 200)
				if list != "events" { // of the account's own version
					check("", page)
				}
			}
			status, cs := p.get("/v1/checkout/sessions?expand[]=data.line_items")
			equal(t, "line items", status, 200)
			check("", cs)
			for kind := range stripes.Objects {
				switch kind {
				case "product", "payment_method", "invoiceitem", "credit_note", "invoice_payment": // have no list here
				default:
					equal(t, kind, seen[kind], true)
				}
			}
		})
	}
	// The rest as events tell of it, and events in each version.
	for _, version := range versions {
		hook := newReceiver(t, "whsec_versions")
		ok(t, b.AddEndpoint(sandbox.Endpoint{URL: hook.url, Secret: "whsec_versions", APIVersion: version}))
		b.everything()
		for _, event := range hook.events {
			equal(t, "version", event.APIVersion, version)
			kind, _ := event.Data.Object["object"].(string)
			if o, known := stripes.Objects[kind]; known {
				o.check(t, version, string(event.Type), event.Data.Object)
			}
		}
		equal(t, "invoice_payment.paid", hook.types()["invoice_payment.paid"] > 0, version >= "2025-03-31")
	}
}

func (o stripeObject) check(t *testing.T, version, where string, value map[string]any) {
	t.Helper()
	all := " " + o.Required + " " + o.Nullable + " " + o.Optional + " "
	for name := range value {
		if !strings.Contains(all, " "+name+" ") || !o.has(name, version) {
			t.Errorf("%s: %s is not in %s", where, name, version)
		}
	}
	for _, name := range strings.Fields(o.Required) {
		if o.has(name, version) && value[name] == nil {
			t.Errorf("%s: %s is missing", where, name)
		}
	}
	for _, name := range strings.Fields(o.Nullable) {
		if _, there := value[name]; !there && o.has(name, version) && !hidden[where[strings.LastIndex(where, " ")+1:]+"."+name] {
			t.Errorf("%s: %s is missing", where, name)
		}
	}
}

// hidden are only there if they are asked for, since 2022-11-15.
var hidden = map[string]bool{"charge.refunds": true}

// TestWhereVersionsKeepThings follows the fields that moved.
func TestWhereVersionsKeepThings(t *testing.T) {
	b := start(t)
	sub := b.subscribe("pm_card_visa")
	p := &player{t: t, b: b}
	invoice := b.Books()[0].Invoice
	intent := b.Books()[0].PaymentIntent
	b.refund(intent, 100)
	for _, row := range []struct{ path, version, at string }{
		{"/v1/payment_intents/" + intent, "2022-08-01", "charges.data.0.refunds.data.0.id"},
		{"/v1/payment_intents/" + intent, "2022-11-15", "latest_charge"},
		{"/v1/payment_intents/" + intent, "2024-06-20", "invoice"},
		{"/v1/invoices/" + invoice, "2024-06-20", "subscription"},
		{"/v1/invoices/" + invoice, "2024-06-20", "payment_intent"},
		{"/v1/invoices/" + invoice, "2024-06-20", "subscription_details.metadata.student_id"},
		{"/v1/invoices/" + invoice, "2024-06-20", "lines.data.0.price.id"},
		{"/v1/invoices/" + invoice, "2025-04-30.basil", "parent.subscription_details.subscription"},
		{"/v1/invoices/" + invoice, "2025-04-30.basil", "lines.data.0.pricing.price_details.price"},
		{"/v1/subscriptions/" + sub.ID, "2024-06-20", "current_period_end"},
		{"/v1/subscriptions/" + sub.ID, "2025-04-30.basil", "items.data.0.current_period_end"},
	} {
		in := func(version string) any {
			p.version = version
			status, answer := p.get(row.path)
			equal(t, row.path, status, 200)
			return at(answer, strings.Split(row.at, "."))
		}
		if got := in(row.version); got == nil || got == "" {
			t.Errorf("%s of %s is not in %s", row.at, row.path, row.version)
		}
	}
	p.version = "2025-04-30.basil"
	for _, gone := range []string{"/v1/payment_intents/" + intent + "?expand[]=charges", "/v1/invoices/" + invoice + "?expand[]=subscription"} {
		status, _ := p.get(gone)
		equal(t, gone, status, 400)
	}
	status, answer := p.get("/v1/invoices/" + invoice + "?expand[]=payments")
	equal(t, "payments", status, 200)
	equal(t, "payments", at(answer, strings.Split("payments.data.0.payment.payment_intent", ".")), any(intent))
	for version, want := range map[string]int{"nonsense": 400, "2019-01-01": 400, "2030-01-01.future": 200} {
		p.version = version
		status, _ = p.get("/v1/account")
		equal(t, version, status, want)
	}
}

// at follows a path into an answer.
func at(value any, path []string) any {
	for _, step := range path {
		switch in := value.(type) {
		case map[string]any:
			value = in[step]
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(in) {
				return nil
			}
			value = in[i]
		default:
			return nil
		}
	}
	return value
}

// TestPartialCaptureByVersion shows that the release of what is not captured is
// a refund until basil, by the version of the request alone.
func TestPartialCaptureByVersion(t *testing.T) {
	for version, released := range map[string]int64{"2023-10-16": 600, "2025-03-31.basil": 0} {
		b := start(t)
		p := &player{t: t, b: b, version: version}
		pi := b.held(1000)
		p.want("/v1/payment_intents/"+pi+"/capture", url.Values{"amount_to_capture": {"400"}})
		got, err := b.api.PaymentIntents.Get(pi, &stripe.PaymentIntentParams{Expand: stripe.StringSlice([]string{"latest_charge.refunds"})})
		ok(t, err)
		equal(t, "captured", got.LatestCharge.AmountCaptured, 400)
		equal(t, "released", got.LatestCharge.AmountRefunded, released)
		equal(t, "refunds", int64(len(got.LatestCharge.Refunds.Data)), released/600)
		b.refund(pi, 400)
		equal(t, "refunded", b.book(pi).Refunded, 400)
		_, err = b.api.Refunds.New(&stripe.RefundParams{PaymentIntent: &pi})
		refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeChargeAlreadyRefunded)
		canceled := b.held(1000)
		p.want("/v1/payment_intents/"+canceled+"/cancel", nil)
		b.settled()
		equal(t, "told", b.hook.types()["charge.refunded"], 1+2*int(released/600))
	}
}
