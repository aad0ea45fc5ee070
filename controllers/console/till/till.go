// Package till is the console's till, which a sandbox serves: it pays with
// Stripe's test cards and decides disputes, to show what that does to hours.
package till

import (
	"context"
	"errors"
	"slices"
	"time"

	"hourbank/models"
	"hourbank/services/sales"
	"hourbank/services/stripe"
)

// Till plays the customer, and the customer's bank, with Stripe's test
// cards, so that a sandbox shows what a payment does. A live key refuses test
// cards. It is safe for concurrent use.
type Till struct {
	stripe    *stripe.StripeService
	purchases *sales.PurchaseService
}

// New makes the till.
func New(stripe *stripe.StripeService, purchases *sales.PurchaseService) *Till {
	return &Till{stripe: stripe, purchases: purchases}
}

// Card is one of Stripe's test cards. https://docs.stripe.com/testing
type Card struct{ ID, Name, Does string }

// Cards are those whose payments end differently for a student's hours.
var Cards = []Card{
	{"pm_card_visa", "Visa", "pays"},
	{"pm_card_chargeDeclined", "Visa, declined", "is refused by its bank"},
	{"pm_card_chargeDeclinedInsufficientFunds", "Visa, empty", "has too little money"},
	{"pm_card_createDispute", "Visa, disputed", "pays, then its holder disputes the payment"},
	{"pm_card_createDisputeInquiry", "Visa, questioned", "pays, then its bank asks about the payment"},
	{"pm_card_refundFail", "Visa, closed later", "pays, but refunds to it fail"},
}

// settling is how long after a payment with such a card its dispute may take, which
// follows a second later.
const settling = 15 * time.Second

// IsSettling says whether a dispute of the latest purchase may be on its way.
func IsSettling(latest []models.Purchase, now time.Time) bool {
	return len(latest) > 0 && len(latest[0].Evidence.Disputes) == 0 && now.Sub(latest[0].UpdatedAt) < settling
}

// patience is how long a person waits for a webhook before being told to
// come back.
const patience = 5 * time.Second

// Pay pays a purchase with one of the Cards and waits until a webhook told of
// it, or for as long as a person would. It returns a *models.Error with code
// not_found, conflict (nothing to pay), invalid_request, or one of Stripe's;
// stripe_refused is also a declined card.
func (s *Till) Pay(ctx context.Context, purchaseID, card string) (*models.Purchase, error) {
	if !slices.ContainsFunc(Cards, func(known Card) bool { return known.ID == card }) {
		return nil, models.Errorf(models.CodeInvalidRequest, "There is no such test card.")
	}
	p, err := s.purchases.Get(ctx, purchaseID)
	if err != nil {
		return nil, err
	}
	if p.HoursCredited > 0 {
		return p, nil // by the same form, sent twice
	}
	if p.StripePaymentIntentID == nil {
		return nil, models.Errorf(models.CodeConflict, "This purchase has no PaymentIntent to pay.")
	}
	err = s.stripe.ConfirmPaymentIntent(ctx, *p.StripePaymentIntentID, card)
	known, refused := errors.AsType[*models.Error](err)
	if refused = refused && known.Code == models.CodeStripeRefused; err != nil && !refused {
		return nil, err
	}
	after, waitErr := s.wait(ctx, p.ID, func(after *models.Purchase) bool {
		if refused {
			return after.PaymentStatus == models.StatusFailed && !after.UpdatedAt.Equal(p.UpdatedAt)
		}
		return after.HoursCredited > 0
	})
	return after, errors.Join(err, waitErr)
}

// Decide ends a purchase's open dispute, won or lost, with the evidence that
// Stripe takes as a verdict in test mode.
func (s *Till) Decide(ctx context.Context, purchaseID string, won bool) (*models.Purchase, error) {
	p, err := s.purchases.Get(ctx, purchaseID)
	if err != nil {
		return nil, err
	}
	evidence := "losing_evidence"
	if won {
		evidence = "winning_evidence"
	}
	id := openDispute(p)
	if id == "" {
		return nil, models.Errorf(models.CodeConflict, "This purchase has no open dispute.")
	}
	if err := s.stripe.SubmitEvidence(ctx, id, evidence); err != nil {
		return nil, err
	}
	return s.wait(ctx, p.ID, func(after *models.Purchase) bool { return openDispute(after) == "" })
}

// openDispute is the id of a dispute that is not over; empty: none.
func openDispute(p *models.Purchase) string {
	for id, known := range p.Evidence.Disputes {
		if !known.Over() {
			return id
		}
	}
	return ""
}

// WaitForRefunds gives the purchase once webhooks told of all of the refunds,
// or as it is when the patience ends, and whether they did.
func (s *Till) WaitForRefunds(ctx context.Context, requested *sales.RefundRequested) (p *models.Purchase, told bool, err error) {
	p, err = s.wait(ctx, requested.TransactionID, func(after *models.Purchase) bool {
		told = !slices.ContainsFunc(requested.Refunds, func(refund sales.PaymentRefund) bool {
			if refund.ID == nil {
				return false // Stripe made none
			}
			_, known := after.Evidence.Refunds[*refund.ID]
			return !known
		})
		return told
	})
	return p, told, err
}

// wait gives the purchase once it has become what is waited for, or as it is
// when the patience ends.
func (s *Till) wait(ctx context.Context, id string, until func(*models.Purchase) bool) (*models.Purchase, error) {
	deadline := time.After(patience)
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		p, err := s.purchases.Get(ctx, id)
		if err != nil || until(p) {
			return p, err
		}
		select {
		case <-poll.C:
		case <-deadline:
			return p, nil
		case <-ctx.Done():
			return p, ctx.Err()
		}
	}
}
