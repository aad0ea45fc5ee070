package tests

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"golang.org/x/sync/errgroup"

	"hourbank/sandbox"
	"hourbank/tests/harness"
)

// With deliveries doubled, late, out of order and lost, a thousand purchases
// of every fate end as Stripe's own books say, once reconcile has run.
func TestAThousandPurchasesUnderChaosEndAsStripesBooksSay(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		standIn := harness.NewStripe(t)
		app := db.Serve(t, standIn.Settings()...)
		standIn.SendTo(t, app)
		if err := standIn.SetChaos(sandbox.Chaos{Duplicate: 0.5, Drop: 0.4, Reorder: 0.5, DelayMS: 500, Seed: 11}); err != nil {
			t.Fatal(err)
		}
		var group errgroup.Group
		group.SetLimit(8)
		purchases := 1000
		if testing.Short() {
			purchases = 100
		}
		for i := range purchases {
			group.Go(func() error {
				sold := app.PostPatiently(t, harness.WriteKey, api+"/purchases/", fmt.Sprintf(
					`{"student_id":"student_%d","hours":"10.00","amount":5000,"currency":"eur"}`, i%100), "Idempotency-Key", fmt.Sprintf("sale_%d", i))
				if sold.Status != http.StatusCreated && sold.Status != http.StatusOK {
					return fmt.Errorf("sale %d: answered %d: %s", i, sold.Status, sold.Body)
				}
				return live(standIn, sold.Get("stripe_payment_intent_id").String(), rand.New(rand.NewPCG(uint64(i), 1)))
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		standIn.Settle(t)
		result := standIn.RunOn(t, db, "reconcile", "--since", "1h")
		for tries := 1; tries < 3 && strings.Contains(result.Stderr, context.DeadlineExceeded.Error()); tries++ { // on a busy machine one runs it again
			result = standIn.RunOn(t, db, "reconcile", "--since", "1h")
		}
		if result.Code != 0 {
			t.Fatalf("reconcile exited %d: %s%s", result.Code, result.Stdout, result.Stderr)
		}
		db.MustAudit(t)
		compareBooks(t, app, standIn)
	})
}

// live takes a payment through a random life.
func live(standIn *harness.Stripe, intent string, random *rand.Rand) error {
	confirm := func(card string) error {
		_, err := standIn.API.PaymentIntents.Confirm(intent, &stripe.PaymentIntentConfirmParams{
			PaymentMethod: &card, ReturnURL: stripe.String("https://example.com"),
		})
		if declined, ok := err.(*stripe.Error); ok && declined.Type == stripe.ErrorTypeCard { //nolint:errorlint // stripe-go returns it bare
			return nil
		}
		return err
	}
	switch fate := random.IntN(8); fate {
	case 0:
		return nil // never paid
	case 1:
		return confirm("pm_card_chargeDeclined")
	case 2:
		_, err := standIn.API.PaymentIntents.Cancel(intent, nil)
		return err
	case 3:
		if err := confirm("pm_card_chargeDeclined"); err != nil {
			return err
		}
		return confirm("pm_card_visa")
	case 4:
		return confirm("pm_card_createDispute")
	default:
		if err := confirm("pm_card_visa"); err != nil {
			return err
		}
		return afterwards(standIn, intent, random)
	}
}

func afterwards(standIn *harness.Stripe, intent string, random *rand.Rand) error {
	for range random.IntN(3) {
		_, err := standIn.API.Refunds.New(&stripe.RefundParams{PaymentIntent: &intent, Amount: stripe.Int64(1 + random.Int64N(1500))})
		if err != nil {
			return err
		}
	}
	if random.IntN(3) > 0 {
		return nil
	}
	dispute, err := standIn.Do(intent, "dispute", sandbox.Options{})
	if err != nil {
		return err
	}
	verdicts := []string{"win", "lose", "reinstate"}
	_, err = standIn.Do(dispute, verdicts[random.IntN(len(verdicts))], sandbox.Options{})
	return err
}

// compareBooks compares every purchase and every student's balance with what
// the stand-in's books say.
func compareBooks(t *testing.T, app *harness.App, standIn *harness.Stripe) {
	t.Helper()
	balances := map[string]int64{}
	for _, book := range standIn.Books() {
		out := min(book.Refunded+book.Disputed, book.Received)
		shown := app.Get(t, api+"/purchases/"+book.PaymentIntent)
		got := shown.Get("amount_refunded").Int() + shown.Get("amount_disputed").Int()
		if shown.Get("amount_received").Int() != book.Received || got != out {
			t.Errorf("the books say received %d, back %d; the purchase says %s", book.Received, out, shown.Body)
		}
		balances[book.Metadata["student_id"]] += book.Received - out
	}
	for student, balance := range balances {
		app.WantBalance(t, student, fields{"balance_amount": fmt.Sprint(balance)})
	}
}
