package sandbox_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const (
	cardPayment = "pi = POST /v1/payment_intents amount=100&currency=usd&payment_method_types[0]=card&confirm=true&description=of the CLI&payment_method="
	inquiry     = cardPayment + "pm_card_createDisputeInquiry\nlist = GET /v1/disputes?payment_intent=${pi:id}"
	refunded    = cardPayment + "pm_card_visa\nre = POST /v1/refunds payment_intent=${pi:id}"
	page        = "prod = POST /v1/products name=myproduct&description=of the CLI\n" +
		"price = POST /v1/prices product=${prod:id}&unit_amount=1500&currency=eur\n" +
		"cs = POST /v1/checkout/sessions success_url=https://example.com&cancel_url=https://example.com&mode=payment" +
		"&line_items[0][price]=${price:id}&line_items[0][quantity]=2&payment_intent_data[shipping][name]=Jo&payment_intent_data[shipping][address][line1]=1 Street"
	paidPage = "\npage = GET /v1/payment_pages/${cs:id}\npm = POST /v1/payment_methods "
	confirm  = "\nconfirm = POST /v1/payment_pages/${cs:id}/confirm payment_method=${pm:id}&expected_amount=3000"
	delayed  = "&payment_method_types[0]=sepa_debit&payment_intent_data[setup_future_usage]=off_session" + paidPage + "type=sepa_debit&billing_details[name]=Jo&sepa_debit[iban]="
	customer = "cus = POST /v1/customers description=of the CLI&payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa\n"
	monthly  = customer + "prod = POST /v1/products name=myproduct\n" +
		"price = POST /v1/prices product=${prod:id}&unit_amount=1500&currency=usd&recurring[interval]=month\n" +
		"sub = POST /v1/subscriptions customer=${cus:id}&items[0][price]=${price:id}"
	bill = "item = POST /v1/invoiceitems amount=2000&currency=usd&customer=${cus:id}&description=of the CLI\n" +
		"in = POST /v1/invoices customer=${cus:id}&description=of the CLI&pending_invoice_items_behavior=include"
	openBill = customer + bill + "\nopen = POST /v1/invoices/${in:id}/finalize"
)

// triggered are the calls that the CLI's trigger makes for each event, as its
// public source has them (stripe/stripe-cli, pkg/fixtures/triggers, 2026-08).
var triggered = map[string]string{
	"payment_intent.created":        "pi = POST /v1/payment_intents amount=2000&currency=usd",
	"payment_intent.succeeded":      cardPayment + "pm_card_visa&shipping[name]=Jo&shipping[address][line1]=1 Street",
	"payment_intent.payment_failed": cardPayment + "pm_card_chargeDeclined",
	"payment_intent.canceled": "pi = POST /v1/payment_intents amount=2000&currency=usd\n" +
		"end = POST /v1/payment_intents/${pi:id}/cancel cancellation_reason=requested_by_customer",
	"payment_intent.requires_action":           cardPayment + "pm_card_authenticationRequired",
	"payment_intent.amount_capturable_updated": cardPayment + "pm_card_visa&capture_method=manual&confirmation_method=manual&return_url=https://stripe.com",
	"payment_intent.processing": "pm = POST /v1/payment_methods type=sepa_debit&sepa_debit[iban]=AT321904300235473204&billing_details[name]=Bob\n" +
		"pi = POST /v1/payment_intents payment_method=${pm:id}&payment_method_types[0]=sepa_debit&amount=1000&currency=eur&confirm=true" +
		"&mandate_data[customer_acceptance][accepted_at]=1590590577&mandate_data[customer_acceptance][type]=offline",
	"payment_intent.partially_funded": "cus = POST /v1/customers description=of the CLI\n" +
		"pi = POST /v1/payment_intents amount=20000&currency=jpy&customer=${cus:id}&payment_method_types[]=customer_balance&confirm=true" +
		"&payment_method_data[type]=customer_balance&payment_method_options[customer_balance][funding_type]=bank_transfer" +
		"&payment_method_options[customer_balance][bank_transfer][type]=jp_bank_account\n" +
		"fund = POST /v1/test_helpers/customers/${cus:id}/fund_cash_balance amount=10000&currency=jpy",
	"charge.succeeded":                         cardPayment + "pm_card_visa",
	"charge.failed":                            cardPayment + "pm_card_visa_chargeDeclined",
	"charge.captured":                          cardPayment + "pm_card_visa&capture_method=manual\ncapture = POST /v1/payment_intents/${pi:id}/capture",
	"charge.refunded":                          refunded,
	"charge.refund.updated":                    refunded + "\nup = POST /v1/refunds/${re:id} metadata[order_id]=6735",
	"charge.dispute.created":                   inquiry,
	"charge.dispute.updated":                   inquiry + "\nup = POST /v1/disputes/${list:data.0.id} metadata[foo]=bar",
	"charge.dispute.closed":                    inquiry + "\nend = POST /v1/disputes/${list:data.0.id}/close",
	"checkout.session.completed":               page + paidPage + "type=card&card[token]=tok_visa&billing_details[email]=jo@example.com" + confirm,
	"checkout.session.expired":                 page + "\nend = POST /v1/checkout/sessions/${cs:id}/expire",
	"checkout.session.async_payment_succeeded": page + delayed + "AT611904300234573201" + confirm,
	"checkout.session.async_payment_failed":    page + delayed + "IT60X0542811101000000123456" + confirm,
	"customer.subscription.created":            monthly,
	"customer.subscription.updated":            monthly + "\nup = POST /v1/subscriptions/${sub:id} metadata[foo]=bar",
	"customer.subscription.deleted":            monthly + "\nend = DELETE /v1/subscriptions/${sub:id}",
	"invoice.created":                          customer + bill,
	"invoice.finalized":                        openBill,
	"invoice.paid": "cus = POST /v1/customers\npm = POST /v1/payment_methods/pm_card_visa/attach customer=${cus:id}\n" + bill +
		"\npay = POST /v1/invoices/${in:id}/pay payment_method=${pm:id}",
	"invoice.payment_failed": "cus = POST /v1/customers\npm = POST /v1/payment_methods/pm_card_chargeCustomerFail/attach customer=${cus:id}\n" + bill +
		"\npay = POST /v1/invoices/${in:id}/pay payment_method=${pm:id}",
	"invoice.voided":               openBill + "\nend = POST /v1/invoices/${in:id}/void",
	"invoice.marked_uncollectible": openBill + "\nend = POST /v1/invoices/${in:id}/mark_uncollectible",
}

var named = regexp.MustCompile(`\$\{(\w+):([\w.]+)\}`)

// TestEachTriggerGivesItsEvent makes the calls that the CLI's trigger makes, in
// the account's version and, as `trigger --api-version` asks, in the newest.
func TestEachTriggerGivesItsEvent(t *testing.T) {
	for _, version := range []string{"", versions[len(versions)-1]} {
		for kind, calls := range triggered {
			t.Run(kind+version, func(t *testing.T) {
				t.Parallel()
				b := start(t)
				p := &player{t: t, b: b, version: version}
				answers := map[string]map[string]any{}
				for _, call := range strings.Split(calls, "\n") {
					call = named.ReplaceAllStringFunc(call, func(ref string) string {
						at, _ := at(answers[named.FindStringSubmatch(ref)[1]], strings.Split(named.FindStringSubmatch(ref)[2], ".")).(string)
						return at
					})
					words := strings.SplitN(call, " ", 5) // name = METHOD path body
					body, err := url.ParseQuery(strings.Join(words[4:], ""))
					ok(t, err)
					status, answer := p.ask(words[2], words[3], strings.NewReader(body.Encode()))
					if status != 200 && status != 402 {
						t.Fatalf("%s: %d %v", call, status, answer)
					}
					answers[words[0]] = answer
				}
				b.settled()
				if b.hook.types()[kind] == 0 {
					t.Errorf("got only %v", b.hook.types())
				}
			})
		}
	}
}
