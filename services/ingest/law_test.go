package ingest

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hourbank/models"
	"hourbank/services/ingest/prorations"
	"hourbank/services/stripe"
	"hourbank/tests/law/telling"
)

// How many histories are tried. HOURBANK_LAW_HISTORIES asks for more, as make
// soak does.
const lawHistories = 10_000

// histories lets rapid try so many in each of so many parts.
func histories(t *testing.T, parts int) (asked bool) {
	t.Helper()
	n := lawHistories
	if testing.Short() {
		n /= 10
	}
	text := os.Getenv("HOURBANK_LAW_HISTORIES")
	if text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatalf("HOURBANK_LAW_HISTORIES: %v", err)
		}
	}
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa(n / parts), "rapid.nofailfile": "true"} {
		setting := flag.Lookup(name).Value
		before := setting.String()
		t.Cleanup(func() { _ = setting.Set(before) })
		if err := setting.Set(value); err != nil {
			t.Fatal(err)
		}
	}
	return text != ""
}

// The law: the same events in any order, any number of times, end in the same
// purchases, cases and ledger sums as a naive reading of all of them at once
// says, which was written from the description of the rules alone.
func TestLaw(t *testing.T) {
	parts := runtime.GOMAXPROCS(0)
	soak := histories(t, parts)
	t.Run("parts", func(t *testing.T) {
		for part := range parts {
			t.Run(strconv.Itoa(part), func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(rt *rapid.T) { checkLaw(rt, soak) })
			})
		}
	})
}

// checkLaw tells one history as it happened (but for a soak, where that is one
// order of many) and in any other order, with repeats.
func checkLaw(rt *rapid.T, soak bool) {
	h := telling.DrawWith(rt, telling.All&^telling.Oddities, "")
	want := telling.Expect(h, h.Events)
	arrivals := [][]string{telling.Tell(rt, h)}
	if !soak {
		arrivals = append(arrivals, h.Events)
	}
	for _, arrival := range arrivals {
		if difference := compare(want, tell(rt, h, arrival)); difference != "" {
			rt.Fatalf("%s\nof %s\nthat arrived as\n%s", difference, h, strings.Join(arrival, "\n"))
		}
	}
}

// tell applies events one by one to a book in memory, and tries those that
// wait whenever something new is known.
func tell(t *rapid.T, h telling.History, arrival []string) *book {
	b := newBook(time.Unix(1_800_000_000, 0).UTC())
	b.catalogue = &catalogue{
		plans: map[string]*models.Plan{}, byPrice: map[string]*models.Plan{}, subscriptions: map[string][]*models.Subscription{},
		currencies: anyStudents(h, arrival), taken: map[string]bool{}, givingBack: map[string][]*prorations.GivingBack{},
	}
	for _, plan := range h.Plans {
		p := &models.Plan{ID: plan.ID, TransactionType: models.TypePackage, Hours: models.Hours(plan.Hours), Amount: plan.Amount, Currency: plan.Currency}
		b.catalogue.plans[p.ID] = p
		if plan.StripePriceID != "" {
			p.StripePriceID = &plan.StripePriceID
			b.catalogue.byPrice[plan.StripePriceID] = p
		}
	}
	for i, sale := range h.Sales {
		p := models.NewPurchase{
			ID: sale.PurchaseID, StudentID: sale.StudentID, TransactionType: models.TypePackage, Hours: models.Hours(sale.Hours),
			Amount: sale.Price, Currency: sale.Currency, PaymentIntentID: sale.PaymentIntent, CheckoutSessionID: sale.CheckoutSession,
		}.Purchase(b.now.Add(time.Duration(i) * time.Second))
		b.add(p)
		b.index(p)
	}
	var waiting []*stripe.Event
	seen := map[string]bool{}
	for _, payload := range arrival {
		event, err := stripe.NewStripeService(stripe.Options{}).Decode([]byte(payload), "")
		if err != nil {
			t.Fatalf("decode %s: %v", payload, err)
		}
		if seen[event.ID] {
			continue
		}
		seen[event.ID] = true
		waiting = append(waiting, event)
		for pass, again := 0, true; again || pass < 2; pass++ { // one that waits on may have told whose a subscription is
			again = false
			waiting = slices.DeleteFunc(waiting, func(e *stripe.Event) bool {
				decided := b.apply(e)
				if decided.status == models.EventParked {
					return false
				}
				b.cases.Settle(e, decided.purchase)
				again = true
				return true
			})
		}
	}
	return b
}

// anyStudents gives every student an account in the sales' currency.
func anyStudents(h telling.History, arrival []string) map[string]string {
	currencies := map[string]string{}
	for _, sale := range h.Sales {
		currencies[sale.StudentID] = sale.Currency
	}
	for n := range 10 {
		for _, format := range []string{"stu_%d", "student_%d", "s%d"} {
			currencies[fmt.Sprintf(format, n)] = "eur"
		}
	}
	_ = arrival
	return currencies
}

func compare(want telling.Outcome, b *book) string {
	var difference []string
	hours, money := map[string]int64{}, map[string]int64{}
	for _, w := range want.Purchases {
		p := b.byID[w.ID]
		for _, key := range w.Keys {
			if p == nil {
				p = b.byKey[key]
			}
		}
		hours[w.StudentID] += w.HoursCredited - w.HoursReversed
		money[w.StudentID] += w.Kept
		if p == nil {
			difference = append(difference, fmt.Sprintf("no purchase for %+v", w))
			continue
		}
		got := shown(p)
		w.Keys, w.ID, w.Cases = nil, "", slices.Clone(w.Cases)
		for i := range w.Cases { // known from what it is about, even where its payment isn't
			w.Cases[i].Currency = ""
		}
		if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", w); g != w {
			difference = append(difference, fmt.Sprintf("purchase %s is\n%s\nand should be\n%s\nof evidence %+v", p.ID, g, w, p.Evidence))
		}
	}
	for _, adjustment := range want.Adjustments {
		hours[adjustment.StudentID] += adjustment.Hours
	}
	gotHours, gotMoney := map[string]int64{}, map[string]int64{}
	for _, entry := range b.ledger {
		gotHours[entry.StudentID] += int64(entry.Hours)
		gotMoney[entry.StudentID] += entry.Amount
	}
	for student := range merged(hours, gotHours) {
		if hours[student] != gotHours[student] || money[student] != gotMoney[student] {
			difference = append(difference, fmt.Sprintf("%s has %d hundredths of hours and %d, and should have %d and %d",
				student, gotHours[student], gotMoney[student], hours[student], money[student]))
		}
	}
	return strings.Join(difference, "\n")
}

func merged(a, b map[string]int64) map[string]int64 {
	all := map[string]int64{}
	for k := range a {
		all[k] = 0
	}
	for k := range b {
		all[k] = 0
	}
	return all
}

// shown is a purchase as the naive model words it.
func shown(p *models.Purchase) telling.Purchase {
	d := p.Derive()
	s := telling.Purchase{
		StudentID: p.StudentID, Price: p.Amount, Hours: int64(p.Hours), Due: p.AmountDue, Currency: p.Currency, Status: string(p.PaymentStatus),
		HoursCredited: int64(p.HoursCredited), HoursReversed: int64(p.HoursReversed),
		Received: p.AmountReceived, Refunded: p.AmountRefunded, Disputed: p.AmountDisputed,
		Kept: p.AmountReceived - p.AmountRefunded - p.AmountDisputed,
	}
	for _, c := range d.Cases {
		s.Cases = append(s.Cases, telling.Case{Kind: string(c.Kind), Payment: c.Payment, Amount: c.Amount})
	}
	return s
}
