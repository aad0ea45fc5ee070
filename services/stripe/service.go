// Package stripe speaks Stripe's language: it verifies signatures, reads
// events of any API version as what they tell of a purchase, and asks Stripe's
// API.
package stripe

import (
	"net/http"

	stripego "github.com/stripe/stripe-go/v76"
	"golang.org/x/time/rate"

	"hourbank/services/stripe/signing"
)

// StripeService does all of that. It is safe for concurrent use.
type StripeService struct {
	key     string
	account string // ours, where events name it
	live    bool
	signer  signing.Signer
	backend stripego.Backend
	limit   *rate.Limiter
}

// Options say which Stripe account is ours, and how to reach it.
type Options struct {
	SecretKey string // may be empty: then nothing can be asked
	APIBase   string // empty: Stripe's own
	Account   string // its id, where events name it; empty: all that name one are foreign
	Live      bool   // money is real
	Signer    signing.Signer
	Transport http.RoundTripper // makes the calls; nil: net/http's own
}

// NewStripeService makes the service.
func NewStripeService(o Options) *StripeService {
	return &StripeService{key: o.SecretKey, account: o.Account, live: o.Live, signer: o.Signer, backend: newBackend(o.APIBase, o.Transport), limit: newLimiter()}
}
