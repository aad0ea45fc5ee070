// Package stripe speaks Stripe's language: it verifies signatures, reads
// events of any API version as what they tell of a purchase, and asks Stripe's
// API.
package stripe

import (
	"errors"
	"strconv"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"
	"golang.org/x/time/rate"

	"hourbank/models"
)

// StripeService speaks Stripe's language: signatures, events, and its API.
// It is safe for concurrent use.
type StripeService struct {
	key      string
	account  string // ours, where events name it
	livemode *bool  // nil where neither key nor mode says it
	backend  stripego.Backend
	limit    *rate.Limiter
}

// Options say which Stripe account is ours, and how to reach it.
type Options struct {
	SecretKey string // may be empty: then nothing can be asked
	APIBase   string // empty: Stripe's own
	Account   string // its id, where events name it; empty: all that name one are foreign
	Mode      string // "live" or "test", where no secret key says it; empty: either
}

// NewStripeService makes the service.
func NewStripeService(o Options) *StripeService {
	s := &StripeService{key: o.SecretKey, account: o.Account, backend: newBackend(o.APIBase), limit: newLimiter()}
	switch {
	case o.SecretKey != "":
		live := strings.HasPrefix(o.SecretKey, "sk_live_") || strings.HasPrefix(o.SecretKey, "rk_live_")
		s.livemode = &live
	case o.Mode != "":
		live := o.Mode == "live"
		s.livemode = &live
	}
	return s
}

// Verify checks that the body carries Stripe's signature by any of the
// secrets, made at most five minutes ago or, by clocks that differ, ahead. It returns a *models.Error with code
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
			return checkAhead(header)
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

// checkAhead refuses a signature of which the time is to come, which stripe-go
// takes. Of several times it believes the last one.
func checkAhead(header string) error {
	var seconds int64
	for pair := range strings.SplitSeq(header, ",") {
		if text, ok := strings.CutPrefix(pair, "t="); ok {
			seconds, _ = strconv.ParseInt(text, 10, 64) // stripe-go has read it
		}
	}
	if time.Until(time.Unix(seconds, 0)) > webhook.DefaultTolerance {
		return models.Errorf(models.CodeInvalidSignature, "The signature is from more than five minutes ahead; one of the two clocks is wrong.")
	}
	return nil
}
