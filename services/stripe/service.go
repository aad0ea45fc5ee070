// Package stripe speaks Stripe's language: it verifies signatures, reads
// events of any API version as what they tell of a purchase, and asks Stripe's
// API.
package stripe

import (
	"errors"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"
	"golang.org/x/time/rate"

	"hourbank/models"
)

// StripeService speaks Stripe's language: signatures, events, and its API.
// It is safe for concurrent use.
type StripeService struct {
	key     string
	account string // ours, where events name it
	live    bool
	backend stripego.Backend
	limit   *rate.Limiter
}

// Options say which Stripe account is ours, and how to reach it.
type Options struct {
	SecretKey string // may be empty: then nothing can be asked
	APIBase   string // empty: Stripe's own
	Account   string // its id, where events name it; empty: all that name one are foreign
	Live      bool   // money is real
}

// NewStripeService makes the service.
func NewStripeService(o Options) *StripeService {
	return &StripeService{key: o.SecretKey, account: o.Account, live: o.Live, backend: newBackend(o.APIBase), limit: newLimiter()}
}

// Verify checks that the body carries Stripe's signature by any of the
// secrets, made at most five minutes ago. It returns a *models.Error with code
// missing_payload, missing_signature or invalid_signature.
// https://docs.stripe.com/webhooks#verify-manually
func (s *StripeService) Verify(body []byte, header string, secrets []string) error {
	if header == "" {
		return models.Errorf(models.CodeMissingSignature, "The request has no Stripe-Signature header.")
	}
	if len(body) == 0 {
		return models.Errorf(models.CodeMissingPayload, "The request has no body.")
	}
	err := webhook.ErrNoValidSignature
	for _, secret := range secrets {
		if err = webhook.ValidatePayload(body, header, secret); err == nil {
			return nil
		}
		if !errors.Is(err, webhook.ErrNoValidSignature) {
			break // no other secret can mend a malformed or old header
		}
	}
	if errors.Is(err, webhook.ErrTooOld) {
		return models.Errorf(models.CodeInvalidSignature, "The signature is older than five minutes.")
	}
	return models.Errorf(models.CodeInvalidSignature, "The signature does not match the body with any of this endpoint's secrets.")
}
