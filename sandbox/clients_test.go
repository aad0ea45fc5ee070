package sandbox_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
)

// life is what a client says of a payment that was captured and refunded in
// part, and of its event.
const life = "succeeded 1500 500 payment_intent.succeeded true"

// TestOldAndNewClientsLiveAPayment runs Stripe's own clients, the newest and
// old ones, each with the version of the API that it was made for.
// `make clients` brings those of other languages.
func TestOldAndNewClientsLiveAPayment(t *testing.T) {
	clients, err := filepath.Abs("testdata/clients")
	ok(t, err)
	bin, err := filepath.Abs("../.bin")
	ok(t, err)
	node := func(folder string) func(b *bench) *exec.Cmd {
		return func(b *bench) *exec.Cmd {
			return exec.CommandContext(b.t.Context(), "node", filepath.Join(clients, "life.js"), filepath.Join(bin, folder), b.url, testKey)
		}
	}
	for name, row := range map[string]struct {
		there func() bool
		run   func(b *bench) *exec.Cmd
	}{
		"the newest stripe-go": {
			func() bool { return succeeds(offline(filepath.Join(clients, "go"), "go", "list", "-deps", ".")) },
			func(b *bench) *exec.Cmd {
				return offline(filepath.Join(clients, "go"), "go", "run", ".", b.url, testKey)
			},
		},
		"the newest stripe-node": {func() bool { return isThere(bin, "stripe-node") }, node("stripe-node")},
		"stripe-node of 2022":    {func() bool { return isThere(bin, "stripe-node-2022") }, node("stripe-node-2022")},
		"Debian's python3-stripe": {
			func() bool {
				return succeeds(exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import stripe"))
			},
			func(b *bench) *exec.Cmd {
				return exec.CommandContext(b.t.Context(), "/usr/bin/python3", filepath.Join(clients, "life.py"), b.url, testKey)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if !row.there() {
				t.Skip("it is not installed: see make clients")
			}
			said, err := row.run(start(t)).CombinedOutput()
			if got := strings.TrimSpace(string(said)); err != nil || got != life {
				t.Errorf("got %v, %s\nwant %s", err, got, life)
			}
		})
	}
	t.Run("stripe-go v76", func(t *testing.T) {
		b := start(t)
		pi, err := b.api.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(2000), Currency: stripe.String("eur"), CaptureMethod: stripe.String("manual")})
		ok(t, err)
		_, err = b.api.PaymentIntents.Confirm(pi.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_visa")})
		ok(t, err)
		pi, err = b.api.PaymentIntents.Capture(pi.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(1500)})
		ok(t, err)
		refund := b.refund(pi.ID, 500)
		b.settled()
		event := b.event("payment_intent.succeeded")
		equal(t, "life", fmt.Sprint(pi.Status, " ", pi.AmountReceived, " ", refund.Amount, " ", event.Type, " ", event.Data.Object["id"] == pi.ID), life)
	})
}

// offline is a command that takes modules from the cache alone.
func offline(folder string, args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod")
	return cmd
}

func succeeds(cmd *exec.Cmd) bool { return cmd.Run() == nil }

func isThere(path ...string) bool {
	_, err := os.Stat(filepath.Join(path...))
	return err == nil
}
