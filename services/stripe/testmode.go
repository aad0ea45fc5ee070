package stripe

import (
	"context"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/dispute"
	"github.com/stripe/stripe-go/v76/paymentintent"
)

// ConfirmPaymentIntent pays a PaymentIntent with a test card, as its customer
// would. It returns a *models.Error with one of Stripe's codes; stripe_refused
// is also a declined card.
// https://docs.stripe.com/api/payment_intents/confirm
func (s *StripeService) ConfirmPaymentIntent(ctx context.Context, intentID, card string) error {
	_, err := callStripe(ctx, func(ctx context.Context) (*stripego.PaymentIntent, error) {
		params := &stripego.PaymentIntentConfirmParams{PaymentMethod: &card, ReturnURL: stripego.String("https://example.com/")}
		params.Context = ctx
		return paymentintent.Client{B: s.backend, Key: s.key}.Confirm(intentID, params)
	})
	return err
}

// SubmitEvidence answers a dispute. Stripe takes some words as a verdict in
// test mode. https://docs.stripe.com/testing#evidence
func (s *StripeService) SubmitEvidence(ctx context.Context, disputeID, evidence string) error {
	_, err := callStripe(ctx, func(ctx context.Context) (*stripego.Dispute, error) {
		params := &stripego.DisputeParams{Submit: stripego.Bool(true), Evidence: &stripego.DisputeEvidenceParams{UncategorizedText: &evidence}}
		params.Context = ctx
		return dispute.Client{B: s.backend, Key: s.key}.Update(disputeID, params)
	})
	return err
}
