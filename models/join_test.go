package models

import (
	"fmt"
	"maps"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// pick draws one of the values; few, so that tellings meet.
func pick[T any](t *rapid.T, values ...T) T { return rapid.SampledFrom(values).Draw(t, "pick") }

func maybe[T any](t *rapid.T, draw func(*rapid.T) T) *T {
	if pick(t, true, false) {
		return nil
	}
	value := draw(t)
	return &value
}

func drawAt(t *rapid.T) int64     { return pick[int64](t, 1, 2, 3) }
func drawAmount(t *rapid.T) int64 { return pick[int64](t, 0, 1000, 2500, 5000, 6000) }
func drawSetback(t *rapid.T) Setback {
	return Setback{drawAt(t), pick(t, "a", "b"), pick(t, "", "x")}
}

func drawAttempts(t *rapid.T) Attempts {
	return Attempts{maybe(t, drawAt), maybe(t, drawSetback), maybe(t, drawSetback)}
}

func drawReceived(t *rapid.T) Received {
	if amount := drawAmount(t); amount > 0 {
		return Received{amount, drawAt(t)}
	}
	return Received{}
}

func objects[T any](t *rapid.T, draw func(*rapid.T) T, ids ...string) map[string]T {
	all := map[string]T{}
	for range pick(t, 0, 0, 1, 2) {
		all[pick(t, ids...)] = draw(t)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

var currencies = []string{"eur", "eur", "eur", "usd"}

func drawRefund(t *rapid.T) Refund {
	r := Refund{Charge: pick(t, "", "ch_1", "ch_2"), PaymentIntent: pick(t, "", "pi_1"), RefundState: RefundState{
		drawAt(t), pick(t, "pending", "requires_action", "succeeded", "failed", "canceled", "new"), drawAmount(t), pick(t, currencies...), drawAt(t)}}
	if !r.counts() {
		r.FailedAt = r.At
	}
	return r
}

func drawDispute(t *rapid.T) Dispute {
	moves := objects(t, func(t *rapid.T) int64 { return pick[int64](t, -5000, -2500, 0, 2500, 5000) }, "txn_1", "txn_2", "txn_3")
	status := pick(t, "warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review", "won", "lost", "prevented", "charge_refunded", "new", "")
	return Dispute{pick(t, "", "ch_1"), pick(t, "", "pi_1", "pi_2"), moves, DisputeState{drawAt(t), status, drawAmount(t), pick(t, currencies...), drawAt(t)}}
}

func drawAsked(t *rapid.T) Asked {
	return Asked{drawAt(t), drawAmount(t), drawAmount(t), pick(t, currencies...)}
}
func drawSource(t *rapid.T) Converted {
	return Converted{drawAmount(t), drawAmount(t), pick(t, currencies...)}
}

func drawSession(t *rapid.T) Session {
	return Session{PaymentIntent: pick(t, "", "pi_1", "pi_2"), Invoice: pick(t, "", "in_1"), PaymentLink: pick(t, true, false), Sold: pick(t, true, false),
		Settled: maybe(t, drawAsked), Source: maybe(t, drawSource), Attempts: drawAttempts(t)}
}

func drawInvoice(t *rapid.T) Invoice {
	return Invoice{
		Payments: objects(t, drawAmount, "pi_1", "pi_2", "ch_1"),
		Paid: maybe(t, func(t *rapid.T) Bill {
			return Bill{drawAt(t), drawAmount(t), drawAmount(t), pick[int64](t, 0, 1000), pick(t, currencies...)}
		}),
		Share: maybe(t, func(t *rapid.T) Share {
			return Share{pick[int64](t, 5000, 2500), pick[int64](t, 0, 2500), pick[int64](t, 2500, 5000)}
		}),
		Attempts: drawAttempts(t),
	}
}

// drawEvidence draws what one event, or many, may tell of a purchase.
func drawEvidence(t *rapid.T) Evidence {
	return Evidence{
		Payments: objects(t, func(t *rapid.T) Payment {
			return Payment{
				Received: drawReceived(t), Currency: pick(t, currencies...), Sold: pick(t, true, false), Attempts: drawAttempts(t),
				Details: maybe(t, func(t *rapid.T) AmountDetails {
					return AmountDetails{pick[int64](t, 0, 1000), pick[int64](t, 0, 1000), pick[int64](t, 0, 1000)}
				}), Authorised: drawAmount(t), Charge: pick(t, "", "ch_1"),
			}
		}, "pi_1", "pi_2"),
		Charges: objects(t, func(t *rapid.T) Charge {
			return Charge{pick(t, "", "pi_1"), pick(t, currencies...), drawAmount(t), drawReceived(t), RefundTotal{drawAmount(t), drawAt(t), pick(t, true, false)}}
		}, "ch_1", "ch_2"),
		Refunds:  objects(t, drawRefund, "re_1", "re_2", "re_3"),
		Disputes: objects(t, drawDispute, "dp_1", "dp_2"),
		Sessions: objects(t, drawSession, "cs_1", "cs_2"),
		Invoices: objects(t, drawInvoice, "in_1", "in_2"),
		CreditNotes: objects(t, func(t *rapid.T) CreditNote {
			return CreditNote{drawAt(t), pick(t, "in_1", "in_2"), drawAmount(t), pick(t, true, false)}
		}, "cn_1"),
		Accepted: objects(t, func(t *rapid.T) Acceptance { return Acceptance{drawAt(t), pick(t, "ada", "bob"), pick(t, "x", "y")} }, "pi_1", "in_1"),
		Merged:   objects(t, func(*rapid.T) bool { return true }, "p1"),
	}
}

func TestJoinIsCommutativeAssociativeAndIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawEvidence(t), drawEvidence(t), drawEvidence(t)
		same := func(what string, left, right Evidence) {
			if !reflect.DeepEqual(left, right) {
				t.Fatalf("not %s:\n%+v\n%+v", what, left, right)
			}
		}
		same("commutative", Join(a, b), Join(b, a))
		same("associative", Join(Join(a, b), c), Join(a, Join(b, c)))
		same("idempotent", Join(a, a), a)
		same("absorbing", Join(Join(a, b), b), Join(a, b))
		same("neutral to nothing", Join(a, Evidence{}), a)
		same("neutral from nothing", Join(Evidence{}, a), a)
	})
}

// blank names the same objects, and knows nothing of them.
func blank(e Evidence) (b Evidence) {
	for id := range e.Payments {
		b = Join(b, Evidence{Payments: map[string]Payment{id: {}}})
	}
	for id := range e.Charges {
		b = Join(b, Evidence{Charges: map[string]Charge{id: {}}})
	}
	for id := range e.Refunds {
		b = Join(b, Evidence{Refunds: map[string]Refund{id: {}}})
	}
	for id := range e.Disputes {
		b = Join(b, Evidence{Disputes: map[string]Dispute{id: {}}})
	}
	for id := range e.Sessions {
		b = Join(b, Evidence{Sessions: map[string]Session{id: {}}})
	}
	for id := range e.Invoices {
		b = Join(b, Evidence{Invoices: map[string]Invoice{id: {}}})
	}
	return b
}

func TestWhatOnlyOneTellingKnowsIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawEvidence(t)
		if joined := Join(blank(a), a); !reflect.DeepEqual(joined, a) {
			t.Fatalf("of %+v is left %+v", a, joined)
		}
	})
}

func TestJoinChangesNeitherArgument(t *testing.T) {
	a, b := tell(paidBy("pi_1", 5, 1), dispute("dp_1", "pi_1", 5, "lost", -5)), tell(paidBy("pi_2", 5, 1), dispute("dp_1", "pi_1", 5, "won", -5, 5))
	Join(a, b)
	if len(a.Payments) != 1 || len(b.Payments) != 1 || len(a.Disputes["dp_1"].Transactions) != 1 {
		t.Errorf("%+v, %+v", a, b)
	}
}

// The later telling of an object counts, within a second the one later in its
// life.
func TestTheLaterTellingCounts(t *testing.T) {
	status := func(id string, tellings ...Evidence) string {
		e := tell(tellings...)
		return e.Refunds[id].Status + e.Disputes[id].Status
	}
	told := func(at int64, status string) Evidence {
		return Evidence{Disputes: map[string]Dispute{"dp_1": {DisputeState: DisputeState{At: at, Status: status}}}}
	}
	for _, order := range [][]string{
		{"", "pending", "requires_action", "succeeded", "failed"}, {"requires_action", "succeeded", "new"},
	} {
		for i := 1; i < len(order); i++ {
			before, after := refundAt("x", "", "", 1, order[i-1], 1, 5), refundAt("x", "", "", 1, order[i], 1, 5)
			if got := status("x", after, before); got != order[i] {
				t.Errorf("a refund that is %q and %q in one second is %q", order[i-1], order[i], got)
			}
			later := refundAt("x", "", "", 1, order[i-1], 1, 6)
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
	e := tell(
		paidBy("pi_1", 4000, 9), paidBy("pi_1", 5000, 8), paidBy("pi_1", 5000, 7), paidBy("pi_1", 3000, 1),
		total("ch_1", "", 2000, 5), total("ch_1", "pi_1", 1000, 6), total("ch_1", "", 1500, 6),
		refundAt("re_1", "ch_1", "", 1, "failed", 1, 6), refundAt("re_1", "", "pi_1", 1, "failed", 1, 5), refundAt("re_1", "", "", 1, "succeeded", 1, 7),
		Evidence{Sessions: map[string]Session{"cs_1": {Settled: &Asked{At: 6, Total: 9}}}}, Evidence{Sessions: map[string]Session{"cs_1": {Settled: &Asked{At: 5, Total: 8}, PaymentLink: true}}},
		Evidence{CreditNotes: map[string]CreditNote{"cn_1": {At: 9, Amount: 5}}}, Evidence{CreditNotes: map[string]CreditNote{"cn_1": {At: 1, Amount: 6, Voided: true}}},
		Evidence{Accepted: map[string]Acceptance{"pi_1": {At: 9, By: "bob"}}}, Evidence{Accepted: map[string]Acceptance{"pi_1": {At: 8, By: "ada"}}},
	)
	for what, same := range map[string]bool{
		"the most that was received, and when it was told first": e.Payments["pi_1"].Received == Received{5000, 7},
		"the latest total, in one second the largest":            e.Charges["ch_1"].Refunded == RefundTotal{Amount: 1500, At: 6},
		"a charge's link": e.Charges["ch_1"].PaymentIntent == "pi_1",
		"a refund's links, and when it first had failed": e.Refunds["re_1"].Charge == "ch_1" && e.Refunds["re_1"].PaymentIntent == "pi_1" && e.Refunds["re_1"].FailedAt == 5,
		"the latest state of a refund":                   e.Refunds["re_1"].Status == "succeeded",
		"what a session asked when it was settled first": *e.Sessions["cs_1"].Settled == Asked{At: 5, Total: 8} && e.Sessions["cs_1"].PaymentLink,
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
	many := map[string]Refund{}
	for i := range 2 * maxObjects {
		many[fmt.Sprintf("re_%04d", i)] = Refund{RefundState: RefundState{Status: "succeeded", Amount: 1}}
	}
	all := Evidence{Refunds: many}
	var oneByOne Evidence
	for id, r := range many {
		oneByOne = Join(oneByOne, Evidence{Refunds: map[string]Refund{id: r}})
	}
	for name, e := range map[string]Evidence{"at once": Join(all, Evidence{}), "one by one": oneByOne, "twice": Join(all, all)} {
		_, first := e.Refunds["re_0000"]
		_, last := e.Refunds[fmt.Sprintf("re_%04d", maxObjects-1)]
		if len(e.Refunds) != maxObjects || !first || !last || !e.Full {
			t.Errorf("%s: %d refunds, full: %t", name, len(e.Refunds), e.Full)
		}
	}
	if !Join(Evidence{Full: true}, Evidence{}).Full || !Join(Evidence{}, Evidence{Full: true}).Full {
		t.Error("it is forgotten that something was left out")
	}
	fits := Evidence{Refunds: maps.Clone(oneByOne.Refunds)}
	if Join(fits, fits).Full {
		t.Error("just as many as fit are too many")
	}
	if d := Derive(tenHours, oneByOne); len(d.Cases) != 1 || d.Cases[0].Kind != CaseTooMany {
		t.Errorf("%+v", d.Cases)
	}
}
