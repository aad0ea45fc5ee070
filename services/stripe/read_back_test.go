package stripe_test

import "testing"

// What a charge captured, and what of it went back.
func TestChargesAreReadInEveryVersion(t *testing.T) {
	object := func(fields string) string {
		return `{"id":"ch_1","payment_intent":"pi_1","amount":5000,"amount_captured":5000,"amount_refunded":0,` + fields + `}`
	}
	told := func(charge string) string {
		return `{"payments":{"pi_1":{}},"charges":{"ch_1":{"payment_intent":"pi_1",` + charge + `}}}`
	}
	const none = `"refunded":{"amount":0,"at":500<old>}`
	const paid = `"currency":"eur","authorised":5000,"captured":{"amount":5000,"at":500},` + none
	for _, row := range []reading{
		{"captured in full", "charge.succeeded", "charge", object(`"captured":true`), told(paid), "pi_1", true},
		{"captured later", "charge.captured", "charge", object(`"captured":true`), told(paid), "pi_1", true},
		{"captured in part", "charge.updated", "charge", object(`"amount_captured":4000`),
			told(`"currency":"eur","authorised":5000,"captured":{"amount":4000,"at":500},` + none), "pi_1", true},
		{"captured and doesn't say how much", "charge.succeeded", "charge", object(`"amount_captured":null`), told(paid), "pi_1", true},
		{"captured and says nothing of it", "charge.succeeded", "charge", object(`"captured":null,"paid":true`), told(paid), "pi_1", true},
		{"only authorised", "charge.succeeded", "charge", object(`"captured":false,"amount_captured":0`), told(`"authorised":5000,` + none), "pi_1", false},
		{"not paid", "charge.updated", "charge", object(`"paid":false`), told(none), "pi_1", false},
		{"not paid, and doesn't say whether it was captured", "charge.updated", "charge", object(`"captured":null,"paid":false`), told(none), "pi_1", false},
		{"failed", "charge.updated", "charge", object(`"status":"failed"`), told(none), "pi_1", false},
		{"pending", "charge.updated", "charge", object(`"status":"pending"`), told(none), "pi_1", false},
		{"refunded in part", "charge.refunded", "charge", object(`"amount_refunded":700`),
			told(`"currency":"eur","authorised":5000,"captured":{"amount":5000,"at":500},"refunded":{"amount":700,"at":500<old>}`), "pi_1", true},
		{"not captured, and released by a refund", "charge.refunded", "charge", object(`"captured":false,"amount_refunded":5000`),
			told(`"authorised":5000,"refunded":{"amount":5000,"at":500<old>}`), "pi_1", true},
		{"without a total of refunds", "charge.updated", "charge", object(`"amount_refunded":null`),
			told(`"currency":"eur","authorised":5000,"captured":{"amount":5000,"at":500}`), "pi_1", true},
		{"of no PaymentIntent", "charge.succeeded", "charge", object(`"payment_intent":null`), `{"charges":{"ch_1":{` + paid + `}}}`, "ch_1", true},
		{"that pays an invoice", "charge.succeeded", "charge", object(`"invoice":"in_1"`),
			`{"payments":{"pi_1":{}},"charges":{"ch_1":{"payment_intent":"pi_1",` + paid + `}},"invoices":{"in_1":{"payments":{"pi_1":0}}}}`, "pi_1", true},
		{"of no PaymentIntent that pays an invoice", "charge.succeeded", "charge", object(`"payment_intent":null,"invoice":"in_1"`),
			`{"charges":{"ch_1":{` + paid + `}},"invoices":{"in_1":{"payments":{"ch_1":0}}}}`, "ch_1", true},
	} {
		for _, version := range versions {
			row.in(t, version)
		}
	}
}

// Old versions list a charge's refunds; the oldest as a plain array.
func TestRefundsThatAChargeListsAreRead(t *testing.T) {
	const refund = `{"id":"re_1","object":"refund","amount":700,"currency":"eur","status":"succeeded","created":450}`
	const told = `{"re_1":{"charge":"ch_1","payment_intent":"pi_1","at":500,"status":"succeeded","amount":700,"currency":"eur","created":450}}`
	for name, row := range map[string]struct{ list, refunds string }{
		"one":           {`{"object":"list","data":[` + refund + `]}`, told},
		"a plain array": {`[` + refund + `]`, told},
		"none":          {`{"object":"list","data":[]}`, `null`},
		"null":          {`null`, `null`},
		"one of no id":  {`{"object":"list","data":[{"amount":700}]}`, `null`},
	} {
		t.Run(name, func(t *testing.T) {
			event := decode(t, v2020, "charge.refunded", "charge", `{"id":"ch_1","payment_intent":"pi_1","refunds":`+row.list+`}`)
			event.Told.Charges, event.Told.Payments = nil, nil
			if row.refunds == "null" {
				wantTold(t, event, `{}`)
			} else {
				wantTold(t, event, `{"refunds":`+row.refunds+`}`)
			}
		})
	}
}

func TestRefundsAreReadInEveryVersion(t *testing.T) {
	object := func(fields string) string {
		return `{"id":"re_1","charge":"ch_1","payment_intent":"pi_1","amount":700,"created":400,` + fields + `}`
	}
	told := func(refund string) string {
		return `{"payments":{"pi_1":{}},"charges":{"ch_1":{"payment_intent":"pi_1"}},
			"refunds":{"re_1":{"charge":"ch_1","payment_intent":"pi_1","at":500,"amount":700,"currency":"eur",` + refund + `}}}`
	}
	for _, row := range []reading{
		{"made", "refund.created", "refund", object(`"status":"pending"`), told(`"status":"pending","created":400`), "pi_1", true},
		{"done", "refund.updated", "refund", object(`"status":"succeeded"`), told(`"status":"succeeded","created":400`), "pi_1", true},
		{"done, by its old event", "charge.refund.updated", "refund", object(`"status":"succeeded"`), told(`"status":"succeeded","created":400`), "pi_1", true},
		{"of the oldest versions, without a status", "charge.refund.updated", "refund", object(`"status":null`), told(`"status":"succeeded","created":400`), "pi_1", true},
		{"failed", "refund.failed", "refund", object(`"status":"failed"`), told(`"failed_at":500,"status":"failed","created":400`), "pi_1", true},
		{"cancelled", "refund.updated", "refund", object(`"status":"canceled"`), told(`"failed_at":500,"status":"canceled","created":400`), "pi_1", true},
		{"that doesn't say when it was made", "refund.created", "refund", object(`"status":"pending","created":null`), told(`"status":"pending","created":500`), "pi_1", true},
		{"that names only its charge", "refund.created", "refund", object(`"status":"pending","payment_intent":null`),
			`{"charges":{"ch_1":{}},"refunds":{"re_1":{"charge":"ch_1","at":500,"status":"pending","amount":700,"currency":"eur","created":400}}}`, "ch_1", true},
		{"that we asked for as hours", "refund.created", "refund", object(`"status":"pending","payment_intent":null,"metadata":{"hourbank_for":"hours"}`),
			`{"charges":{"ch_1":{}},"refunds":{"re_1":{"charge":"ch_1","for_hours":true,"at":500,"status":"pending","amount":700,"currency":"eur","created":400}}}`, "ch_1", true},
		{"whose charge is expanded", "refund.created", "refund", object(`"status":"pending","payment_intent":null,"charge":{"id":"ch_1","payment_intent":"pi_1"}`),
			told(`"status":"pending","created":400`), "pi_1", true},
		{"that names only its PaymentIntent", "refund.created", "refund", object(`"status":"pending","charge":null`),
			`{"payments":{"pi_1":{}},"refunds":{"re_1":{"payment_intent":"pi_1","at":500,"status":"pending","amount":700,"currency":"eur","created":400}}}`, "pi_1", true},
		{"that names nothing", "refund.created", "refund", object(`"status":"pending","charge":null,"payment_intent":null`),
			`{"refunds":{"re_1":{"at":500,"status":"pending","amount":700,"currency":"eur","created":400}}}`, "re_1", true},
	} {
		for _, version := range versions {
			row.in(t, version)
		}
	}
}

func TestDisputesAreReadInEveryVersion(t *testing.T) {
	object := func(fields string) string {
		return `{"id":"dp_1","charge":"ch_1","payment_intent":"pi_1","amount":700,"balance_transactions":[],"evidence_details":{"due_by":900},` + fields + `}`
	}
	told := func(dispute string) string {
		return `{"payments":{"pi_1":{}},"charges":{"ch_1":{"payment_intent":"pi_1"}},
			"disputes":{"dp_1":{"charge":"ch_1","payment_intent":"pi_1","at":500,"amount":700,"currency":"eur",` + dispute + `}}}`
	}
	const moved = `"transactions":{"txn_1":-700,"txn_2":650},`
	const moves = `[{"id":"txn_1","amount":-700,"net":-2200},{"id":"txn_2","amount":650,"net":650}]`
	for _, row := range []reading{
		{"an inquiry", "charge.dispute.created", "dispute", object(`"status":"warning_needs_response"`), told(`"status":"warning_needs_response","due_by":900`), "pi_1", true},
		{"one that waits", "charge.dispute.updated", "dispute", object(`"status":"needs_response"`), told(`"status":"needs_response","due_by":900`), "pi_1", true},
		{"one that took money", "charge.dispute.funds_withdrawn", "dispute", object(`"status":"needs_response","balance_transactions":[{"id":"txn_1","amount":-700}]`),
			told(`"transactions":{"txn_1":-700},"status":"needs_response","due_by":900`), "pi_1", true},
		{"one that gave money back", "charge.dispute.funds_reinstated", "dispute", object(`"status":"won","balance_transactions":` + moves),
			told(moved + `"status":"won","due_by":900`), "pi_1", true},
		{"one that is over", "charge.dispute.closed", "dispute", object(`"status":"lost","evidence_details":{"due_by":null}`), told(`"status":"lost"`), "pi_1", true},
		{"with the fields of old versions", "charge.dispute.created", "dispute",
			object(`"status":"needs_response","evidence_details":null,"evidence_due_by":800,"balance_transactions":null,"balance_transaction":{"id":"txn_1","amount":-700}`),
			told(`"transactions":{"txn_1":-700},"status":"needs_response","due_by":800`), "pi_1", true},
		{"whose balance transactions are ids", "charge.dispute.created", "dispute", object(`"status":"lost","balance_transactions":["txn_1"]`),
			told(`"status":"lost","due_by":900`), "pi_1", true},
		{"that names only its charge", "charge.dispute.created", "dispute", object(`"status":"lost","payment_intent":null`),
			`{"charges":{"ch_1":{}},"disputes":{"dp_1":{"charge":"ch_1","at":500,"status":"lost","amount":700,"currency":"eur","due_by":900}}}`, "ch_1", true},
		{"that has no id, and is its charge's", "charge.dispute.created", "dispute", object(`"id":null,"status":"lost","payment_intent":null`),
			`{"charges":{"ch_1":{}},"disputes":{"ch_1":{"charge":"ch_1","at":500,"status":"lost","amount":700,"currency":"eur","due_by":900}}}`, "ch_1", true},
	} {
		for _, version := range versions {
			row.in(t, version)
		}
	}
}
