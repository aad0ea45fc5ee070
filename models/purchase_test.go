package models

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

func newPurchase() *Purchase {
	return NewPurchase{ID: "p1", StudentID: "s1", Hours: 1000, Amount: 5000, Currency: "eur"}.Purchase(time.Unix(0, 0))
}

// books are a purchase's ledger entries so far, as the database keeps them.
type books struct {
	credited, back Hours // back: reversed less reinstated
	money          int64

	received, refunded, disputed int64
	credits                      int
}

// post adds entries up, and says what the database would refuse of them.
func (b *books) post(entries []LedgerEntry) (problems []string) {
	problem := func(is bool, what string) {
		if is {
			problems = append(problems, what)
		}
	}
	for _, e := range entries {
		signs := map[EntryKind]bool{
			EntryCredit: e.Hours > 0 && e.Amount >= 0, EntryPayment: e.Hours == 0 && e.Amount != 0,
			EntryReversal:      e.Hours <= 0 && e.Amount <= 0 && (e.Hours != 0 || e.Amount != 0 || e.AmountRefunded != 0),
			EntryReinstatement: e.Hours >= 0 && e.Amount >= 0 && (e.Hours != 0 || e.Amount != 0),
		}
		problem(!signs[e.Kind], string(e.Kind)+" has wrong signs")
		problem(e.StudentID != "s1" || e.TransactionID == nil || *e.TransactionID != "p1" || *e.Currency != "eur", "an entry is nobody's")
		if e.Kind == EntryCredit {
			b.credited += e.Hours
			b.credits++
		} else {
			b.back -= e.Hours
		}
		b.money += e.Amount
		b.received, b.refunded, b.disputed = b.received+e.Received(), b.refunded+e.AmountRefunded, b.disputed+e.AmountDisputed
		problem(b.credits > 1, "two credits")
		problem(b.back < 0 || b.back > b.credited, "hours go back that were not credited, or come back that had not gone")
	}
	return problems
}

// pieces takes evidence apart, as events bring it.
func pieces(e money.Evidence) (all []money.Evidence) {
	whole := reflect.ValueOf(e)
	for i := range whole.NumField() {
		if whole.Field(i).Kind() != reflect.Map {
			continue
		}
		for _, key := range whole.Field(i).MapKeys() {
			var piece money.Evidence
			one := reflect.MakeMap(whole.Field(i).Type())
			one.SetMapIndex(key, whole.Field(i).MapIndex(key))
			reflect.ValueOf(&piece).Elem().Field(i).Set(one)
			all = append(all, piece)
		}
	}
	return all
}

// What is told in any order, any number of times, ends in the same money and
// hours, and the ledger adds up to them on the way.
func TestLedgerEntriesAddUpInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		told := append(pieces(telling.DrawEvidence(t)), pieces(telling.DrawEvidence(t))...)
		var ends []*Purchase
		for range 2 {
			p, ledger := newPurchase(), books{}
			for _, piece := range rapid.Permutation(append(told, told...)).Draw(t, "order") {
				change := p.Observe(piece)
				if problems := ledger.post(change.Entries); problems != nil {
					t.Fatalf("%s: %+v\nof %+v", strings.Join(problems, ", "), change.Entries, p.Evidence)
				}
				if ledger.credited != p.HoursCredited || ledger.back != p.HoursReversed || ledger.money != p.AmountReceived-p.AmountRefunded-p.AmountDisputed {
					t.Fatalf("the ledger says %+v of %+v", ledger, p)
				}
				if ledger.received != p.AmountReceived || ledger.refunded != p.AmountRefunded || ledger.disputed != p.AmountDisputed {
					t.Fatalf("the ledger says %+v of %+v", ledger, p)
				}
				if change.New && !change.Changed {
					t.Fatalf("something new changed nothing: %+v", piece)
				}
			}
			telling.WantSane(t, p.Terms(), p.Derive())
			ends = append(ends, p)
		}
		a, b := ends[0], ends[1]
		// A credit that later facts took away stays as one that is reversed.
		if kept := a.HoursCredited - a.HoursReversed; kept != b.HoursCredited-b.HoursReversed {
			t.Fatalf("%s, or %s of the same", kept, b.HoursCredited-b.HoursReversed)
		}
		for _, p := range ends {
			p.HoursCredited, p.HoursReversed = 0, 0
		}
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("two ends of the same:\n%+v\n%+v", a, b)
		}
	})
}

func TestTellingTheSameAgainIsNothingNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, told := newPurchase(), telling.DrawEvidence(t)
		p.Observe(told)
		if again := p.Observe(told); again.New || again.Changed || len(again.Entries) > 0 || !reflect.DeepEqual(again.Before, again.After) {
			t.Fatalf("%+v of %+v", again, told)
		}
	})
}

// The same told later moves times on, and is nothing new.
func TestTimesAloneAreNothingNew(t *testing.T) {
	at := func(at int64) money.Evidence {
		e := telling.Tell(telling.PaidBy("pi_1", 5000, 5), telling.Charge("ch_1", "pi_1", 5000, 5000, 40-at), telling.PaidBy("pi_6", 5000, 40-at), telling.Charge("ch_6", "pi_6", 5000, 5000, 5), telling.Total("ch_1", "pi_1", 700, at), telling.Intent("pi_2", telling.Processing(at)), telling.Intent("pi_3", telling.Failed(at, "no")),
			telling.Intent("pi_4", telling.Cancelled(at, "no")), telling.RefundAt("re_1", "ch_1", "pi_1", 700, "succeeded", 5, at), telling.Session("cs_1", "pi_1", 5000, 5000, 40-at), telling.Invoice("in_1", 5000, 5000, 40-at, "pi_1"))
		d := telling.Dispute("dp_1", "pi_1", 700, "won")
		d.Disputes["dp_1"] = money.Dispute{PaymentIntent: "pi_1", DisputeState: money.DisputeState{At: at, Status: "won", Amount: 700, Currency: "eur"}}
		tried := money.Evidence{Sessions: map[string]money.Session{"cs_2": {Attempts: telling.Failed(at, "no")}}, Invoices: map[string]money.Invoice{"in_2": {Attempts: telling.Failed(at, "no")}}}
		return telling.Tell(e, d, tried, money.Evidence{CreditNotes: map[string]money.CreditNote{"cn_1": {At: at, Invoice: "in_9", Amount: 5}}})
	}
	p := newPurchase()
	p.Observe(at(10))
	if change := p.Observe(at(11)); change.New || !change.Changed {
		t.Errorf("new: %t, changed: %t", change.New, change.Changed)
	}
	if change := p.Observe(telling.Intent("pi_3", telling.Failed(12, "other"))); !change.New {
		t.Error("another failure is nothing new")
	}
	p = newPurchase()
	p.Observe(telling.Tell(telling.PaidBy("pi_1", 5000, 5), telling.RefundAt("re_1", "", "pi_1", 700, "pending", 8, 8)))
	if change := p.Observe(telling.RefundAt("re_1", "", "pi_1", 700, "succeeded", 8, 9)); !change.New {
		t.Error("that a refund arrived is nothing new")
	}
}

// A row that says otherwise than its evidence is put right by whatever is told.
func TestARowThatIsWrongIsPutRight(t *testing.T) {
	p := newPurchase()
	p.Observe(telling.PaidBy("pi_1", 4000, 7))
	p.AmountReceived = 0
	change := p.Observe(money.Evidence{})
	if !change.New || !change.Changed || len(change.Entries) != 1 || change.Entries[0].Amount != 4000 {
		t.Errorf("%+v", change)
	}
}

// Of what we sold before, a Payment Link changes nothing that is due.
func TestTermsSayWhetherWeSoldIt(t *testing.T) {
	link := telling.Tell(telling.Session("cs_1", "pi_1", 5000, 4000, 7), money.Evidence{Sessions: map[string]money.Session{"cs_1": {PaymentLink: true}}})
	for origin, want := range map[Origin]PaymentStatus{OriginSale: StatusPending, OriginSession: StatusCompleted, OriginPaymentIntent: StatusCompleted} {
		p := newPurchase()
		p.Origin = origin
		if p.Observe(link); p.PaymentStatus != want {
			t.Errorf("origin %d: %s, want %s", origin, p.PaymentStatus, want)
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
	later := newPurchase()
	later.SoldBy(sold)
	if !reflect.DeepEqual(later.Evidence, sold) || later.PaymentStatus != StatusProcessing || *later.StripePaymentIntentID != "pi_1" {
		t.Errorf("%s of %+v", later.PaymentStatus, later.Evidence)
	}
	p.Observe(telling.Tell(telling.Everything(), telling.Intent("pi_1", telling.Failed(9, "no"))))
	if got := p.Evidence.Sold(); !reflect.DeepEqual(got, sold) {
		t.Errorf("%+v, started from %+v", got, sold)
	}
	p.Observe(telling.Intent("pi_1", telling.Processing(9))) // which is no seed any more
	if got := p.Evidence.Sold(); got.Payments["pi_1"].Processing != nil || len(got.Payments) != 1 {
		t.Errorf("%+v", got)
	}
	before := p.Unpaid()
	if before.PaymentStatus != StatusPending || before.HoursCredited != 0 || before.AmountReceived != 0 || before.CompletedAt != nil || p.HoursCredited != 1000 {
		t.Errorf("%+v", before)
	}
}

func TestAnIDSortsByWhenItWasMade(t *testing.T) {
	before := time.Now()
	id := NewID()
	if first, next := FirstIDAt(before), FirstIDAt(time.Now().Add(time.Millisecond)); id < first || id >= next {
		t.Errorf("%s is not between %s and %s", id, first, next)
	}
}
