package webhooktest

import (
	"context"
	"errors"
	"strings"

	"hourbank/models"
	"hourbank/services/stripe"
)

// checkStripe asks Stripe whose the key is, and what it sends here.
func (t *webhookTest) checkStripe(ctx context.Context) {
	const name = "Stripe reached"
	mistakes := mistakesByName(t.mistakes)
	switch {
	case t.cfg.StripeSecretKey == "":
		t.skip(name, "needs STRIPE_SECRET_KEY")
		return
	case len(mistakes["STRIPE_SECRET_KEY"])+len(mistakes["STRIPE_API_BASE"]) > 0:
		t.skip(name, "STRIPE_SECRET_KEY or STRIPE_API_BASE is wrong")
		return
	}
	service := stripe.NewStripeService(stripe.Options{
		SecretKey: string(t.cfg.StripeSecretKey), APIBase: t.cfg.StripeAPIBase, Live: t.cfg.Mode() == string(models.ModeLive),
	})
	if t.checkAccount(ctx, service, name) {
		t.checkConnect(ctx, service)
		t.checkPrices(ctx, service)
	}
}

// checkAccount says whether Stripe takes the key, and whose it is. A
// restricted key may not ask that: then it must be able to read what
// reconcile reads.
func (t *webhookTest) checkAccount(ctx context.Context, service *stripe.StripeService, name string) bool {
	account, err := service.Account(ctx)
	if errors.Is(err, stripe.ErrNotPermitted) {
		if err := service.TryReading(ctx, "/v1/events"); err != nil {
			t.fail(name, "a key that may read events", "none", err.Error())
			return false
		}
		t.pass(name, "with a restricted key, which may not say whose it is; STRIPE_ACCOUNT can")
		return true
	}
	if err != nil {
		t.fail(name, "the key's account", "no account", err.Error())
		return false
	}
	if own := t.cfg.StripeAccount; own != "" && own != account.ID {
		t.fail(name, own+", as STRIPE_ACCOUNT says", account.ID, "Events of the key's own account would be foreign, and its payments never counted.")
		return false
	}
	if account.Name == "" {
		account.Name = "an account without a name"
	}
	t.pass(name, account.ID+", "+account.Name)
	return true
}

// checkConnect says so where an endpoint of ours gets the events of connected
// accounts: all of them are foreign.
func (t *webhookTest) checkConnect(ctx context.Context, service *stripe.StripeService) {
	const name = "no endpoint for connected accounts"
	endpoints, err := service.ConnectEndpoints(ctx)
	if err != nil {
		t.skip(name, "the key may not list webhook endpoints: "+err.Error())
		return
	}
	for _, address := range endpoints {
		if strings.Contains(address, webhookPath) {
			t.fail(name, "one for events of your own account", address,
				"Stripe sends the events of connected accounts to it, and each of them is foreign here: make an endpoint for your own account instead.")
			return
		}
	}
	t.pass(name, "Stripe sends this account's own events")
}
