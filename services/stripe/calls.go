package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	stripego "github.com/stripe/stripe-go/v76"
	checkoutsession "github.com/stripe/stripe-go/v76/checkout/session"
	"github.com/stripe/stripe-go/v76/paymentintent"
	refund "github.com/stripe/stripe-go/v76/refund"

	"hourbank/models"
)

// writePatience bounds what a caller of ours waits for Stripe.
const writePatience = 9 * time.Second

// CheckoutURLs are where Stripe's page sends the customer afterwards.
type CheckoutURLs struct {
	SuccessURL string `json:"success_url"`
	CancelURL  string `json:"cancel_url"`
}

// pageAddress has the host that it leads to. Stripe fills in its
// {CHECKOUT_SESSION_ID}, so that it need not be a whole URI yet.
var pageAddress = regexp.MustCompile(`^https?://[A-Za-z0-9][^\x00-\x20\x7f-\x{9f}]*$`)

// Validate returns a *models.Error with code invalid_request. No checkout is none
// to complain of.
func (u *CheckoutURLs) Validate() error {
	if u == nil {
		return nil
	}
	for _, address := range []struct{ field, value string }{{"success_url", u.SuccessURL}, {"cancel_url", u.CancelURL}} {
		if !pageAddress.MatchString(address.value) {
			return models.Errorf(models.CodeInvalidRequest, "checkout.%s must be an address such as https://example.com/thanks.", address.field)
		}
	}
	return nil
}

// CreatePaymentIntent asks Stripe to collect a purchase's payment. Its
// metadata names the purchase; asking again with the same idempotency key
// makes no second one. https://docs.stripe.com/api/payment_intents/create
func (s *StripeService) CreatePaymentIntent(ctx context.Context, p *models.Purchase, idempotencyKey string) (*stripego.PaymentIntent, error) {
	return callStripe(ctx, func(ctx context.Context) (*stripego.PaymentIntent, error) {
		params := &stripego.PaymentIntentParams{
			Amount: &p.Amount, Currency: &p.Currency, Metadata: s.signer.Metadata(p),
			AutomaticPaymentMethods: &stripego.PaymentIntentAutomaticPaymentMethodsParams{Enabled: stripego.Bool(true)},
		}
		params.Context = ctx
		params.SetIdempotencyKey(idempotencyKey)
		return paymentintent.Client{B: s.backend, Key: s.key}.New(params)
	})
}

// CreateCheckoutSession asks Stripe for a page that collects the payment.
// https://docs.stripe.com/api/checkout/sessions/create
func (s *StripeService) CreateCheckoutSession(ctx context.Context, p *models.Purchase, urls CheckoutURLs, idempotencyKey string) (*stripego.CheckoutSession, error) {
	return callStripe(ctx, func(ctx context.Context) (*stripego.CheckoutSession, error) {
		params := &stripego.CheckoutSessionParams{
			Mode:       stripego.String(string(stripego.CheckoutSessionModePayment)),
			SuccessURL: &urls.SuccessURL, CancelURL: &urls.CancelURL,
			ClientReferenceID: &p.ID, Metadata: s.signer.Metadata(p),
			PaymentIntentData: &stripego.CheckoutSessionPaymentIntentDataParams{Metadata: s.signer.Metadata(p)},
			LineItems: []*stripego.CheckoutSessionLineItemParams{{
				Quantity: stripego.Int64(1),
				PriceData: &stripego.CheckoutSessionLineItemPriceDataParams{
					Currency: &p.Currency, UnitAmount: &p.Amount,
					ProductData: &stripego.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripego.String(p.Hours.String() + " hours of tutoring")},
				},
			}},
		}
		params.Context = ctx
		params.SetIdempotencyKey(idempotencyKey)
		return checkoutsession.Client{B: s.backend, Key: s.key}.New(params)
	})
}

// RequestedByCustomer is the reason that covers every other.
const RequestedByCustomer = string(stripego.RefundReasonRequestedByCustomer)

// refundReasons are all that Stripe takes.
var refundReasons = []string{string(stripego.RefundReasonDuplicate), string(stripego.RefundReasonFraudulent), RequestedByCustomer}

// What a refund is for, in its metadata, where it was asked for as hours.
const refundFor, refundForHours = "hourbank_for", "hours"

// SignRefund lets CreateRefund know the request for ours, now and later.
func (s *StripeService) SignRefund(r *models.RefundRequest) { r.MAC = s.signer.SignRefund(r) }

// CreateRefund asks Stripe for a refund, whose id is the idempotency key, so
// that asking again makes no second one. The hours move when Stripe's event
// says so. A reason in other words than Stripe's goes into the refund's
// metadata, and the request's id, and that it is for hours. A request that SignRefund didn't sign is refused:
// who may write the database may not refund. https://docs.stripe.com/api/refunds/create
func (s *StripeService) CreateRefund(ctx context.Context, r *models.RefundRequest) (*stripego.Refund, error) {
	if !s.signer.VerifiesRefund(r) {
		return nil, &models.Error{
			Code:    models.CodeConflict,
			Message: "This request is not signed with a secret that STRIPE_WEBHOOK_SECRET holds now, so that Stripe is not asked: the secret was changed meanwhile, or somebody wrote the request into the database. Whether Stripe made the refund already, its dashboard says; if it is meant and not made, ask for it anew.",
			Err:     fmt.Errorf("refund request %s of %d %s of payment %s, purchase %s, by %q, is not signed", r.ID, r.Amount, r.Currency, r.Payment, r.TransactionID, r.Actor),
		}
	}
	return callStripe(ctx, func(ctx context.Context) (*stripego.Refund, error) {
		params := &stripego.RefundParams{Amount: &r.Amount, Reason: &r.Reason}
		if strings.HasPrefix(r.Payment, "ch_") || strings.HasPrefix(r.Payment, "py_") {
			params.Charge = &r.Payment
		} else {
			params.PaymentIntent = &r.Payment
		}
		params.AddMetadata("refund_request", r.ID)
		if r.ForHours {
			params.AddMetadata(refundFor, refundForHours)
		}
		if !slices.Contains(refundReasons, r.Reason) {
			params.Reason = stripego.String(RequestedByCustomer)
			params.AddMetadata("reason", r.Reason)
		}
		params.Context = ctx
		params.SetIdempotencyKey(r.ID)
		return refund.Client{B: s.backend, Key: s.key}.New(params)
	})
}

// callStripe makes a call that its idempotency key makes safe to repeat: it
// does so, for as long as a caller can wait, while Stripe is busy or the same
// call is still running. It returns a *models.Error with code stripe_refused,
// stripe_error or stripe_unavailable.
func callStripe[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	result, err := backoff.Retry(ctx, func() (T, error) {
		result, err := call(ctx)
		if known, ok := errors.AsType[*stripego.Error](err); ok && !isPassing(known.HTTPStatusCode) {
			err = backoff.Permanent(err)
		}
		return result, err
	}, backoff.WithBackOff(backoff.NewExponentialBackOff()), backoff.WithMaxElapsedTime(writePatience/2))
	if err != nil {
		return result, stripeError(err)
	}
	return result, nil
}

// isPassing says whether waiting may help; 409 is the same call still running.
// https://docs.stripe.com/api/errors
func isPassing(status int) bool {
	return status == http.StatusConflict || status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

func stripeError(err error) *models.Error {
	known, ok := errors.AsType[*stripego.Error](err)
	switch {
	case !ok || isPassing(known.HTTPStatusCode):
		return &models.Error{Code: models.CodeStripeUnavailable, Message: "Stripe can't be reached now; please try again.", Err: err}
	case known.Type == stripego.ErrorTypeIdempotency:
		return &models.Error{Code: models.CodeIdempotencyMismatch, Message: "This Idempotency-Key was used for another request.", Err: err}
	case known.HTTPStatusCode == http.StatusUnauthorized || known.HTTPStatusCode == http.StatusForbidden:
		return &models.Error{Code: models.CodeStripeError, Message: "Stripe doesn't accept our key.", Err: err}
	default:
		return &models.Error{Code: models.CodeStripeRefused, Message: "Stripe refused: " + known.Msg, Err: err}
	}
}
