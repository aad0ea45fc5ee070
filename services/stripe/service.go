// Package stripe speaks Stripe's language: it verifies signatures, reads
// events of any API version as what they tell of a purchase, and asks Stripe's
// API.
package stripe

import (
	"errors"
	"strings"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"
	"golang.org/x/time/rate"

	"hourbank/models"
)

// StripeService speaks Stripe's language: signatures, events, and its API.
// It is safe for concurrent use.
type StripeService struct {
	key      string
	livemode *bool // of the key; nil where there is none
	backend  stripego.Backend
	limit    *rate.Limiter
}

// NewStripeService makes the service for a secret key, which may be empty,
// and an API base address, empty for Stripe's own.
func NewStripeService(secretKey, apiBase string) *StripeService {
	s := &StripeService{key: secretKey, backend: newBackend(apiBase), limit: newLimiter()}
	if secretKey != "" {
		live := strings.HasPrefix(secretKey, "sk_live_") || strings.HasPrefix(secretKey, "rk_live_")
		s.livemode = &live
	}
	return s
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
