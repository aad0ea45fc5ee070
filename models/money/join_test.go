package money_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

func TestJoinIsCommutativeAssociativeAndIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := telling.DrawEvidence(t), telling.DrawEvidence(t), telling.DrawEvidence(t)
		same := func(what string, left, right money.Evidence) {
			if !reflect.DeepEqual(left, right) {
				t.Fatalf("not %s:\n%+v\n%+v", what, left, right)
			}
		}
		same("commutative", money.Join(a, b), money.Join(b, a))
		same("associative", money.Join(money.Join(a, b), c), money.Join(a, money.Join(b, c)))
		same("idempotent", money.Join(a, a), a)
		same("absorbing", money.Join(money.Join(a, b), b), money.Join(a, b))
		same("neutral to nothing", money.Join(a, money.Evidence{}), a)
		same("neutral from nothing", money.Join(money.Evidence{}, a), a)
	})
}

func TestTellingsAreJoinedTogetherAsOneByOne(t *testing.T) {
	check := func(t rapid.TB, tellings []money.Evidence) {
		var oneByOne money.Evidence
		for _, told := range tellings {
			oneByOne = money.Join(oneByOne, told)
		}
		if together := money.JoinAll(tellings); !reflect.DeepEqual(together, oneByOne) {
			t.Errorf("together:\n%+v\none by one:\n%+v", together, oneByOne)
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.SliceOf(rapid.Custom(telling.DrawEvidence)).Draw(t, "tellings")) })
	var many []money.Evidence // more than are kept, each told twice
	for n := range 1200 {
		many = append(many, telling.RefundAt(fmt.Sprint("re_", n*7919%600), "ch_1", "", int64(n), "succeeded", 1, int64(n%3)))
	}
	check(t, many)
}

// An object of which only the id is known takes nothing away.
func TestWhatOneTellsAndAnotherDoesNotIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		told := telling.DrawEvidence(t)
		var blank money.Evidence
		for i := range reflect.TypeFor[money.Evidence]().NumField() {
			objects, ids := reflect.ValueOf(told).Field(i), reflect.ValueOf(&blank).Elem().Field(i)
			if objects.Kind() != reflect.Map || objects.Len() == 0 || objects.Type() == reflect.TypeOf(told.Accepted) { // the first acceptance counts
				continue
			}
			ids.Set(reflect.MakeMap(ids.Type()))
			for _, id := range objects.MapKeys() {
				ids.SetMapIndex(id, reflect.Zero(ids.Type().Elem()))
			}
		}
		if got := money.Join(told, blank); !reflect.DeepEqual(got, told) {
			t.Fatalf("%+v\nof %+v", got, told)
		}
	})
}

func TestJoinChangesNeitherArgument(t *testing.T) {
	a, b := telling.Tell(telling.PaidBy("pi_1", 5, 1), telling.Dispute("dp_1", "pi_1", 5, "lost", -5)), telling.Tell(telling.PaidBy("pi_2", 5, 1), telling.Dispute("dp_1", "pi_1", 5, "won", -5, 5))
	money.Join(a, b)
	if len(a.Payments) != 1 || len(b.Payments) != 1 || len(a.Disputes["dp_1"].Transactions) != 1 {
		t.Errorf("%+v, %+v", a, b)
	}
}

// The later telling of an object counts, within a second the one later in its
// life.
func TestTheLaterTellingCounts(t *testing.T) {
	status := func(id string, tellings ...money.Evidence) string {
		e := telling.Tell(tellings...)
		return e.Refunds[id].Status + e.Disputes[id].Status
	}
	told := func(at int64, status string) money.Evidence {
		return money.Evidence{Disputes: map[string]money.Dispute{"dp_1": {DisputeState: money.DisputeState{At: at, Status: status}}}}
	}
	for _, order := range [][]string{
		{"", "pending", "requires_action", "succeeded", "failed"}, {"requires_action", "succeeded", "new"},
	} {
		for i := 1; i < len(order); i++ {
			before, after := telling.RefundAt("x", "", "", 1, order[i-1], 1, 5), telling.RefundAt("x", "", "", 1, order[i], 1, 5)
			if got := status("x", after, before); got != order[i] {
				t.Errorf("a refund that is %q and %q in one second is %q", order[i-1], order[i], got)
			}
			later := telling.RefundAt("x", "", "", 1, order[i-1], 1, 6)
			if got := status("x", later, after); got != order[i-1] {
				t.Errorf("a refund that is %q after it was %q is %q", order[i-1], order[i], got)
			}
		}
	}
	order := []string{"warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "new", "under_review", "won"}
	for i := 1; i < len(order); i++ {
		if got := status("dp_1", told(5, order[i]), told(5, order[i-1])); got != order[i] {
			t.Errorf("a dispute that is %q and %q in one second is %q", order[i-1], order[i], got)
		}
		if got := status("dp_1", told(6, order[i-1]), told(5, order[i])); got != order[i-1] {
			t.Errorf("a dispute that is %q after it was %q is %q", order[i-1], order[i], got)
		}
	}
	for _, over := range []string{"won", "lost", "prevented", "charge_refunded"} {
		if got := status("dp_1", told(5, over), told(5, "under_review")); got != over {
			t.Errorf("a dispute that was %s in the second in which it was looked at is %q", over, got)
		}
	}
}

// What is told once and for all is kept, whenever it was told.
func TestWhatIsToldForAllIsKept(t *testing.T) {
	e := telling.Tell(
		telling.PaidBy("pi_1", 4000, 9), telling.PaidBy("pi_1", 5000, 8), telling.PaidBy("pi_1", 5000, 7), telling.PaidBy("pi_1", 3000, 1),
		telling.Total("ch_1", "", 2000, 5), telling.Total("ch_1", "pi_1", 1000, 6), telling.Total("ch_1", "", 1500, 6),
		telling.RefundAt("re_1", "ch_1", "", 1, "failed", 1, 6), telling.RefundAt("re_1", "", "pi_1", 1, "failed", 1, 5), telling.RefundAt("re_1", "", "", 1, "succeeded", 1, 7),
		money.Evidence{Sessions: map[string]money.Session{"cs_1": {Settled: &money.Asked{At: 6, Total: 9}}}}, money.Evidence{Sessions: map[string]money.Session{"cs_1": {Settled: &money.Asked{At: 5, Total: 8}, PaymentLink: true}}},
		money.Evidence{CreditNotes: map[string]money.CreditNote{"cn_1": {At: 9, Amount: 5}}}, money.Evidence{CreditNotes: map[string]money.CreditNote{"cn_1": {At: 1, Amount: 6, Voided: true}}},
		telling.PaysInvoice("in_1", "pi_1", 5), telling.PaysInvoice("in_1", "pi_1", 0),
		money.Evidence{Accepted: map[string]money.Acceptance{"pi_1": {At: 9, By: "bob"}}}, money.Evidence{Accepted: map[string]money.Acceptance{"pi_1": {At: 8, By: "ada"}}},
	)
	for what, same := range map[string]bool{
		"the most that was received, and when it was told first": e.Payments["pi_1"].Received == money.Received{5000, 7},
		"the latest total, in one second the largest":            e.Charges["ch_1"].Refunded == money.RefundTotal{Amount: 1500, At: 6},
		"a charge's link": e.Charges["ch_1"].PaymentIntent == "pi_1",
		"a refund's links, and when it first had failed": e.Refunds["re_1"].Charge == "ch_1" && e.Refunds["re_1"].PaymentIntent == "pi_1" && e.Refunds["re_1"].FailedAt == 5,
		"the latest state of a refund":                   e.Refunds["re_1"].Status == "succeeded",
		"what a session asked when it was settled first": *e.Sessions["cs_1"].Settled == money.Asked{At: 5, Total: 8} && e.Sessions["cs_1"].PaymentLink,
		"what each invoice was told to have been paid":   e.Invoices["in_1"].Payments["pi_1"] == 5,
		"that a credit note was voided":                  e.CreditNotes["cn_1"].Voided,
		"who accepted it first":                          e.Accepted["pi_1"].By == "ada",
		"that nothing is full":                           !e.Full,
	} {
		if !same {
			t.Errorf("not kept: %s", what)
		}
	}
}

// More objects than a payment's life has are left out, whatever their order,
// and that is a case.
func TestObjectsAreBounded(t *testing.T) {
	many := map[string]money.Refund{}
	for i := range 2 * money.MaxObjects {
		many[fmt.Sprintf("re_%04d", i)] = money.Refund{RefundState: money.RefundState{Status: "succeeded", Amount: 1}}
	}
	all := money.Evidence{Refunds: many}
	var oneByOne money.Evidence
	for id, r := range many {
		oneByOne = money.Join(oneByOne, money.Evidence{Refunds: map[string]money.Refund{id: r}})
	}
	for name, e := range map[string]money.Evidence{"at once": money.Join(all, money.Evidence{}), "one by one": oneByOne, "twice": money.Join(all, all)} {
		_, first := e.Refunds["re_0000"]
		_, last := e.Refunds[fmt.Sprintf("re_%04d", money.MaxObjects-1)]
		if len(e.Refunds) != money.MaxObjects || !first || !last || !e.Full {
			t.Errorf("%s: %d refunds, full: %t", name, len(e.Refunds), e.Full)
		}
	}
	if !money.Join(money.Evidence{Full: true}, money.Evidence{}).Full || !money.Join(money.Evidence{}, money.Evidence{Full: true}).Full {
		t.Error("it is forgotten that something was left out")
	}
	fits := money.Evidence{Refunds: maps.Clone(oneByOne.Refunds)}
	if money.Join(fits, fits).Full {
		t.Error("just as many as fit are too many")
	}
	if d := money.Derive(tenHours, oneByOne); len(d.Cases) != 1 || d.Cases[0].Kind != money.CaseTooMany {
		t.Errorf("%+v", d.Cases)
	}
}

// What nobody paid leaves room for what somebody did, in any order.
func TestWhatIsPaidOutweighsWhatNobodyPaid(t *testing.T) {
	paid := telling.Tell(telling.Session("cs_z", "pi_z", 5000, 2500, 10), telling.PaidBy("pi_z", 2500, 10), telling.Charge("ch_z", "pi_z", 2500, 2500, 10), telling.Invoice("in_z", 5000, 2500, 10, "pi_z"))
	ours := money.Evidence{Sessions: map[string]money.Session{"cs_x": {Sold: true}}, Payments: map[string]money.Payment{"pi_x": {Sold: true}}}
	began := money.Evidence{Sessions: map[string]money.Session{"cs_y": {PaymentIntent: "pi_y", Settled: &money.Asked{At: 1}}}, Payments: map[string]money.Payment{"pi_y": {}}}
	tellings := []money.Evidence{paid, ours, began}
	for i := range money.MaxObjects + 10 {
		id := fmt.Sprintf("%04d", i)
		unpaid := money.Session{PaymentLink: true}
		if i%3 == 0 { // a link of which all is given away
			unpaid.Settled = &money.Asked{At: 1, Currency: "eur"}
		}
		tellings = append(tellings, money.Evidence{
			Sessions: map[string]money.Session{"cs_" + id: unpaid}, Payments: map[string]money.Payment{"pi_" + id: {}},
			Charges: map[string]money.Charge{"ch_" + id: {}}, Invoices: map[string]money.Invoice{"in_" + id: {}},
		})
	}
	inOrder := telling.Tell(tellings...)
	for range 3 {
		rand.Shuffle(len(tellings), func(i, j int) { tellings[i], tellings[j] = tellings[j], tellings[i] })
		if again := telling.Tell(tellings...); !reflect.DeepEqual(again, inOrder) {
			t.Fatal("another order leaves other evidence")
		}
	}
	_, soldSession := inOrder.Sessions["cs_x"]
	_, soldPayment := inOrder.Payments["pi_x"]
	_, begun := inOrder.Payments["pi_y"] // by a session that is paid: its success is found by it
	if inOrder.Sessions["cs_z"].Settled == nil || inOrder.Payments["pi_z"].Received.Amount == 0 || inOrder.Charges["ch_z"].Captured.Amount == 0 ||
		inOrder.Invoices["in_z"].Paid == nil || !soldSession || !soldPayment || !begun {
		t.Errorf("left out: what is paid or sold")
	}
	if len(inOrder.Sessions) != money.MaxObjects || !inOrder.Full {
		t.Errorf("%d sessions, full: %t", len(inOrder.Sessions), inOrder.Full)
	}
}
