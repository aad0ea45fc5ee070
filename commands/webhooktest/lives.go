package webhooktest

import (
	"context"
	"fmt"

	"hourbank/commands/cli"
	"hourbank/models"
	"hourbank/services"
)

// A purchase of 10.00 hours for 50.00, so that every number below can be
// checked by eye.
const (
	lifeHours  models.Hours = 1000
	lifeAmount int64        = 5000
)

// purchaseLife is what may happen to a purchase, step by step.
type purchaseLife struct {
	name  string
	steps []lifeStep
}

// lifeStep is what happens, and the state that it must lead to.
type lifeStep struct {
	name               string
	events             func(*testPayment) [][]byte
	status             models.PaymentStatus
	credited, reversed models.Hours
}

// one is a step of a single event.
func one(event func(*testPayment) []byte) func(*testPayment) [][]byte {
	return func(p *testPayment) [][]byte { return [][]byte{event(p)} }
}

func purchaseLives() []purchaseLife {
	paid := lifeStep{"paid", one((*testPayment).succeeded), models.StatusCompleted, lifeHours, 0}
	disputed := lifeStep{"disputed", func(p *testPayment) [][]byte {
		return [][]byte{p.disputed("created", "needs_response"), p.disputed("funds_withdrawn", "needs_response")}
	}, models.StatusDisputed, lifeHours, lifeHours}
	partly := lifeStep{"20.00 returned", func(p *testPayment) [][]byte { return p.refunded(2000, 2000) },
		models.StatusPartiallyRefunded, lifeHours, 400}
	return []purchaseLife{
		{"paid", []lifeStep{paid}},
		{"declined, then paid", []lifeStep{
			{"declined", one((*testPayment).declined), models.StatusFailed, 0, 0}, paid,
		}},
		{"cancelled", []lifeStep{{"cancelled", one((*testPayment).cancelled), models.StatusCancelled, 0, 0}}},
		{"partly refunded", []lifeStep{paid, partly}},
		{"refunded", []lifeStep{paid, partly, {"the other 30.00 returned", func(p *testPayment) [][]byte { return p.refunded(3000, 5000) },
			models.StatusRefunded, lifeHours, lifeHours}}},
		{"disputed and won", []lifeStep{paid, disputed, {"won", func(p *testPayment) [][]byte {
			return [][]byte{p.disputed("closed", "won"), p.disputed("funds_reinstated", "won")}
		}, models.StatusCompleted, lifeHours, 0}}},
		{"disputed and lost", []lifeStep{paid, disputed, {"lost", one(func(p *testPayment) []byte { return p.disputed("closed", "lost") }),
			models.StatusDisputed, lifeHours, lifeHours}}},
	}
}

// checkLives lives each life with a purchase of its own, then compares the
// student's account with all of them together.
func (t *webhookTest) checkLives(ctx context.Context, s *services.Services, e *webhookEndpoint) error {
	lives := purchaseLives()
	payments := make([]*testPayment, len(lives))
	for i := range lives {
		terms := models.Terms{Amount: lifeAmount, Currency: t.terms.Currency, Hours: lifeHours, Sold: true}
		purchase, err := t.newPurchase(ctx, s, terms, newStripeID("pi"), nil)
		if err != nil {
			return err
		}
		payments[i] = newTestPayment(purchase)
	}
	before, err := s.Accounts.Balance(ctx, t.options.studentID)
	if err != nil {
		return err
	}
	var credited, reversed models.Hours
	for i, life := range lives {
		if err := t.checkLife(ctx, s, e, life, payments[i]); err != nil {
			return err
		}
		end := life.steps[len(life.steps)-1]
		credited, reversed = credited+end.credited, reversed+end.reversed
	}
	after, err := s.Accounts.Balance(ctx, t.options.studentID)
	if err != nil {
		return err
	}
	t.compare("student after all of them", fmt.Sprintf("+%s −%s", credited, reversed),
		fmt.Sprintf("+%s −%s", after.HoursPurchased-before.HoursPurchased, after.HoursReversed-before.HoursReversed),
		"Something else may have moved this student's hours meanwhile.")
	return nil
}

func (t *webhookTest) checkLife(ctx context.Context, s *services.Services, e *webhookEndpoint, life purchaseLife, payment *testPayment) error {
	for _, step := range life.steps {
		name := life.name
		if len(life.steps) > 1 {
			name += ": " + step.name
		}
		for _, event := range step.events(payment) {
			if answer := e.send(ctx, e.signed(event)); answer.outcome != string(models.EventProcessed) {
				t.fail(name, "200, processed", answer.String(), answer.hint())
				return nil
			}
		}
		purchase, err := s.Purchases.Get(ctx, payment.purchase.ID)
		if err != nil {
			return err
		}
		t.compare(name, showState(step.status, step.credited, step.reversed), stateOf(purchase), "")
	}
	return nil
}

// checkPayment sends a success for a purchase and shows it before and after.
func (t *webhookTest) checkPayment(ctx context.Context, s *services.Services, e *webhookEndpoint, intent string) error {
	before, err := t.payable(ctx, s, intent)
	if err != nil || before == nil {
		return err
	}
	answer := e.send(ctx, e.signed(newTestPayment(before).succeeded()))
	expected := "200, processed"
	if before.HoursCredited > 0 {
		expected += ", stale" // it is paid already
	}
	t.compare("success", expected, answer.String(), answer.hint())
	after, err := s.Purchases.Get(ctx, before.ID)
	if err != nil {
		return err
	}
	t.report.Before, t.report.After = before, after
	account, err := s.Accounts.Balance(ctx, before.AccountID())
	if err != nil {
		return err
	}
	t.compare("hours credited, once", before.Hours.String(), after.HoursCredited.String(), "")
	t.pass("purchase "+before.ID, cli.Arrow(stateOf(before), stateOf(after)))
	t.pass("money received", cli.Arrow(models.FormatMoney(before.AmountReceived, before.Currency), models.FormatMoney(after.AmountReceived, before.Currency)))
	t.pass("student "+before.AccountID(), account.HoursAvailable.String()+" hours available")
	return nil
}

// payable finds a purchase to pay; nil where there is none, which is told.
func (t *webhookTest) payable(ctx context.Context, s *services.Services, intent string) (*models.Purchase, error) {
	purchase, err := s.Purchases.Get(ctx, intent)
	const name = "purchase found"
	switch {
	case isCode(err, models.CodeNotFound):
		t.fail(name, "one with this PaymentIntent", "none", "Make one with: hourbank test-stripe-webhook --create-test-data --payment-intent-id "+intent)
	case err != nil:
		return nil, err
	case purchase.StripePaymentIntentID == nil:
		t.fail(name, "one with a PaymentIntent", "one without", "")
	default:
		return purchase, nil
	}
	return nil, nil
}
