package webhooktest

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"hourbank/commands/cli"
	"hourbank/models"
	"hourbank/services"
)

// errLive is why nothing is made: nobody may use hours that nobody paid.
var errLive = errors.New("test-stripe-webhook makes purchases and events of money that nobody paid: it is refused with a live key and on a database of live mode")

// errNoMode is why nothing is made where nobody says that money isn't real: the first
// event decides the database's mode for good, and ours are of test mode.
var errNoMode = errors.New("STRIPE_MODE: nothing says yet of which mode the database's money is, and test events would make it test mode for good: set STRIPE_MODE=test, or a test key, here and where \"hourbank serve\" runs; for real money set STRIPE_MODE=live there")

// withQuietServices runs the services without a log: what matters is in the
// checks. It returns errLive where money is real, errNoMode where it may be.
func (t *webhookTest) withQuietServices(ctx context.Context, work func(context.Context, *services.Services) error) error {
	if t.cfg.Mode() == string(models.ModeLive) {
		return errLive
	}
	return t.RunServices(ctx, t.cfg, zap.NewNop(), func(ctx context.Context, s *services.Services) error {
		owner, err := s.Owner.Get(ctx)
		switch {
		case err != nil:
			return err
		case owner != nil && owner.Mode == models.ModeLive:
			return errLive
		case owner == nil && t.cfg.Mode() == "":
			return errNoMode
		default:
			return work(ctx, s)
		}
	})
}

// onlyCreateData prints the purchase and no checks.
func (t *webhookTest) onlyCreateData(ctx context.Context) error {
	return refused(t.withQuietServices(ctx, func(ctx context.Context, s *services.Services) error {
		purchase, err := t.createData(ctx, s)
		if err != nil {
			return err
		}
		if t.options.asJSON {
			detail, err := s.Purchases.Detail(ctx, purchase.ID)
			if err != nil {
				return err
			}
			return t.PrintJSON(detail)
		}
		t.printTestData(purchase)
		fmt.Fprintf(t.Stdout, `
Try next:

  hourbank test-stripe-webhook --payment-intent-id %[1]s
  hourbank test-stripe-webhook --payment-intent-id %[1]s --url http://localhost:%[2]s
`, *purchase.StripePaymentIntentID, t.port())
		return nil
	}))
}

func isRefusal(err error) bool { return errors.Is(err, errLive) || errors.Is(err, errNoMode) }

// refused makes errLive and errNoMode mistakes of whoever called.
func refused(err error) error {
	if isRefusal(err) {
		return cli.Usage(err)
	}
	return err
}

func (t *webhookTest) printTestData(p *models.Purchase) {
	for _, line := range [][2]string{
		{"purchase", p.ID}, {"payment intent", cli.OrDash(p.StripePaymentIntentID)}, {"status", string(p.PaymentStatus)},
		{"student", p.StudentID}, {"plan", cli.OrDash(p.PlanID)}, {"hours", p.Hours.String()},
		{"amount", models.FormatMoney(p.Amount, p.Currency)},
	} {
		fmt.Fprintf(t.Stdout, "%-15s %s\n", line[0], line[1])
	}
}

// createData makes a purchase with the PaymentIntent that was asked for. The
// same command again gives the same purchase for as long as it waits.
func (t *webhookTest) createData(ctx context.Context, s *services.Services) (*models.Purchase, error) {
	intent := t.options.paymentIntent
	if intent == "" {
		intent = newStripeID("pi")
	}
	plan, err := t.testPlan(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("make the test plan: %w", err)
	}
	purchase, err := t.newPurchase(ctx, s, t.terms, intent, &plan)
	if !isCode(err, models.CodeConflict) {
		return purchase, err
	}
	known, getErr := s.Purchases.Get(ctx, intent)
	if getErr == nil && known.PaymentStatus == models.StatusProcessing && known.Terms() == t.terms && known.StudentID == t.options.studentID {
		return known, nil
	}
	return nil, fmt.Errorf("PaymentIntent %s has another purchase already; choose another id, or leave --payment-intent-id out", intent)
}

// newPurchase makes a processing purchase that an event of its PaymentIntent
// can pay.
func (t *webhookTest) newPurchase(ctx context.Context, s *services.Services, terms models.Terms, intent string, plan *string) (*models.Purchase, error) {
	return s.Purchases.Create(ctx, models.NewPurchase{
		StudentID: t.options.studentID, TransactionType: models.TypePackage,
		Hours: terms.Hours, Amount: terms.Amount, Currency: terms.Currency,
		PaymentIntentID: intent, PlanID: plan, Processing: true,
		Metadata: map[string]string{"made_by": models.MadeByTest},
	})
}

// testPlan gives the id of the plan with the terms, and makes it the first
// time. It is never on sale.
func (t *webhookTest) testPlan(ctx context.Context, s *services.Services) (string, error) {
	plan := models.Plan{
		ID:              fmt.Sprintf("test_%s_%d%s", t.terms.Hours, t.terms.Amount, t.terms.Currency),
		Name:            fmt.Sprintf("Test: %s hours", t.terms.Hours),
		TransactionType: models.TypePackage,
		Hours:           t.terms.Hours, Amount: t.terms.Amount, Currency: t.terms.Currency,
	}
	_, err := s.Plans.Add(ctx, plan)
	if isCode(err, models.CodeConflict) {
		err = nil // made by an earlier run
	}
	return plan.ID, err
}

func isCode(err error, code models.Code) bool {
	known, ok := errors.AsType[*models.Error](err)
	return ok && known.Code == code
}

// tryPurchases runs the parts that need the database, on one opening of it.
func (t *webhookTest) tryPurchases(ctx context.Context) error {
	if t.blocked != "" {
		t.section("Webhook", func() error {
			t.skip("everything else", t.blocked)
			return nil
		})
		return nil
	}
	err := t.withQuietServices(ctx, func(ctx context.Context, s *services.Services) error {
		if t.options.createData {
			t.section("Test data", func() error { return t.checkCreateData(ctx, s) })
		}
		if len(t.cfg.StripeWebhookSecrets) == 0 {
			t.section("Webhook", func() error {
				t.fail("events can be signed", "STRIPE_WEBHOOK_SECRET", "not set", t.cfg.RequireWebhookSecret().Error())
				return nil
			})
			return nil
		}
		return t.withEndpoint(ctx, s, func(e *webhookEndpoint) { t.tryEndpoint(ctx, s, e) })
	})
	if isRefusal(err) && t.options.validateConfig { // whose report is worth having all the same
		t.section("Webhook", func() error {
			t.fail("everything else", "test mode", "live mode, or none that anybody set", err.Error())
			return nil
		})
		return nil
	}
	return refused(err)
}

func (t *webhookTest) checkCreateData(ctx context.Context, s *services.Services) error {
	purchase, err := t.createData(ctx, s)
	if err != nil {
		return err
	}
	t.report.Purchase = purchase
	t.pass("student", purchase.StudentID)
	t.pass("plan", cli.OrDash(purchase.PlanID))
	t.pass("purchase", fmt.Sprintf("%s, %s hours for %s", purchase.ID, purchase.Hours, models.FormatMoney(purchase.Amount, purchase.Currency)))
	t.compare("status", string(models.StatusProcessing), string(purchase.PaymentStatus), "")
	t.pass("payment intent", cli.OrDash(purchase.StripePaymentIntentID))
	return nil
}

// tryEndpoint runs the parts that send events.
func (t *webhookTest) tryEndpoint(ctx context.Context, s *services.Services, e *webhookEndpoint) {
	if t.options.testEndpoint {
		t.section("Endpoint "+e.where, func() error { return t.checkEndpoint(ctx, s, e) })
	}
	intent := t.options.paymentIntent
	if t.report.Purchase != nil {
		intent = *t.report.Purchase.StripePaymentIntentID
	}
	switch {
	case e.unreachable:
		t.section("Purchases", func() error {
			t.skip("everything else", "the service can't be reached")
			return nil
		})
		return
	case intent != "" && (t.options.all || !t.options.createData):
		t.section("Payment of "+intent, func() error { return t.checkPayment(ctx, s, e, intent) })
	}
	if t.options.all {
		t.section("Lives of a purchase (status, hours credited and reversed)", func() error { return t.checkLives(ctx, s, e) })
	}
}
