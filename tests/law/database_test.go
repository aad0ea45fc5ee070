// Package law tests the law of the system through HTTP and both databases: the
// same events in any order, any number of times and in any batches end in the
// same purchases, cases and ledger sums. services/ingest tests it in memory, on
// many more histories.
package law

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/plans"
	"hourbank/services/sales"
	"hourbank/tests/harness"
	"hourbank/tests/law/telling"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	databaseHistories = 200
	atOnce            = 16
	patience          = 60 * time.Second // for events that wait for their purchase
)

func TestLawThroughTheDatabase(t *testing.T) {
	for _, engine := range harness.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			db := harness.NewDatabase(t, engine)
			rows := db.Models(t)
			sell(t, rows)
			app := db.Serve(t)
			var group errgroup.Group
			group.SetLimit(atOnce)
			for n := range databaseHistories {
				history := rapid.Custom(func(rt *rapid.T) telling.History {
					return telling.DrawWith(rt, telling.All&^telling.Oddities, fmt.Sprintf("h%dx", n))
				})
				group.Go(func() error {
					h := history.Example(n)
					random := rand.New(rand.NewPCG(uint64(n), 2))
					if err := tell(t, app, rows, h, random); err != nil {
						return fmt.Errorf("%w\nof history %d: %s", err, n, h)
					}
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				t.Error(err)
			}
			db.MustAudit(t)
		})
	}
}

// sell puts the price list on sale.
func sell(t *testing.T, rows *database.DB) {
	t.Helper()
	for _, plan := range telling.PriceList() {
		_, err := plans.New(rows).Add(t.Context(), models.Plan{
			ID: plan.ID, Name: plan.ID, TransactionType: models.TypePackage, Hours: models.Hours(plan.Hours),
			Amount: plan.Amount, Currency: plan.Currency, StripePriceID: &plan.StripePriceID, Active: true,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// tell sells what the history sold, delivers its events in random batches with
// repeats, and waits until all is as it should be.
func tell(t *testing.T, app *harness.App, rows *database.DB, h telling.History, random *rand.Rand) error {
	for _, sale := range h.Sales {
		sold := models.NewPurchase{
			ID: sale.PurchaseID, StudentID: sale.StudentID, TransactionType: models.TypePackage, Hours: models.Hours(sale.Hours),
			Amount: sale.Price, Currency: sale.Currency, PaymentIntentID: sale.PaymentIntent, CheckoutSessionID: sale.CheckoutSession,
		}
		_, err := sales.NewPurchaseService(rows).Create(t.Context(), sold)
		for tries := 0; database.IsConflict(err) && tries < 10; tries++ { // SQLite's one writer is busy
			_, err = sales.NewPurchaseService(rows).Create(t.Context(), sold)
		}
		if err != nil {
			return err
		}
	}
	arrival := slices.Concat(h.Events, h.Events[:random.IntN(len(h.Events)+1)])
	random.Shuffle(len(arrival), func(i, j int) { arrival[i], arrival[j] = arrival[j], arrival[i] })
	for len(arrival) > 0 {
		size := 1 + random.IntN(len(arrival))
		var batch errgroup.Group
		for _, body := range arrival[:size] {
			batch.Go(func() error { return deliver(app, body) })
		}
		if err := batch.Wait(); err != nil {
			return err
		}
		arrival = arrival[size:]
	}
	want := telling.Expect(h, h.Events)
	deadline := time.Now().Add(patience)
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for {
		err := compare(t, rows, want)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		<-poll.C
	}
}

func deliver(app *harness.App, body string) error {
	answer, err := harness.Patiently(func() (harness.Response, error) {
		return app.Try(http.MethodPost, harness.WebhookPath, body, "Stripe-Signature", harness.Sign(body, harness.WebhookSecret))
	})
	if err == nil && answer.Status != http.StatusOK && answer.Status != http.StatusAccepted {
		err = fmt.Errorf("answered %d: %s\n%s", answer.Status, answer.Body, body)
	}
	return err
}

func compare(t *testing.T, rows *database.DB, want telling.Outcome) error {
	var differences []error
	hours, money := map[string]int64{}, map[string]int64{}
	for _, w := range want.Purchases {
		hours[w.StudentID] += w.HoursCredited - w.HoursReversed
		money[w.StudentID] += w.Kept
		differences = append(differences, comparePurchase(t, rows, w))
	}
	for _, adjustment := range want.Adjustments {
		hours[adjustment.StudentID] += adjustment.Hours
	}
	for student := range hours {
		account, err := sales.NewAccountService(rows).Balance(t.Context(), student)
		if err != nil {
			return err
		}
		if int64(account.HoursAvailable) != hours[student] || account.BalanceAmount != money[student] {
			differences = append(differences, fmt.Errorf("%s has %s hours and %d, and should have %s and %d",
				student, account.HoursAvailable, account.BalanceAmount, models.Hours(hours[student]), money[student]))
		}
	}
	return errors.Join(differences...)
}

func comparePurchase(t *testing.T, rows *database.DB, w telling.Purchase) error {
	id := w.ID
	for _, key := range w.Keys {
		if id == "" {
			id = key
		}
	}
	p, err := sales.NewPurchaseService(rows).Detail(t.Context(), id)
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(w.Keys, ", "), err)
	}
	var kinds, wantKinds []string
	for _, c := range p.Cases {
		kinds = append(kinds, string(c.Kind)+" "+orEmpty(c.Payment))
	}
	for _, c := range w.Cases {
		wantKinds = append(wantKinds, c.Kind+" "+c.Payment)
	}
	slices.Sort(kinds)
	slices.Sort(wantKinds)
	got := fmt.Sprintf("%s %s %d %s %s %d %d %d %v", p.StudentID, p.PaymentStatus, p.AmountDue, p.HoursCredited, p.HoursReversed,
		p.AmountReceived, p.AmountRefunded, p.AmountDisputed, kinds)
	should := fmt.Sprintf("%s %s %d %s %s %d %d %d %v", w.StudentID, w.Status, w.Due, models.Hours(w.HoursCredited), models.Hours(w.HoursReversed),
		w.Received, w.Refunded, w.Disputed, wantKinds)
	if got != should {
		return fmt.Errorf("purchase %s is\n%s\nand should be\n%s", p.ID, got, should)
	}
	return nil
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
