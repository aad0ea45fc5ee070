package models

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// everything tells of one object of each kind.
func everything() Evidence {
	return tell(paidBy("pi_1", 5000, 1), charge("ch_1", "pi_1", 5000, 5000, 1), refund("re_1", "ch_1", "pi_1", 500, "succeeded", 2), dispute("dp_1", "pi_1", 100, "won"),
		session("cs_1", "pi_1", 5000, 5000, 1), invoice("in_1", 5000, 5000, 1, "pi_1"), creditNote("cn_1", "in_1", 1), Evidence{Merged: map[string]bool{"p2": true}})
}

func TestEvidenceListsItsIDs(t *testing.T) {
	e := everything()
	ids := slices.Sorted(slices.Values(e.IDs()))
	if want := []string{"ch_1", "cn_1", "cs_1", "dp_1", "in_1", "p2", "pi_1", "re_1"}; !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want)
	}
}

func TestEvidenceWithoutWhatIsAnothers(t *testing.T) {
	e := tell(everything(), paidBy("pi_2", 1, 1))
	left := e.Without(func(id string) bool {
		return id == "pi_2" || id == "cs_1" || id == "in_1" || id == "ch_1" || id == "re_1"
	})
	ids := slices.Sorted(slices.Values(left.IDs()))
	if want := []string{"ch_1", "cn_1", "dp_1", "p2", "pi_1", "re_1"}; !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want) // charges, refunds and disputes stay with their payment
	}
	if !reflect.DeepEqual(e, tell(everything(), paidBy("pi_2", 1, 1))) {
		t.Error("the evidence itself was changed")
	}
	if same := e.Without(func(string) bool { return false }); !reflect.DeepEqual(same, e) {
		t.Error("something is missing")
	}
}

func TestTheLargestSumOfEvidence(t *testing.T) {
	for name, row := range map[string]struct {
		told     Evidence
		amount   int64
		currency string
	}{
		"nothing":                 {Evidence{}, 0, ""},
		"a payment":               {paidBy("pi_1", 5, 1), 5, "eur"},
		"a charge":                {charge("ch_1", "", 5, 4, 1), 4, "eur"},
		"a refund":                {refund("re_1", "", "", 3, "failed", 1), 3, "eur"},
		"a dispute":               {disputeIn("usd", "dp_1", "", 2, "won"), 2, "usd"},
		"a session":               {session("cs_1", "", 7, 8, 1), 8, "eur"},
		"a session of nothing":    {Evidence{Sessions: map[string]Session{"cs_1": {}}, Invoices: map[string]Invoice{"in_1": {}}}, 0, ""},
		"an invoice":              {invoice("in_1", 7, 9, 1), 9, "eur"},
		"the larger of two":       {tell(paidBy("pi_1", 5, 1), refund("re_1", "", "", 6, "pending", 1)), 6, "eur"},
		"one of two of one value": {tell(paidBy("pi_1", 5, 1), paidIn("usd", "pi_2", 5, 1)), 5, "usd"},
		"a currency of nothing":   {paidIn("usd", "pi_1", 0, 0), 0, ""},
	} {
		if amount, currency := row.told.Largest(); amount != row.amount || currency != row.currency {
			t.Errorf("%s: %d %s, want %d %s", name, amount, currency, row.amount, row.currency)
		}
	}
}

func TestObjectsAreKnownByTheirPrefix(t *testing.T) {
	for id, want := range map[string]Evidence{
		"in_1": {Invoices: map[string]Invoice{"in_1": {}}}, "cs_1": {Sessions: map[string]Session{"cs_1": {}}},
		"ch_1": {Charges: map[string]Charge{"ch_1": {}}}, "py_1": {Charges: map[string]Charge{"py_1": {}}}, "pi_1": {Payments: map[string]Payment{"pi_1": {}}},
	} {
		if got := ObjectOf(id); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", id, got)
		}
	}
}

func TestAChargeIsOfOnePaymentIntent(t *testing.T) {
	for _, row := range []struct {
		charge, intent string
		want           bool
	}{{"", "", false}, {"pi_1", "", false}, {"", "pi_1", false}, {"pi_1", "pi_1", false}, {"pi_1", "pi_2", true}} {
		if got := (Charge{PaymentIntent: row.charge}).IsOfAnother(row.intent); got != row.want {
			t.Errorf("a charge of %q is of another than %q: %t", row.charge, row.intent, got)
		}
	}
}

// What a purchase starts from, before any event told of it.
func TestWhatASaleStartsFrom(t *testing.T) {
	p := NewPurchase{ID: "p1", StudentID: "s1", Hours: 1000, Amount: 5000, Currency: "eur", PaymentIntentID: "pi_1", CheckoutSessionID: "cs_1", Processing: true}.Purchase(time.Unix(0, 0))
	sold := p.Evidence
	if p.PaymentStatus != StatusProcessing || !p.HasOwn() {
		t.Errorf("%s, has its own: %t", p.PaymentStatus, p.HasOwn())
	}
	p.Observe(tell(everything(), intent("pi_1", failed(9, "no"))))
	if got := p.Evidence.Sold(); !reflect.DeepEqual(got, sold) {
		t.Errorf("%+v, started from %+v", got, sold)
	}
	p.Observe(intent("pi_1", processing(9))) // which is no seed any more
	if got := p.Evidence.Sold(); got.Payments["pi_1"].Processing != nil || len(got.Payments) != 1 {
		t.Errorf("%+v", got)
	}
	before := p.Unpaid()
	if before.PaymentStatus != StatusPending || before.HoursCredited != 0 || before.AmountReceived != 0 || before.CompletedAt != nil || p.HoursCredited != 1000 {
		t.Errorf("%+v", before)
	}
}
