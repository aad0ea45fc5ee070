package models

import (
	"cmp"
	"flag"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// lawHistories is how many histories the law is tried on; HOURBANK_LAW_HISTORIES
// asks for more.
const lawHistories = "10000"

// The law: the same events in any order, any number of times, end in the same
// purchase and the same ledger sums; and that end is what the contract's
// words, followed one by one, say.
func TestLaw(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	if err := flag.Set("rapid.checks", cmp.Or(os.Getenv("HOURBANK_LAW_HISTORIES"), lawHistories)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = flag.Set("rapid.checks", before) }()
	rapid.Check(t, func(t *rapid.T) {
		terms := Terms{Amount: rapid.Int64Range(1, 20_000).Draw(t, "amount"), Currency: "eur", Hours: Hours(rapid.Int64Range(1, 3000).Draw(t, "hours"))}
		history := drawHistory(t, terms)
		told := slices.Clone(history)
		for range rapid.IntRange(0, len(history)).Draw(t, "repeats") {
			told = append(told, rapid.SampledFrom(history).Draw(t, "repeated"))
		}
		told = rapid.Permutation(told).Draw(t, "order")

		ordered, shuffled := tell(terms, history), tell(terms, told)
		if ordered.state != shuffled.state || ordered.sums != shuffled.sums {
			t.Fatalf("in order:   %+v\nout of order: %+v", ordered, shuffled)
		}
		if !ordered.evidence.equal(shuffled.evidence) {
			t.Fatalf("evidence in order: %+v\nout of order: %+v", ordered.evidence, shuffled.evidence)
		}
		if want := naive(terms, history); ordered.state != want {
			t.Fatalf("the core says  %+v\nthe naive model %+v", ordered.state, want)
		}
	})
}

// lawState is what can be seen of a purchase, comparable.
type lawState struct {
	status             PaymentStatus
	credited, reversed Hours
	refunded, disputed int64
	failure            string
}

type ending struct {
	state    lawState
	sums     Movement
	evidence Evidence
}

// tell lets a purchase learn each event's facts in turn, checking the
// database's own rules on the way.
func tell(terms Terms, history [][]Fact) ending {
	p := Purchase{Amount: terms.Amount, Currency: terms.Currency, Hours: terms.Hours}
	p.Learn(nil)
	var sums Movement
	for _, facts := range history {
		for _, entry := range p.Learn(facts).Entries {
			sums.Add(entry)
		}
		if p.HoursReversed < 0 || p.HoursReversed > p.HoursCredited || p.AmountRefunded+p.AmountDisputed > p.Amount ||
			sums.Purchased != p.HoursCredited || sums.Reversed != p.HoursReversed {
			panic("a rule of the ledger is broken on the way")
		}
	}
	state := lawState{p.PaymentStatus, p.HoursCredited, p.HoursReversed, p.AmountRefunded, p.AmountDisputed, ""}
	if p.Failure != nil {
		state.failure = p.Failure.Code
	}
	return ending{state, sums, p.Evidence}
}

// teller writes a history: time goes on, or stays within the second.
type teller struct {
	*rapid.T
	now    int64
	events [][]Fact
}

func (h *teller) tick() { h.now += rapid.Int64Range(0, 2).Draw(h.T, "seconds") }

func (h *teller) tell(facts ...Fact) { h.events = append(h.events, facts) }

func (h *teller) may(what string) bool { return rapid.Bool().Draw(h.T, what) }

// drawHistory makes a payment's history as Stripe could tell it, in order.
func drawHistory(t *rapid.T, terms Terms) [][]Fact {
	h := &teller{T: t, now: 100}
	for range rapid.IntRange(0, 3).Draw(t, "attempts") {
		h.tick()
		if h.may("processing") {
			h.tell(PaymentProcessing{At: h.now})
			h.tick()
		}
		if h.may("declined") {
			h.tell(AttemptFailed{At: h.now, Code: rapid.SampledFrom([]string{"card_declined", "expired_card"}).Draw(t, "code")})
		}
	}
	h.tick()
	switch rapid.IntRange(0, 9).Draw(t, "end") {
	case 0:
		h.tell(PaymentCancelled{At: h.now, Code: "abandoned"})
	case 1:
		h.tell(PaymentReceived{Amount: terms.Amount + 1, Currency: terms.Currency, At: h.now})
	case 2:
	default:
		h.paid(terms)
	}
	return h.events
}

func (h *teller) paid(terms Terms) {
	h.tell(PaymentReceived{Amount: terms.Amount, Currency: terms.Currency, At: h.now})
	if h.may("told twice") {
		h.tick()
		h.tell(PaymentReceived{Amount: terms.Amount, Currency: terms.Currency, At: h.now})
	}
	var returned int64
	for i := range rapid.IntRange(0, 4).Draw(h.T, "refunds") {
		h.tick()
		h.refund(terms, string(rune('a'+i)), &returned)
	}
	for i := range rapid.IntRange(0, 2).Draw(h.T, "disputes") {
		h.tick()
		h.dispute(string(rune('x'+i)), rapid.Int64Range(1, terms.Amount).Draw(h.T, "disputed"))
	}
}

// refund takes one refund through a fate of its own; the charge tells the
// total at some points, sometimes with the refunds listed.
func (h *teller) refund(terms Terms, id string, returned *int64) {
	seen := RefundSeen{ID: id, Amount: rapid.Int64Range(1, terms.Amount).Draw(h.T, "refunded"), Created: h.now}
	say := func(status string) {
		seen.Status, seen.At = status, h.now
		if h.may("refund told") {
			h.tell(seen)
		}
	}
	total := func() {
		if h.may("charge told") {
			facts := []Fact{
				ChargeCaptured{Amount: terms.Amount, Currency: terms.Currency, At: h.now}, RefundTotalSeen{Amount: *returned, At: h.now},
			}
			if h.may("listed") {
				facts = append(facts, seen)
			}
			h.tell(facts...)
		}
	}
	say(rapid.SampledFrom([]string{RefundPending, RefundRequiresAction, RefundSucceeded}).Draw(h.T, "first"))
	*returned += seen.Amount
	total()
	h.tick()
	switch rapid.IntRange(0, 2).Draw(h.T, "fate") {
	case 0:
		end := rapid.SampledFrom([]string{RefundFailed, RefundCanceled}).Draw(h.T, "failed")
		say(end)
		*returned -= seen.Amount
		total()
		h.tick()
		say(end) // some other field of it changed
	case 1:
		say(RefundSucceeded)
	}
}

func (h *teller) dispute(id string, amount int64) {
	seen := DisputeSeen{ID: id, Amount: amount}
	say := func(status string, withdrawn, reinstated bool) {
		h.tick()
		seen.Status, seen.Withdrawn, seen.Reinstated, seen.At = status, withdrawn, reinstated, h.now
		h.tell(seen)
	}
	if h.may("inquiry") {
		say("warning_needs_response", false, false)
		if h.may("closed") {
			say("warning_closed", false, false)
			return
		}
	}
	say("needs_response", false, false)
	say("needs_response", true, false)
	if h.may("under review") {
		say(DisputeUnderReview, false, false)
	}
	switch rapid.IntRange(0, 4).Draw(h.T, "verdict") {
	case 0:
		say(DisputeWon, false, false)
		say(DisputeWon, false, true)
	case 1:
		say(DisputeLost, false, false)
	case 2:
		say(DisputeUnderReview, false, true)
	case 3:
		say(DisputeUnderReview, false, true)
		say(DisputeLost, false, false)
	}
}

// naive follows the contract's words with lists and sorting, and shares
// nothing with the core but the facts' types.
func naive(terms Terms, history [][]Fact) lawState {
	var facts []Fact
	for _, event := range history {
		facts = append(facts, event...)
	}
	paid := slices.ContainsFunc(facts, func(f Fact) bool {
		switch f := f.(type) {
		case PaymentReceived:
			return f.Amount == terms.Amount && f.Currency == terms.Currency
		case ChargeCaptured:
			return f.Amount == terms.Amount && f.Currency == terms.Currency
		}
		return false
	})
	if !paid {
		return naiveUnpaid(facts)
	}
	refunded := min(max(naiveRefunded(facts), 0), terms.Amount)
	held, lost := naiveDisputed(facts)
	held = min(held, terms.Amount-refunded)
	state := lawState{status: StatusCompleted, credited: terms.Hours, refunded: refunded, disputed: held}
	exact := big.NewRat(int64(terms.Hours)*(refunded+held), terms.Amount)
	exact.Add(exact, big.NewRat(1, 2)) // half up
	state.reversed = Hours(new(big.Int).Div(exact.Num(), exact.Denom()).Int64())
	switch {
	case refunded == terms.Amount:
		state.status = StatusRefunded
	case held > 0 || lost:
		state.status = StatusDisputed
	case refunded > 0:
		state.status = StatusPartiallyRefunded
	}
	return state
}

func naiveUnpaid(facts []Fact) lawState {
	state, latest := lawState{status: StatusPending}, int64(-1)
	for _, f := range facts {
		if p, ok := f.(PaymentProcessing); ok && p.At > latest {
			state, latest = lawState{status: StatusProcessing}, p.At
		}
	}
	var failures []AttemptFailed
	for _, f := range facts {
		if a, ok := f.(AttemptFailed); ok {
			failures = append(failures, a)
		}
		if c, ok := f.(PaymentCancelled); ok {
			return lawState{status: StatusCancelled, failure: c.Code}
		}
	}
	slices.SortFunc(failures, func(a, b AttemptFailed) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Code, b.Code)) })
	if n := len(failures); n > 0 && failures[n-1].At >= latest {
		return lawState{status: StatusFailed, failure: failures[n-1].Code}
	}
	return state
}

func naiveRefunded(facts []Fact) int64 {
	total, at := int64(0), int64(-1)
	byID := map[string][]RefundSeen{}
	for _, f := range facts {
		switch f := f.(type) {
		case RefundTotalSeen:
			if f.At > at || (f.At == at && f.Amount > total) {
				total, at = f.Amount, f.At
			}
		case RefundSeen:
			byID[f.ID] = append(byID[f.ID], f)
		}
	}
	life := []string{RefundPending, RefundRequiresAction, RefundSucceeded, RefundCanceled, RefundFailed}
	fails := func(r RefundSeen) bool { return r.Status == RefundFailed || r.Status == RefundCanceled }
	for _, tellings := range byID {
		slices.SortStableFunc(tellings, func(a, b RefundSeen) int {
			return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(slices.Index(life, a.Status), slices.Index(life, b.Status)))
		})
		last := tellings[len(tellings)-1]
		firstFailure := slices.IndexFunc(tellings, fails)
		switch {
		case last.Created > at && !fails(last):
			total += last.Amount
		case last.Created <= at && fails(last) && tellings[firstFailure].At > at:
			total -= last.Amount
		}
	}
	return total
}

func naiveDisputed(facts []Fact) (held int64, lost bool) {
	byID := map[string][]DisputeSeen{}
	for _, f := range facts {
		if d, ok := f.(DisputeSeen); ok {
			byID[d.ID] = append(byID[d.ID], d)
		}
	}
	life := []string{"warning_needs_response", "warning_closed", "needs_response", DisputeUnderReview, DisputeLost, DisputeWon}
	for _, tellings := range byID {
		slices.SortStableFunc(tellings, func(a, b DisputeSeen) int {
			return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(slices.Index(life, a.Status), slices.Index(life, b.Status)))
		})
		last := tellings[len(tellings)-1]
		reinstated := slices.ContainsFunc(tellings, func(d DisputeSeen) bool { return d.Reinstated })
		if !strings.HasPrefix(last.Status, "warning_") && last.Status != DisputeWon && !reinstated {
			held += last.Amount
		}
		lost = lost || last.Status == DisputeLost
	}
	return held, lost
}
