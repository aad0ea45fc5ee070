package webhooktest

import (
	"fmt"
	"net"
	"strings"
)

// cliInstructions take the options of every command, listen's own, and the
// webhook's address without its trailing slash.
const cliInstructions = `Stripe CLI

  1. Install it: https://docs.stripe.com/stripe-cli#install

       brew install stripe/stripe-cli/stripe        macOS, Linux
       scoop install stripe                         Windows, after: scoop bucket add stripe https://github.com/stripe/scoop-stripe-cli.git
       docker run --rm -it stripe/stripe-cli        anywhere

  2. Log in with your test account (or give it the key: export STRIPE_API_KEY=sk_test_…):

       stripe login

  3. Forward Stripe's events to Hourbank. It prints a signing secret, whsec_…:

       stripe listen%[1]s%[2]s --forward-to %[3]s/

  4. In another terminal, serve with that secret:

       STRIPE_WEBHOOK_SECRET=whsec_… hourbank serve

  5. In a third terminal, make events happen:

       stripe trigger%[1]s payment_intent.succeeded
       stripe trigger%[1]s payment_intent.payment_failed
       stripe trigger%[1]s payment_intent.canceled

     Their PaymentIntents are new ones, so that each event is answered 202 and parked:
     no purchase here knows it. To pay one, name it in the metadata:

       stripe trigger%[1]s payment_intent.succeeded \
         --override payment_intent:amount=5000 --override payment_intent:currency=eur \
         --add payment_intent:metadata.purchase_transaction_id=ID

     where ID is the purchase that this makes:

       hourbank test-stripe-webhook --create-test-data

  6. See what became of them:

       hourbank events list

`

// printInstructions says how to try the webhook with the Stripe CLI.
func (t *webhookTest) printInstructions() {
	if t.options.asJSON {
		return // --all --json: for a program
	}
	address := t.options.url
	if address == "" {
		address = "http://" + net.JoinHostPort(t.host(), t.port()) + webhookPath
	}
	options := ""
	if base := t.cfg.StripeAPIBase; base != "" {
		options = " --api-base " + base
	}
	noTLS := ""
	if strings.HasPrefix(t.cfg.StripeAPIBase, "http://") {
		noTLS = " --no-wss" // a stand-in's websocket has no certificate
	}
	fmt.Fprintf(t.Stdout, cliInstructions, options, noTLS, address)
}

// host is where this machine reaches the service.
func (t *webhookTest) host() string {
	host, _, _ := net.SplitHostPort(t.cfg.ListenAddr) // a wrong one is a mistake of the configuration, told as that
	if ip := net.ParseIP(host); host == "" || (ip != nil && (ip.IsUnspecified() || ip.IsLoopback())) {
		return "localhost"
	}
	return host
}

// port is the service's.
func (t *webhookTest) port() string {
	_, port, err := net.SplitHostPort(t.cfg.ListenAddr)
	if err != nil || port == "" {
		return "8000"
	}
	return port
}
