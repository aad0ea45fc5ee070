package commands

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"hourbank/commands/cli"
	"hourbank/config"
	"hourbank/database"
	"hourbank/models"
	"hourbank/sandbox"
	"hourbank/sandbox/api"
	"hourbank/services"
	"hourbank/services/sales"
)

const (
	sandboxStudent   = "demo_student"
	sandboxSecretKey = "sk_test_sandbox"
	sandboxKeyName   = "sandbox:admin:"
	sandboxActor     = "sandbox" // who moves the clock by a control call
)

// sandboxPlans are on sale in the sandbox.
var sandboxPlans = []models.Plan{
	{ID: "pack5", Name: "5 hours", TransactionType: models.TypePackage, Hours: 500, Amount: 15000, Currency: "eur"},
	{ID: "pack10", Name: "10 hours", TransactionType: models.TypePackage, Hours: 1000, Amount: 28000, Currency: "eur"},
	{ID: "pack5_30days", Name: "5 hours in 30 days", TransactionType: models.TypePackage, Hours: 500, Amount: 12500, Currency: "eur", ValidDays: new(30), RefundExpired: true},
	{ID: "monthly4", Name: "4 hours a month", TransactionType: models.TypeSubscription, Hours: 400, Amount: 11200, Currency: "eur"},
}

// serveSandbox serves with a stand-in for Stripe in the same process. What
// the environment doesn't set is made up and printed.
func (p *program) serveSandbox(ctx context.Context) error {
	environ, made := p.sandboxEnviron()
	cfg, err := config.Load(environ)
	if cfg != nil && cfg.Live() { // whatever else is wrong follows from it
		return cli.Usage(errors.New("STRIPE_SECRET_KEY: --sandbox is refused with a live key"))
	}
	if err != nil {
		return cli.Usage(err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.SandboxAddr)
	if err != nil {
		return fmt.Errorf("SANDBOX_ADDR: %w", err)
	}
	cfg.Sandbox = true
	stripeBase := "http://" + reachable(listener.Addr().String())
	cfg.StripeAPIBase = cmp.Or(cfg.StripeAPIBase, stripeBase)
	host, _, _ := net.SplitHostPort(cfg.SandboxAddr) // it was listened on
	// Whoever listens with the Stripe CLI is told its secret, which must not be
	// one that was set.
	cliSecret := "whsec_" + rand.Text()
	cfg.StripeWebhookSecrets = append(cfg.StripeWebhookSecrets, cliSecret)
	clock, serving := &database.Clock{}, atomic.Pointer[services.Services]{}
	standIn := sandbox.New(sandbox.Config{
		Host: host, CLISecret: cliSecret, Logger: p.Logger(cfg).Named("sandbox"), Clock: clock.Now,
		Advance: func(days int) error {
			s := serving.Load()
			if s == nil {
				return errors.New("nothing is served yet")
			}
			_, err := s.Clock.Advance(ctx, sandboxActor, clock.DaysAhead(), days)
			return err
		},
	})
	server := cli.NewHTTPServer(standIn.Handler())
	server.WriteTimeout = 0 // a listening Stripe CLI keeps its websocket

	running, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return standIn.Run(running) })
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the sandbox: %w", err)
		}
		return nil
	})
	err = p.runServer(ctx, cfg, clock, func(ctx context.Context, s *services.Services, address string) error {
		serving.Store(s)
		base := "http://" + reachable(address)
		if err := addEndpoints(standIn, cfg, base); err != nil {
			return err
		}
		return p.welcome(ctx, s, welcome{base: base, stripe: stripeBase, made: made})
	})
	stop()
	return errors.Join(err, server.Close(), group.Wait())
}

// sandboxEnviron fills in what is needed and not set. It also gives what it
// made, which is all that may be shown: what was set may open other doors.
func (p *program) sandboxEnviron() (environ, made map[string]string) {
	environ, made = maps.Clone(p.Environ), map[string]string{}
	for name, value := range map[string]string{
		"STRIPE_SECRET_KEY":     sandboxSecretKey,
		"STRIPE_PUBLIC_KEY":     "pk_test_sandbox",
		"STRIPE_WEBHOOK_SECRET": "whsec_" + rand.Text(),
		"API_KEYS":              sandboxKeyName + rand.Text(),
	} {
		if environ[name] == "" && environ[name+"_FILE"] == "" {
			environ[name], made[name] = value, value
		}
	}
	return environ, made
}

// addEndpoints registers both of our addresses with the stand-in, each for
// its own events.
func addEndpoints(standIn *sandbox.Sandbox, cfg *config.Config, base string) error {
	webhook := base + "/api/finances/webhooks/stripe/"
	return errors.Join(
		standIn.AddEndpoint(sandbox.Endpoint{URL: webhook, Secret: cfg.StripeWebhookSecrets[0], Events: api.PaymentEvents()}),
		standIn.AddEndpoint(sandbox.Endpoint{URL: webhook + "subscriptions/", Secret: cfg.SubscriptionSecrets()[0], Events: api.BillingEvents()}),
	)
}

// reachable turns a listening address into one to connect to.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

type welcome struct {
	base, stripe string
	made         map[string]string // secrets
}

// secret is one that we made, or where to find it.
func (w welcome) secret(name string) string { return cmp.Or(w.made[name], "$"+name) }

// welcome makes plans and a purchase, and says what to try with them.
func (p *program) welcome(ctx context.Context, s *services.Services, w welcome) error {
	for _, plan := range sandboxPlans {
		plan.Active = true
		_, err := s.Plans.Add(ctx, plan)
		if known, ok := errors.AsType[*models.Error](err); err != nil && (!ok || known.Code != models.CodeConflict) {
			return err
		}
	}
	answer, err := s.Sales.Sell(ctx, sales.Order{StudentID: sandboxStudent, Plan: sandboxPlans[1].ID}, sales.RequestKey{})
	if err != nil {
		return err
	}
	var sale sales.Sale
	if err := json.Unmarshal(answer.Body, &sale); err != nil {
		return fmt.Errorf("read the sale: %w", err)
	}
	w.print(p.Stdout, sale.Purchase)
	return nil
}

func (w welcome) print(out io.Writer, purchase *models.Purchase) {
	apiKey := "YOUR_ADMIN_KEY"
	if made := w.made["API_KEYS"]; made != "" {
		apiKey = strings.TrimPrefix(made, sandboxKeyName)
	}
	fmt.Fprintf(out, `
Hourbank sandbox: Stripe is a stand-in in this process, and no money is real.

  Hourbank         %[1]s
  console          %[1]s/console/ (sign in with the admin key; the till is there)
  Stripe           %[2]s
  admin key        %[3]s
  webhook secret   %[4]s

Student %[5]s wants to buy %[6]s hours for %[10]s: purchase %[7]s.
Pay, see the hours, give half of the money back, see again:

  curl -s -u %[8]s: %[2]s/v1/payment_intents/%[9]s/confirm -d payment_method=pm_card_visa
  curl -s -H "Authorization: Bearer %[3]s" %[1]s/api/finances/students/%[5]s/balance/
  curl -s -u %[8]s: %[2]s/v1/refunds -d payment_intent=%[9]s -d amount=14000
  curl -s -H "Authorization: Bearer %[3]s" %[1]s/api/finances/students/%[5]s/balance/
  curl -s -H "Authorization: Bearer %[3]s" %[1]s/api/finances/students/%[5]s/ledger/

A bad card is pm_card_chargeDeclined; a disputed one pm_card_createDispute. For
other commands (audit, reconcile, test-stripe-webhook), in another terminal:

  export STRIPE_WEBHOOK_SECRET=%[4]s STRIPE_SECRET_KEY=%[8]s STRIPE_API_BASE=%[2]s

`, w.base, w.stripe, apiKey, w.secret("STRIPE_WEBHOOK_SECRET"), purchase.StudentID, purchase.Hours, purchase.ID, w.secret("STRIPE_SECRET_KEY"), *purchase.StripePaymentIntentID, models.FormatMoney(purchase.Amount, purchase.Currency))
}
