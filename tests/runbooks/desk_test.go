// Package runbooks follows docs/operation.md's runbooks word by word: their commands are
// taken from the page.
package runbooks

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/tests/harness"
)

const api = "/api/finances"

type fields = map[string]string

// desk is where whoever is on call sits: a shell with the service's settings, beside a
// service and Stripe.
type desk struct {
	*harness.App
	t      *testing.T
	stripe *harness.Stripe
	env    map[string]string
	book   []string // the runbook's scripts, in order
	at     int
}

// onEach runs a story on each engine, with the runbook of a heading.
func onEach(t *testing.T, heading string, story func(t *testing.T, d *desk), settings ...string) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		d := &desk{t: t, stripe: harness.NewStripe(t), env: map[string]string{}, book: harness.Runbook(t, heading)}
		folder := t.TempDir()
		d.env["DESK"] = folder
		d.env["STRIPE_WEBHOOK_SECRET_FILE"] = filepath.Join(folder, "webhook-secret")
		d.write("webhook-secret", harness.WebhookSecret)
		d.serve(db, settings...)
		d.stripe.SendTo(t, d.App)
		db.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur")
		story(t, d)
		if d.at < len(d.book) {
			t.Errorf("%d scripts of %q were not followed", len(d.book)-d.at, heading)
		}
		db.MustAudit(t)
	})
}

// serve starts the service, and gives the desk what it was started with.
func (d *desk) serve(db *harness.Database, settings ...string) {
	d.t.Helper()
	d.App = db.Serve(d.t, append(append(d.stripe.Settings(), "STRIPE_WEBHOOK_SECRET=", "STRIPE_WEBHOOK_SECRET_FILE="+d.env["STRIPE_WEBHOOK_SECRET_FILE"]), settings...)...)
	for _, setting := range d.Environ {
		name, value, _ := strings.Cut(setting, "=")
		d.env[name] = value
	}
	maps.Copy(d.env, map[string]string{"HOURBANK": d.BaseURL, "API_KEY": harness.AdminKey})
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.env["DESK"], name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// follow runs the next script of the runbook, and wants its output to have the words.
func (d *desk) follow(words ...string) string {
	d.t.Helper()
	script := d.book[d.at]
	d.at++
	said := harness.RunSh(d.t, d.env, "cd \"$DESK\"\n"+script)
	for _, word := range words {
		if !strings.Contains(said, word) {
			d.t.Errorf("%ssays nothing of %q:\n%s", script, word, said)
		}
	}
	return said
}

// sell sells a pack, and gives the purchase's id and PaymentIntent.
func (d *desk) sell(student string) (id, intent string) {
	d.t.Helper()
	sold := d.PostPatiently(d.t, harness.WriteKey, api+"/purchases/", fmt.Sprintf(`{"student_id":%q,"plan":"pack8"}`, student), "Idempotency-Key", "for "+student)
	sold.Want(d.t, http.StatusCreated)
	return sold.Get("id").String(), sold.Get("stripe_payment_intent_id").String()
}

func (d *desk) pay(intent string) {
	d.t.Helper()
	_, err := d.stripe.API.PaymentIntents.Confirm(intent, &stripe.PaymentIntentConfirmParams{
		PaymentMethod: stripe.String("pm_card_visa"), ReturnURL: stripe.String("https://example.com"),
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// buy sells and pays, and waits for the hours.
func (d *desk) buy(student string) (id, intent string) {
	d.t.Helper()
	id, intent = d.sell(student)
	d.pay(intent)
	d.stripe.Settle(d.t)
	d.WantBalance(d.t, student, fields{"hours_available": "8.00"})
	return id, intent
}

// openCase waits for the case of a kind, and gives its id.
func (d *desk) openCase(kind string) (id string) {
	d.t.Helper()
	harness.Eventually(d.t, "there is a case "+kind, func() bool {
		id = d.Get(d.t, api+"/cases/?status=open&kind="+kind).Get("data.0.id").String()
		return id != ""
	})
	return id
}
