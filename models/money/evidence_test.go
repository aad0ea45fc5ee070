package money_test

import (
	"reflect"
	"slices"
	"testing"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

func TestEvidenceListsItsIDs(t *testing.T) {
	e := telling.Everything()
	ids := slices.Sorted(slices.Values(e.IDs()))
	if want := []string{"ch_1", "cn_1", "cs_1", "dp_1", "in_1", "p2", "pi_1", "re_1"}; !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want)
	}
}

func TestEvidenceWithoutWhatIsAnothers(t *testing.T) {
	e := telling.Tell(telling.Everything(), telling.PaidBy("pi_2", 1, 1))
	left := e.Without(func(id string) bool {
		return id == "pi_2" || id == "cs_1" || id == "in_1" || id == "ch_1" || id == "re_1"
	})
	ids := slices.Sorted(slices.Values(left.IDs()))
	if want := []string{"ch_1", "cn_1", "dp_1", "p2", "pi_1", "re_1"}; !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want) // charges, refunds and disputes stay with their payment
	}
	if !reflect.DeepEqual(e, telling.Tell(telling.Everything(), telling.PaidBy("pi_2", 1, 1))) {
		t.Error("the evidence itself was changed")
	}
	if same := e.Without(func(string) bool { return false }); !reflect.DeepEqual(same, e) {
		t.Error("something is missing")
	}
}

func TestTheLargestSumOfEvidence(t *testing.T) {
	for name, row := range map[string]struct {
		told     money.Evidence
		amount   int64
		currency string
	}{
		"nothing":                 {money.Evidence{}, 0, ""},
		"a payment":               {telling.PaidBy("pi_1", 5, 1), 5, "eur"},
		"a cent":                  {telling.PaidBy("pi_1", 1, 1), 1, "eur"},
		"a charge":                {telling.Charge("ch_1", "", 5, 4, 1), 4, "eur"},
		"a refund":                {telling.Refund("re_1", "", "", 3, "failed", 1), 3, "eur"},
		"a dispute":               {telling.DisputeIn("usd", "dp_1", "", 2, "won"), 2, "usd"},
		"a session":               {telling.Session("cs_1", "", 7, 8, 1), 8, "eur"},
		"a session of nothing":    {money.Evidence{Sessions: map[string]money.Session{"cs_1": {}}, Invoices: map[string]money.Invoice{"in_1": {}}}, 0, ""},
		"an invoice":              {telling.Invoice("in_1", 7, 9, 1), 9, "eur"},
		"the larger of two":       {telling.Tell(telling.PaidBy("pi_1", 5, 1), telling.Refund("re_1", "", "", 6, "pending", 1)), 6, "eur"},
		"one of two of one value": {telling.Tell(telling.PaidBy("pi_1", 5, 1), telling.PaidIn("usd", "pi_2", 5, 1)), 5, "usd"},
		"a currency of nothing":   {telling.PaidIn("usd", "pi_1", 0, 0), 0, ""},
	} {
		if amount, currency := row.told.Largest(); amount != row.amount || currency != row.currency {
			t.Errorf("%s: %d %s, want %d %s", name, amount, currency, row.amount, row.currency)
		}
	}
}

func TestAChargeIsOfOnePaymentIntent(t *testing.T) {
	for _, row := range []struct {
		charge, intent string
		want           bool
	}{{"", "", false}, {"pi_1", "", false}, {"", "pi_1", false}, {"pi_1", "pi_1", false}, {"pi_1", "pi_2", true}} {
		if got := (money.Charge{PaymentIntent: row.charge}).IsOfAnother(row.intent); got != row.want {
			t.Errorf("a charge of %q is of another than %q: %t", row.charge, row.intent, got)
		}
	}
}

func TestWhenItWasTriedLast(t *testing.T) {
	five, six := &money.Setback{At: 5}, &money.Setback{At: 6}
	for want, attempts := range map[int64]money.Attempts{
		0: {}, 5: {Failed: five}, 6: {Failed: six, Cancelled: five}, 7: {Processing: new(int64(7)), Cancelled: six}, 8: {Processing: new(int64(2)), Failed: five, Cancelled: &money.Setback{At: 8}},
	} {
		if got := attempts.Last(); got != want {
			t.Errorf("%+v: %d, want %d", attempts, got, want)
		}
	}
}
