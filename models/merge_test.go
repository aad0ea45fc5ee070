package models

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

// Two purchases turn out to be one: one takes all evidence, the other is left
// with nothing and says so, whatever it was credited before.
func TestAPurchaseTakesAllOfAnother(t *testing.T) {
	p, other := newPurchase(), newPurchase()
	other.ID = "p2"
	other.Observe(telling.Tell(telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 9)))
	given, lost := other.GiveUp(p)
	gained := p.Observe(given)
	show := func(entries []LedgerEntry) (shown []string) {
		for _, e := range entries {
			shown = append(shown, *e.TransactionID+" "+string(e.Kind)+" "+e.Hours.String()+" "+decimal(e.Amount, 0))
		}
		return shown
	}
	if got := show(gained.Entries); !slices.Equal(got, []string{"p1 credit 10.00 5000", "p1 reversal -2.00 -1000"}) {
		t.Errorf("gained %v", got)
	}
	var hours Hours
	var amount int64
	for _, e := range lost.Entries {
		hours, amount = hours+e.Hours, amount+e.Amount
	}
	if hours != -800 || amount != -4000 {
		t.Errorf("lost %v", show(lost.Entries))
	}
	if !gained.New || !lost.New || p.HoursReversed != 200 || !p.Evidence.Merged["p2"] {
		t.Errorf("gained %+v: %+v", gained, p)
	}
	if other.PaymentStatus != StatusCancelled || other.Failure.Code != "merged" || *other.MergedInto != "p1" || other.HoursCredited != other.HoursReversed ||
		other.AmountReceived != 0 || len(other.Evidence.IDs()) != 0 || other.CompletedAt != nil {
		t.Errorf("left: %+v", other)
	}
	if again := other.Observe(money.Evidence{}); again.Changed || len(again.Entries) > 0 {
		t.Errorf("a merged purchase moves: %+v", again)
	}
}

func TestWhichPurchaseTakesTheEvidence(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	of := func(id string, origin Origin, created time.Time, own bool) *Purchase {
		p := &Purchase{ID: id, Origin: origin, CreatedAt: created}
		if own {
			p.Evidence.Payments = map[string]money.Payment{"pi_" + id: {Sold: true}}
		}
		return p
	}
	for name, row := range map[string][2]*Purchase{ // the first one takes it
		"a sale before what a session began":           {of("b", OriginSale, at(9), false), of("a", OriginSession, at(1), false)},
		"a session's before a PaymentIntent's":         {of("b", OriginSession, at(9), false), of("a", OriginPaymentIntent, at(1), false)},
		"a PaymentIntent's before an invoice's":        {of("b", OriginPaymentIntent, at(9), false), of("a", OriginInvoice, at(1), false)},
		"an invoice's before a subscription session's": {of("b", OriginInvoice, at(9), false), of("a", OriginSubscription, at(1), false)},
		"the sale with an object of its own":           {of("b", OriginSale, at(9), true), of("a", OriginSale, at(1), false)},
		"the first of two sales":                       {of("b", OriginSale, at(1), false), of("a", OriginSale, at(9), false)},
		"of what Stripe began, the first by id":        {of("a", OriginSession, at(9), false), of("b", OriginSession, at(1), false)},
	} {
		if !row[0].Outranks(row[1]) || row[1].Outranks(row[0]) || row[0].Outranks(row[0]) {
			t.Errorf("not so: %s", name)
		}
	}
}

// The ids that people see are of what paid last, else of what was tried last.
func TestTheIDsThatPeopleSee(t *testing.T) {
	for name, row := range map[string]struct {
		told                     money.Evidence
		intent, session, invoice string
	}{
		"nothing":                           {money.Evidence{}, "", "", ""},
		"what paid last":                    {telling.Tell(telling.PaidBy("pi_b", 1, 5), telling.PaidBy("pi_a", 1, 6)), "pi_a", "", ""},
		"what paid before what was tried":   {telling.Tell(telling.PaidBy("pi_a", 1, 5), telling.Intent("pi_b", telling.Failed(9, "no"))), "pi_a", "", ""},
		"what paid by its charge":           {telling.Tell(telling.Intent("pi_a", money.Attempts{}), telling.Charge("ch_1", "pi_a", 1, 1, 7), telling.PaidBy("pi_b", 1, 6)), "pi_a", "", ""},
		"what was tried last":               {telling.Tell(telling.Intent("pi_b", telling.Failed(5, "no")), telling.Intent("pi_a", telling.Processing(6))), "pi_a", "", ""},
		"what was cancelled last":           {telling.Tell(telling.Intent("pi_b", telling.Failed(5, "no")), telling.Intent("pi_a", telling.Cancelled(6, "no"))), "pi_a", "", ""},
		"the last by id of one second":      {telling.Tell(telling.PaidBy("pi_b", 1, 5), telling.PaidBy("pi_a", 1, 5)), "pi_b", "", ""},
		"the session that was settled last": {telling.Tell(telling.Session("cs_b", "", 1, 1, 5), telling.Session("cs_a", "", 1, 1, 6), money.Evidence{Sessions: map[string]money.Session{"cs_c": {Attempts: telling.Cancelled(9, "expired")}}}), "", "cs_a", ""},
		"the session that was tried":        {money.Evidence{Sessions: map[string]money.Session{"cs_b": {}, "cs_a": {Attempts: telling.Processing(5)}}}, "", "cs_a", ""},
		"the invoice that was paid last":    {telling.Tell(telling.Invoice("in_b", 1, 1, 5), telling.Invoice("in_a", 1, 1, 6), money.Evidence{Invoices: map[string]money.Invoice{"in_c": {Attempts: telling.Failed(9, "no")}}}), "", "", "in_a"},
		"the invoice that was tried":        {money.Evidence{Invoices: map[string]money.Invoice{"in_b": {}, "in_a": {Attempts: telling.Failed(9, "no")}}}, "", "", "in_a"},
	} {
		p := newPurchase()
		p.Observe(row.told)
		for what, pair := range map[string][2]string{
			"PaymentIntent": {idOf(p.StripePaymentIntentID), row.intent}, "session": {idOf(p.StripeCheckoutSessionID), row.session}, "invoice": {idOf(p.StripeInvoiceID), row.invoice},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: the %s shown is %q, want %q", name, what, pair[0], pair[1])
			}
		}
	}
	p := newPurchase()
	p.StripeInvoiceID = new(string)
	if p.Observe(telling.PaidBy("pi_1", 1, 1)); p.StripeInvoiceID == nil {
		t.Error("an id that was shown is gone")
	}
}

func idOf(shown *string) string {
	if shown == nil {
		return ""
	}
	return *shown
}

func TestHoursExpireFromWhenTheyWerePaid(t *testing.T) {
	days := 30
	p := NewPurchase{StudentID: "s1", Hours: 1000, Amount: 5000, Currency: "eur", ValidDays: &days}.Purchase(time.Unix(0, 0))
	if p.ExpiresAt != nil || p.CompletedAt != nil {
		t.Errorf("before it is paid: %v, %v", p.CompletedAt, p.ExpiresAt)
	}
	p.Observe(telling.PaidBy("pi_1", 5000, 1_760_000_000))
	paid := time.Unix(1_760_000_000, 0).UTC()
	if expires := paid.AddDate(0, 0, 30); p.CompletedAt == nil || *p.CompletedAt != paid || p.ExpiresAt == nil || *p.ExpiresAt != expires {
		t.Errorf("%v, %v, want %v, %v", p.CompletedAt, p.ExpiresAt, paid, expires)
	}
}

func TestRelearningPutsEvidenceInPlaceOfWhatWasThere(t *testing.T) {
	p := newPurchase()
	p.Observe(telling.PaidBy("pi_1", 5000, 7))
	change := p.Relearn(telling.PaidBy("pi_2", 4000, 8))
	if p.AmountReceived != 4000 || len(p.Evidence.Payments) != 1 || !change.New || p.HoursCredited-p.HoursReversed != 0 {
		t.Errorf("%+v after %+v", p, change)
	}
}

func TestEntriesMoveTheirTotals(t *testing.T) {
	for kind, want := range map[EntryKind]Movement{
		EntryGrant: {Granted: 5, Amount: 7}, EntryCredit: {Purchased: 5, Amount: 7}, EntryAdjustment: {Purchased: 5, Amount: 7}, EntryReversal: {Reversed: -5, Amount: 7}, EntryReinstatement: {Reversed: -5, Amount: 7},
		EntryConsumption: {Consumed: -5, Amount: 7}, EntryRestoration: {Consumed: -5, Amount: 7}, EntryPayment: {Amount: 7},
	} {
		var m Movement
		m.Add(LedgerEntry{Kind: kind, Hours: 5, Amount: 7})
		if m != want {
			t.Errorf("%s: %+v, want %+v", kind, m, want)
		}
		m.Add(LedgerEntry{Kind: kind, Hours: -5, Amount: -7})
		if !reflect.DeepEqual(m, Movement{}) {
			t.Errorf("%s and back: %+v", kind, m)
		}
	}
}

func TestWhatEntriesLeaveToUse(t *testing.T) {
	m := Movement{Purchased: 1000, Granted: 200, Reversed: 30, Consumed: 4}
	if got := m.Available(); got != 1166 {
		t.Errorf("%d, want 1166", got)
	}
}
