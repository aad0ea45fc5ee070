package tests

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hourbank/models"
	"hourbank/models/money"
	"hourbank/tests/harness"
)

// oldPurchase is a purchase of 10.00 hours for 5000 as it was kept until
// migration 4, and what becomes of it.
type oldPurchase struct {
	name                     string
	intent, session, invoice string
	others                   string // further PaymentIntents, with spaces between
	evidence                 string
	refundedCharge           string // that a stored charge.refunded told of; "": none is stored

	// As it was derived: hours credited and reversed in whole hours, money.
	status                       string
	credited, reversed           int64
	received, refunded, disputed int64

	want    string // the evidence
	becomes string // what follows from it now, where that is something else
}

var oldPurchases = []oldPurchase{
	{name: "pending", intent: "pi_1", evidence: `{}`, status: "pending", want: `{"payments":{"pi_1":{}}}`},
	{name: "of nothing yet", evidence: `{}`, status: "pending", want: `{}`},
	{name: "processing", intent: "pi_1", evidence: `{"processing":5}`, status: "processing", want: `{"payments":{"pi_1":{"processing":5}}}`},
	{name: "failed", intent: "pi_1", evidence: `{"processing":4,"failed":{"at":5,"code":"card_declined","message":"No."}}`, status: "failed",
		want: `{"payments":{"pi_1":{"processing":4,"failed":{"at":5,"code":"card_declined","message":"No."}}}}`},
	{name: "cancelled", intent: "pi_1", evidence: `{"cancelled":{"at":5,"code":"abandoned","message":"It was."}}`, status: "cancelled",
		want: `{"payments":{"pi_1":{"cancelled":{"at":5,"code":"abandoned","message":"It was."}}}}`},
	{name: "paid", intent: "pi_1", evidence: `{"paid":{"amount":5000,"currency":"eur","at":5}}`, status: "completed", credited: 10, received: 5000,
		want: `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"eur"}}}`},
	{name: "paid with too little", intent: "pi_1", evidence: `{"mismatched":{"amount":4000,"currency":"eur","at":5}}`, status: "pending", received: 4000,
		want: `{"payments":{"pi_1":{"received":{"amount":4000,"at":5},"currency":"eur"}}}`},
	{name: "paid with too much", intent: "pi_1", evidence: `{"mismatched":{"amount":6000,"currency":"eur","at":5}}`, status: "pending", received: 6000,
		want:    `{"payments":{"pi_1":{"received":{"amount":6000,"at":5},"currency":"eur"}}}`,
		becomes: "completed 10 0 6000 0 0"},
	{name: "paid in another currency", intent: "pi_1", evidence: `{"mismatched":{"amount":5000,"currency":"usd","at":5}}`, status: "pending", received: 5000,
		want:    `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"usd"}}}`,
		becomes: "pending 0 0 0 0 0"},
	{name: "refunded by total", intent: "pi_1", evidence: `{"paid":{"amount":5000,"currency":"eur","at":5},"refund_total":{"amount":1000,"at":6}}`,
		status: "partially_refunded", credited: 10, reversed: 2, received: 5000, refunded: 1000,
		want: `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"eur"}},
			"charges":{"charge_of_ID":{"payment_intent":"pi_1","refunded":{"amount":1000,"at":6,"old":true}}}}`},
	{name: "refunded by a total of which an event is stored", intent: "pi_1", refundedCharge: "ch_stored", status: "refunded", credited: 10, reversed: 10, received: 5000, refunded: 5000,
		evidence: `{"paid":{"amount":5000,"currency":"eur","at":5},"refund_total":{"amount":5000,"at":6}}`,
		want: `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"eur"}},
			"charges":{"ch_stored":{"payment_intent":"pi_1","refunded":{"amount":5000,"at":6,"old":true}}}}`},
	{name: "refunded by id", intent: "pi_1", status: "partially_refunded", credited: 10, reversed: 2, received: 5000, refunded: 1000,
		evidence: `{"paid":{"amount":5000,"currency":"eur","at":5},"refunds":{"re_1":{"amount":1000,"status":"succeeded","created":6,"at":7},"re_2":{"amount":500,"status":"failed","created":6,"at":8,"failed_at":8}}}`,
		want: `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"eur"}},"refunds":{
			"re_1":{"payment_intent":"pi_1","at":7,"status":"succeeded","amount":1000,"currency":"eur","created":6},
			"re_2":{"payment_intent":"pi_1","failed_at":8,"at":8,"status":"failed","amount":500,"currency":"eur","created":6}}}`},
	{name: "refunded by total and by ids before and after it", intent: "pi_1", status: "partially_refunded", credited: 10, reversed: 5, received: 5000, refunded: 2500,
		evidence: `{"paid":{"amount":5000,"currency":"eur","at":5},"refund_total":{"amount":2000,"at":10},"refunds":{
			"re_1":{"amount":1000,"status":"succeeded","created":6,"at":7},"re_2":{"amount":500,"status":"failed","created":8,"at":12,"failed_at":12},"re_3":{"amount":1000,"status":"pending","created":11,"at":11}}}`,
		want: `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"eur"}},"charges":{"charge_of_ID":{"payment_intent":"pi_1","refunded":{"amount":2000,"at":10,"old":true}}},
			"refunds":{"re_1":{"charge":"charge_of_ID","payment_intent":"pi_1","at":7,"status":"succeeded","amount":1000,"currency":"eur","created":6},
			"re_2":{"charge":"charge_of_ID","payment_intent":"pi_1","failed_at":12,"at":12,"status":"failed","amount":500,"currency":"eur","created":8},
			"re_3":{"charge":"charge_of_ID","payment_intent":"pi_1","at":11,"status":"pending","amount":1000,"currency":"eur","created":11}}}`},
	{name: "refunded before it was paid", intent: "pi_1", evidence: `{"refund_total":{"amount":1000,"at":6}}`, status: "pending",
		want: `{"payments":{"pi_1":{}},"charges":{"charge_of_ID":{"payment_intent":"pi_1","refunded":{"amount":1000,"at":6,"old":true}}}}`},
	{name: "disputed", intent: "pi_1", evidence: `{"paid":{"amount":5000,"currency":"eur","at":5},"disputes":{"dp_1":{"amount":2500,"status":"needs_response","at":6}}}`,
		status: "disputed", credited: 10, reversed: 5, received: 5000, disputed: 2500,
		want: `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"eur"}},
			"disputes":{"dp_1":{"payment_intent":"pi_1","at":6,"status":"needs_response","amount":2500,"currency":"eur"}}}`},
	{name: "disputed and reinstated", intent: "pi_1", evidence: `{"paid":{"amount":5000,"currency":"eur","at":5},"disputes":{"dp_1":{"amount":5000,"status":"under_review","at":6,"reinstated":true}}}`,
		status: "completed", credited: 10, received: 5000,
		want: `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"eur"}},
			"disputes":{"dp_1":{"payment_intent":"pi_1","transactions":{"withdrawn_dp_1":-5000,"reinstated_dp_1":5000},"at":6,"status":"under_review","amount":5000,"currency":"eur"}}}`},
	{name: "won and refunded", intent: "pi_1", evidence: `{"paid":{"amount":5000,"currency":"eur","at":5},"refund_total":{"amount":5000,"at":9},"disputes":{"dp_1":{"amount":5000,"status":"won","at":6}}}`,
		status: "refunded", credited: 10, reversed: 10, received: 5000, refunded: 5000,
		want: `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"eur"}},"charges":{"charge_of_ID":{"payment_intent":"pi_1","refunded":{"amount":5000,"at":9,"old":true}}},
			"disputes":{"dp_1":{"charge":"charge_of_ID","payment_intent":"pi_1","at":6,"status":"won","amount":5000,"currency":"eur"}}}`},
	{name: "of a session alone", session: "cs_1", evidence: `{"paid":{"amount":5000,"currency":"eur","at":5}}`, status: "completed", credited: 10, received: 5000,
		want: `{"sessions":{"cs_1":{"settled":{"at":5,"subtotal":5000,"total":5000,"currency":"eur"}}}}`},
	{name: "of a session alone that expired", session: "cs_1", evidence: `{"cancelled":{"at":5,"code":"expired","message":"It was."}}`, status: "cancelled",
		want: `{"sessions":{"cs_1":{"cancelled":{"at":5,"code":"expired","message":"It was."}}}}`},
	{name: "of a session and its PaymentIntent", session: "cs_1", intent: "pi_1", evidence: `{"paid":{"amount":5000,"currency":"eur","at":5}}`, status: "completed", credited: 10, received: 5000,
		want: `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"eur"}},"sessions":{"cs_1":{"payment_intent":"pi_1"}}}`},
	{name: "of an invoice alone", invoice: "in_1", evidence: `{"paid":{"amount":5000,"currency":"eur","at":5}}`, status: "completed", credited: 10, received: 5000,
		want: `{"invoices":{"in_1":{"paid":{"at":5,"subtotal":5000,"total":5000,"currency":"eur"}}}}`},
	{name: "of an invoice alone that failed", invoice: "in_1", evidence: `{"failed":{"at":5,"code":"invoice_payment_failed","message":"No."}}`, status: "failed",
		want: `{"invoices":{"in_1":{"failed":{"at":5,"code":"invoice_payment_failed","message":"No."}}}}`},
	{name: "of an invoice and two PaymentIntents", invoice: "in_1", intent: "pi_1", others: "pi_2", status: "partially_refunded", credited: 10, reversed: 2, received: 5000, refunded: 1000,
		evidence: `{"paid":{"amount":5000,"currency":"eur","at":5},"refunds":{"re_1":{"amount":1000,"status":"succeeded","created":6,"at":6}}}`,
		want: `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"eur"},"pi_2":{}},
			"refunds":{"re_1":{"payment_intent":"pi_1","at":6,"status":"succeeded","amount":1000,"currency":"eur","created":6}},
			"invoices":{"in_1":{"payments":{"pi_1":0,"pi_2":0},"paid":{"at":5,"subtotal":5000,"total":5000,"currency":"eur"}}}}`},
	{name: "of an invoice alone that was refunded", invoice: "in_1", evidence: `{"paid":{"amount":5000,"currency":"eur","at":5},"refunds":{"re_1":{"amount":1000,"status":"succeeded","created":6,"at":6}}}`,
		status: "partially_refunded", credited: 10, reversed: 2, received: 5000, refunded: 1000,
		want: `{"charges":{"charge_of_ID":{"currency":"eur","captured":{"amount":5000,"at":5}}},
			"refunds":{"re_1":{"charge":"charge_of_ID","at":6,"status":"succeeded","amount":1000,"currency":"eur","created":6}},
			"invoices":{"in_1":{"payments":{"charge_of_ID":0},"paid":{"at":5,"subtotal":5000,"total":5000,"currency":"eur"}}}}`},
	{name: "of two PaymentIntents of which the first paid", intent: "pi_1", others: "pi_2 pi_3", evidence: `{"paid":{"amount":5000,"currency":"eur","at":5}}`, status: "completed", credited: 10, received: 5000,
		want: `{"payments":{"pi_1":{"received":{"amount":5000,"at":5},"currency":"eur"},"pi_2":{},"pi_3":{}}}`},
}

// What purchases knew of one payment becomes evidence by Stripe's objects, by
// which later events find them, and the same hours follow from it.
func TestTheEvidenceOfOldPurchasesIsKept(t *testing.T) {
	for _, engine := range harness.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			db := harness.NewEmptyDatabase(t, engine)
			migrateTo(t, db, 4)
			for i, old := range oldPurchases {
				old.insert(t, db, i)
			}
			db.MustRun(t, "migrate", "up")
			for i, old := range oldPurchases {
				t.Run(old.name, func(t *testing.T) { old.compare(t, db, i) })
			}
			app := db.Serve(t)
			for i, old := range oldPurchases { // whatever is told next finds them, and carries the ledger along
				told := harness.NewPurchase(t).WithIntent(old.own(old.intent, i)).Intent("payment_intent.created")
				if old.intent != "" {
					app.Deliver(t, told).Want(t, http.StatusOK).WantFields(t, fields{"transaction_id": old.id(i)})
				}
			}
			db.MustAudit(t)
		})
	}
}

// own makes the ids of the row's objects that no other row has.
func (old oldPurchase) own(text string, i int) string {
	text = strings.ReplaceAll(text, "_ID", "_"+old.id(i))
	for _, id := range []string{"pi_1", "pi_2", "pi_3", "cs_1", "in_1", "re_1", "re_2", "re_3", "dp_1"} {
		text = strings.ReplaceAll(text, id, fmt.Sprintf("%s_%d", id, i))
	}
	return text
}

func (old oldPurchase) id(i int) string { return fmt.Sprintf("purchase%d", i) }

func (old oldPurchase) insert(t *testing.T, db *harness.Database, i int) {
	t.Helper()
	orNull := func(id string) any {
		if id == "" {
			return nil
		}
		return old.own(id, i)
	}
	const now = "2026-01-01 00:00:00+00:00"
	var completed any
	if old.credited > 0 {
		completed = "1970-01-01 00:00:05+00:00"
	}
	db.Exec(t, `INSERT INTO student_account_balances (student_id, currency, hours_purchased, hours_reversed, balance_amount, updated_at) VALUES ($1, 'eur', $2, $3, $4, $5)`,
		"s_"+old.id(i), old.credited*100, old.reversed*100, old.ledgerMoney(), now)
	db.Exec(t, `INSERT INTO purchase_transactions (id, student_id, transaction_type, payment_status, amount, currency, hours, hours_credited, hours_reversed, amount_received,
		amount_refunded, amount_disputed, stripe_payment_intent_id, stripe_checkout_session_id, stripe_invoice_id, evidence, completed_at, created_at, updated_at)
		VALUES ($1, $2, 'package', $3, 5000, 'eur', 1000, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)`,
		old.id(i), "s_"+old.id(i), old.status, old.credited*100, old.reversed*100, old.received, old.refunded, old.disputed,
		orNull(old.intent), orNull(old.session), orNull(old.invoice), old.own(old.evidence, i), completed, now)
	for _, other := range strings.Fields(old.others) {
		db.Exec(t, `INSERT INTO purchase_payment_intents (id, purchase_id) VALUES ($1, $2)`, old.own(other, i), old.id(i))
	}
	if old.credited > 0 {
		entry := `INSERT INTO hour_ledger_entries (id, student_id, transaction_id, kind, hours, amount, currency, created_at) VALUES ($1, $2, $3, $4, $5, $6, 'eur', $7)`
		db.Exec(t, entry, "credit_"+old.id(i), "s_"+old.id(i), old.id(i), "credit", old.credited*100, old.received, now)
		if back := old.refunded + old.disputed; back > 0 {
			db.Exec(t, entry, "reversal_"+old.id(i), "s_"+old.id(i), old.id(i), "reversal", -old.reversed*100, -back, now)
		}
	}
	if old.refundedCharge != "" {
		db.Exec(t, `INSERT INTO webhook_events (id, type, livemode, status, attempts, deliveries, payload, transaction_id, received_at, processed_at)
			VALUES ($1, 'charge.refunded', false, 'processed', 1, 1, $2, $3, $4, $4)`,
			"evt_"+old.id(i), `{"id":"evt_`+old.id(i)+`","type":"charge.refunded","data":{"object":{"id":"`+old.refundedCharge+`"}}}`, old.id(i), now)
	}
}

func (old oldPurchase) ledgerMoney() int64 {
	if old.credited == 0 {
		return 0 // a sum that did not match was in no ledger
	}
	return old.received - old.refunded - old.disputed
}

func (old oldPurchase) compare(t *testing.T, db *harness.Database, i int) {
	var encoded string
	query := "SELECT evidence FROM purchase_transactions WHERE id = $1"
	if err := db.SQL(t).QueryRowContext(t.Context(), query, old.id(i)).Scan(&encoded); err != nil {
		t.Fatal(err)
	}
	wantSameJSON(t, encoded, old.wanted(i))
	var evidence money.Evidence
	if err := json.Unmarshal([]byte(encoded), &evidence); err != nil {
		t.Fatal(err)
	}
	keys := queryStrings(t, db, "SELECT key FROM purchase_keys WHERE purchase_id = '"+old.id(i)+"'")
	wantSame(t, "keys", keys, slices.Sorted(slices.Values(evidence.IDs())))

	d := money.Derive(models.Terms{Amount: 5000, Currency: "eur", Hours: 1000, Sold: old.invoice == ""}, evidence)
	follows := fmt.Sprintf("%s %d %d %d %d %d", d.Status, d.HoursCredited/100, d.HoursReversed/100, d.AmountReceived, d.AmountRefunded, d.AmountDisputed)
	recorded := fmt.Sprintf("%s %d %d %d %d %d", old.status, old.credited, old.reversed, old.received, old.refunded, old.disputed)
	if want := cmp.Or(old.becomes, recorded); follows != want {
		t.Errorf("follows %q, want %q", follows, want)
	}
}

// wanted is the evidence of the row. What paid a purchase that no invoice made
// is what we made to be paid for it.
func (old oldPurchase) wanted(i int) string {
	want := old.want
	if old.invoice == "" && old.intent != "" {
		want = strings.NewReplacer(`"pi_1":{}`, `"pi_1":{"sold":true}`, `"pi_1":{`, `"pi_1":{"sold":true,`).Replace(want)
	} else if old.invoice == "" {
		want = strings.Replace(want, `"cs_1":{`, `"cs_1":{"sold":true,`, 1)
	}
	return old.own(want, i)
}
