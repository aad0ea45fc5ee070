// Package law tests the law of the system: the same events in any order, any
// number of times and in any batches end in the same purchase and ledger sums.
package law

import (
	"flag"
	"os"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"hourbank/models"
	"hourbank/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// How many histories are tried. HOURBANK_LAW_HISTORIES asks for more of the
// pure ones, as make soak does.
const (
	pureHistories     = 10_000
	databaseHistories = 200
)

// histories sets how many rapid tries; tests that call it don't run at once.
func histories(t *testing.T, n int) {
	t.Helper()
	set := func(name, value string) {
		setting := flag.Lookup(name).Value
		before := setting.String()
		t.Cleanup(func() { _ = setting.Set(before) })
		if err := setting.Set(value); err != nil {
			t.Fatal(err)
		}
	}
	set("rapid.checks", strconv.Itoa(n))
	set("rapid.nofailfile", "true") // a bug is kept as a named case instead
}

func TestLawOfThePureCore(t *testing.T) {
	n := pureHistories
	if asked := os.Getenv("HOURBANK_LAW_HISTORIES"); asked != "" {
		var err error
		if n, err = strconv.Atoi(asked); err != nil {
			t.Fatalf("HOURBANK_LAW_HISTORIES: %v", err)
		}
	}
	histories(t, n)
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		checkHistory(t, h, scramble(t, h.told))
	})
}

// scramble is an order of arrival, with repeats.
func scramble(t *rapid.T, told []told) []told {
	all := slices.Clone(told)
	for range rapid.IntRange(0, len(told)).Draw(t, "repeats") {
		all = append(all, rapid.SampledFrom(told).Draw(t, "repeated"))
	}
	return rapid.Permutation(all).Draw(t, "arrival")
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkHistory is the law: scrambled equals ordered equals naive; and where
// nothing is ambiguous, the money returned is what Stripe says it is.
func checkHistory(t failer, h history, arrival []told) {
	t.Helper()
	want := naive(h.terms, h.told)
	if ordered := learn(t, h.terms, h.told); ordered != want {
		t.Fatalf("in order the core says\n%+v, the naive model\n%+v, of\n%v", ordered, want, h)
	}
	if scrambled := learn(t, h.terms, arrival); scrambled != want {
		t.Fatalf("scrambled the core says\n%+v, in order\n%+v, of\n%v\nthat arrived as\n%v", scrambled, want, h, history{terms: h.terms, told: arrival})
	}
	if h.paid && !h.ambiguous && want.refunded != h.returned {
		t.Fatalf("%d is refunded, Stripe returned %d, of\n%v", want.refunded, h.returned, h)
	}
}

// learn tells a purchase the events one by one, and checks at each step what
// must hold at each step.
func learn(t failer, terms models.Terms, arrival []told) state {
	t.Helper()
	p := models.Purchase{ID: "p", StudentID: "s", Amount: terms.Amount, Currency: terms.Currency, Hours: terms.Hours}
	p.Learn(nil)
	var ledger models.Movement
	credits := 0
	for _, told := range arrival {
		for _, entry := range p.Learn(told.facts).Entries {
			ledger.Add(entry)
			if entry.Kind == models.EntryCredit {
				credits++
			}
		}
		checkStep(t, &p, ledger, credits)
	}
	return stateOf(&p)
}

func checkStep(t failer, p *models.Purchase, ledger models.Movement, credits int) {
	t.Helper()
	want := models.Movement{Purchased: p.HoursCredited, Reversed: p.HoursReversed}
	if p.HoursCredited > 0 {
		want.Amount = p.AmountReceived - p.AmountRefunded - p.AmountDisputed
	}
	if ledger != want || credits > 1 {
		t.Fatalf("the ledger adds up to %+v with %d credits, the purchase is %+v", ledger, credits, p)
	}
	if p.HoursReversed < 0 || p.HoursReversed > p.HoursCredited || p.AmountRefunded+p.AmountDisputed > p.Amount {
		t.Fatalf("more went back than came: %+v", p)
	}
}

func stateOf(p *models.Purchase) state {
	s := state{
		status: p.PaymentStatus, credited: p.HoursCredited, reversed: p.HoursReversed,
		received: p.AmountReceived, refunded: p.AmountRefunded, disputed: p.AmountDisputed,
	}
	if p.CompletedAt != nil {
		s.completedAt = p.CompletedAt.Unix()
	}
	if p.Failure != nil {
		s.failure = p.Failure.Code
	}
	return s
}
