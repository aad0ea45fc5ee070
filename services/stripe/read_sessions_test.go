package stripe_test

import (
	"reflect"
	"testing"

	"hourbank/models"
	"hourbank/services/stripe"
)

const session = "checkout.session"

func TestSessionsAreReadInEveryVersion(t *testing.T) {
	object := func(fields string) string {
		return `{"id":"cs_1","payment_intent":"pi_1","amount_subtotal":5000,"amount_total":5950,"payment_status":"unpaid",` + fields + `}`
	}
	told := func(session string) string {
		return `{"payments":{"pi_1":{}},"sessions":{"cs_1":{"payment_intent":"pi_1"` + session + `}}}`
	}
	const settled = `,"settled":{"at":500,"subtotal":5000,"total":5950,"currency":"eur"}`
	const completed, succeeded = "checkout.session.completed", "checkout.session.async_payment_succeeded"
	for _, row := range []reading{
		{"completed and paid", completed, session, object(`"payment_status":"paid"`), told(settled), "pi_1", true},
		{"completed with nothing to pay", completed, session, object(`"payment_status":"no_payment_required","payment_intent":null,"amount_total":0`),
			`{"sessions":{"cs_1":{"settled":{"at":500,"subtotal":5000,"total":0,"currency":"eur"}}}}`, "cs_1", true},
		{"completed, to be paid later", completed, session, object(`"status":"complete"`), told(`,"processing":500`), "pi_1", false},
		{"paid later", succeeded, session, object(`"payment_status":"paid"`), told(settled), "pi_1", true},
		{"paid later, as the event says alone", succeeded, session, object(`"status":"complete"`), told(settled), "pi_1", true},
		{"that is paid and came without a subtotal", completed, session, object(`"payment_status":"paid","amount_subtotal":null`),
			told(`,"settled":{"at":500,"subtotal":5950,"total":5950,"currency":"eur"}`), "pi_1", true},
		{"that is paid and came without amounts", completed, session, object(`"payment_status":"paid","amount_total":null`), told(``), "pi_1", true},
		{"that failed later", "checkout.session.async_payment_failed", session, object(`"status":"complete"`),
			told(`,"failed":{"at":500,"code":"async_payment_failed","message":"The delayed payment failed."}`), "pi_1", false},
		{"that expired", "checkout.session.expired", session, object(`"status":"expired"`),
			told(`,"cancelled":{"at":500,"code":"expired","message":"The payment was cancelled: expired."}`), "pi_1", false},
		{"of a Payment Link", completed, session, object(`"payment_status":"paid","payment_link":"plink_1"`), told(`,"payment_link":true` + settled), "pi_1", true},
		{"of an invoice", completed, session, object(`"payment_status":"paid","payment_intent":null,"invoice":"in_1"`),
			`{"sessions":{"cs_1":{"invoice":"in_1"` + settled + `}},"invoices":{"in_1":{}}}`, "in_1", true},
		{"whose objects are expanded", completed, session, object(`"payment_status":"paid","payment_intent":{"id":"pi_1"},"payment_link":{"id":"plink_1"}`),
			told(`,"payment_link":true` + settled), "pi_1", true},
		{"in the customer's currency", completed, session,
			object(`"payment_status":"paid","currency":"USD","currency_conversion":{"amount_subtotal":4600,"amount_total":5474,"source_currency":"eur","fx_rate":"1.1"}`),
			told(`,"settled":{"at":500,"subtotal":5000,"total":5950,"currency":"usd"},"source":{"subtotal":4600,"total":5474,"currency":"eur"}`), "pi_1", true},
	} {
		for _, version := range versions {
			row.in(t, version)
		}
	}
}

// Whose a session is, and what it sold.
func TestASessionsNamesAndSaleAreRead(t *testing.T) {
	for _, row := range []struct {
		name, set string
		names     stripe.Names
		sale      *stripe.Sale
	}{
		{"of nobody", `{"metadata":null}`, stripe.Names{}, nil},
		{"by both names", `{"client_reference_id":"p1","metadata":{"purchase_transaction_id":"p2"},"customer":"cus_1"}`,
			stripe.Names{Purchase: "p2", ClientReference: "p1", Customer: "cus_1", Ours: true}, nil},
		{"of a plan, and its student by reference", `{"client_reference_id":"s1","metadata":{"plan":"ten"}}`, stripe.Names{ClientReference: "s1", Ours: true},
			&stripe.Sale{Origin: models.OriginSession, StudentID: "s1", Plan: "ten", Currency: "eur", Subtotal: 5000}},
		{"of a purchase of ours, and a plan", `{"client_reference_id":"s1","metadata":{"plan":"ten","purchase_transaction_id":"p1"}}`,
			stripe.Names{Purchase: "p1", ClientReference: "s1", Ours: true}, nil},
		{"of a plan in the customer's currency", `{"metadata":{"plan":"ten","student_id":"s1"},"currency":"usd",
			"currency_conversion":{"amount_subtotal":4600,"amount_total":4600,"source_currency":"eur"}}`, stripe.Names{Ours: true},
			&stripe.Sale{Origin: models.OriginSession, StudentID: "s1", Plan: "ten", Currency: "eur", Subtotal: 4600}},
		{"with its line items", `{"metadata":{"plan":"ten","student_id":"s1"},"line_items":{"data":[{"price":{"id":"price_1"},"quantity":3},{"price":"price_2"}]}}`, stripe.Names{Ours: true},
			&stripe.Sale{Origin: models.OriginSession, StudentID: "s1", Plan: "ten", Currency: "eur", Subtotal: 5000,
				Items: []stripe.Item{{PriceID: "price_1", Quantity: 3}, {PriceID: "price_2", Quantity: 1}}}},
		{"without a subtotal", `{"metadata":{"plan":"ten","student_id":"s1"},"amount_subtotal":null}`, stripe.Names{Ours: true},
			&stripe.Sale{Origin: models.OriginSession, StudentID: "s1", Plan: "ten", Currency: "eur", Subtotal: -1}},
	} {
		for _, version := range versions {
			event := decode(t, version, "checkout.session.completed", session, `{"id":"cs_1","customer":null,"amount_subtotal":5000,`+row.set[1:])
			if event.Names != row.names || !reflect.DeepEqual(event.Sale, row.sale) {
				t.Errorf("%s in %s names %+v and sells %+v, want %+v and %+v", row.name, version, event.Names, event.Sale, row.names, row.sale)
			}
		}
	}
}

// A subscription's session says whose it is; what it buys, its invoices say.
func TestASubscriptionsSessionIsRead(t *testing.T) {
	for name, row := range map[string]struct {
		set  string
		want models.Subscription
	}{
		"by metadata":  {`"metadata":{"student_id":"s1","plan":"monthly"}`, models.Subscription{ID: "sub_1", StudentID: "s1", PlanID: "monthly"}},
		"by reference": {`"client_reference_id":"s1"`, models.Subscription{ID: "sub_1", StudentID: "s1"}},
		"by both":      {`"client_reference_id":"s2","metadata":{"student_id":"s1"}`, models.Subscription{ID: "sub_1", StudentID: "s1"}},
	} {
		for _, version := range versions {
			event := decode(t, version, "checkout.session.completed", session, `{"id":"cs_1","mode":"subscription","subscription":"sub_1","invoice":"in_1","payment_status":"paid",`+row.set+`}`)
			if event.Subscription == nil || *event.Subscription != row.want {
				t.Errorf("%s in %s: %+v, want %+v", name, version, event.Subscription, row.want)
			}
		}
	}
}

func TestASessionThatOnlySavesACardIsIgnored(t *testing.T) {
	for _, version := range versions {
		event := decode(t, version, "checkout.session.completed", session, `{"id":"cs_1","mode":"setup"}`)
		if event.Status != models.EventIgnored || event.Reason != models.ReasonUnsupportedType {
			t.Errorf("%s: %s, %s", version, event.Status, event.Reason)
		}
	}
}
