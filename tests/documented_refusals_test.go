package tests

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/openapi"
	"hourbank/sandbox"
	"hourbank/tests/harness"
)

// shop is a program with one of everything, for requests made from the
// document.
type shop struct {
	*harness.App
	standIn *harness.Stripe

	student, purchase, unpaid, event string
	invoice                          string // the case of an invoice that nobody knows
}

// openShop sells to student_1 what is then paid, and what is not.
func openShop(t *testing.T, app *harness.App, standIn *harness.Stripe) *shop {
	t.Helper()
	addPlan(t, app)
	sell := func() harness.Response {
		return app.Post(t, harness.WriteKey, api+"/purchases/", order).Want(t, http.StatusCreated)
	}
	paid, unpaid := sell(), sell()
	pay(t, standIn, paid.Get("stripe_payment_intent_id").String())
	standIn.Settle(t)
	s := &shop{App: app, standIn: standIn, student: "student_1", purchase: paid.Get("id").String(), unpaid: unpaid.Get("id").String()}
	s.invoice = unexplained(t, app)
	s.event = app.Get(t, api+"/events/?type=payment_intent.succeeded").Get("data.0.id").String()
	app.Post(t, harness.WriteKey, api+"/students/student_1/consumptions/", `{"hours":"1.00","reference":"lesson_1"}`).Want(t, http.StatusCreated)
	return s
}

// unexplained opens the case of a paid invoice whose lines no plan explains,
// and gives its id.
func unexplained(t *testing.T, app *harness.App) string {
	t.Helper()
	told := harness.NewTeller(harness.V2026).Invoice("paid", "in_1", harness.Line{Price: "price_of_nothing", Unit: 5000, Amount: 5000})
	app.Request(t, http.MethodPost, harness.SubscriptionsPath, told.Body(), "Stripe-Signature", harness.Sign(told.Body(), harness.SubscriptionsSecret)).
		Want(t, http.StatusAccepted)
	return app.Get(t, api+"/cases/?kind=unexplained_invoice").Get("data.0.id").String()
}

// operation is one of the document's, with the ids of a shop.
type operation struct {
	*openapi.Operation
	method, template string
}

// operations are all that the document describes.
func operations(t *testing.T) (*openapi.Document, []operation) {
	t.Helper()
	document, err := openapi.Parse()
	if err != nil {
		t.Fatal(err)
	}
	var all []operation
	for _, path := range document.Paths {
		for _, o := range path.Value.Operations() {
			all = append(all, operation{o.Value, o.Name, path.Name})
		}
	}
	return document, all
}

// path fills in ids of things that are there.
func (o operation) path(s *shop) string {
	id := s.purchase
	switch {
	case strings.Contains(o.template, "/events/"):
		id = s.event
	case strings.Contains(o.template, "/cases/"):
		id = s.invoice
	}
	return strings.NewReplacer("{id}", url.PathEscape(id), "{student_id}", s.student, "{reference}", "lesson_1", "{list}", "ledger.csv").Replace(o.template)
}

// usual is how any operation comes to a code that means the same everywhere.
var usual = map[string]func(*testing.T, *shop, operation) harness.Response{
	"invalid_request": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, o.path(s)+"?%00=", "")
	},
	"invalid_cursor": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, o.path(s)+"?cursor=x", "")
	},
	"unauthorized": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.Request(t, o.method, o.path(s), "{}")
	},
	"too_many_attempts": func(t *testing.T, s *shop, o operation) (answer harness.Response) {
		for range 40 {
			if answer = s.Request(t, o.method, o.path(s), "{}", "Authorization", "Bearer nobody's"); answer.Status != http.StatusUnauthorized {
				break
			}
		}
		return answer
	},
	"forbidden": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.Request(t, o.method, o.path(s), "{}", "Authorization", "Bearer "+harness.ReadKey)
	},
	"not_found": func(t *testing.T, s *shop, o operation) harness.Response {
		nothing := *s
		nothing.student, nothing.purchase, nothing.event = "nobody", "nothing", "nothing"
		return s.ask(t, o, o.path(&nothing), `{}`)
	},
	"payload_too_large": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, o.path(s), strings.Repeat(" ", 2<<20))
	},
}

// particular are the codes that an operation comes to in its own way.
var particular = map[string]func(*testing.T, *shop, operation) harness.Response{
	"exportList not_found": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, exportsPath+"payloads.csv", "")
	},
	"consumeHours not_found": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, api+"/students/nobody/consumptions/", `{"hours":"1.00","reference":"r"}`)
	},
	"adjustHours not_found": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, api+"/students/nobody/adjustments/", `{"hours":"1.00","reason":"r","reference":"r"}`)
	},
	"acceptPayment not_found": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, api+"/purchases/nothing/acceptance/", `{"payment":"pi_1","note":"n"}`)
	},
	"acceptPayment currency_mismatch": func(t *testing.T, s *shop, o operation) harness.Response {
		gift := harness.NewPurchase(t).For("buyer").To("friend").In("usd").Create(s.Database)
		s.MustProcess(t, harness.NewPurchase(t).For("friend").Create(s.Database).Succeeded())
		euros := harness.NewTeller(harness.V2026)
		tell(t, s.App, euros.Paid("pi_1", 5000).With("metadata", object{"purchase_transaction_id": gift.ID}))
		return s.ask(t, o, api+"/purchases/"+gift.ID+"/acceptance/", `{"payment":"`+euros.ID("pi_1")+`","note":"n"}`)
	},
	"closeCase not_found": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, api+"/cases/nothing/close/", `{"note":"n"}`)
	},
	"giveCase not_found": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, api+"/cases/nothing/purchase/", `{"student_id":"student_1","plan":"pack8"}`)
	},
	"giveCase currency_mismatch": func(t *testing.T, s *shop, o operation) harness.Response {
		s.MustRun(t, "plans", "add", "--id", "in_dollars", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "usd")
		return s.ask(t, o, o.path(s), `{"student_id":"student_1","plan":"in_dollars"}`)
	},
	"giveCase conflict": func(t *testing.T, s *shop, o operation) harness.Response {
		s.ask(t, o, o.path(s), `{"student_id":"student_1","plan":"pack8"}`).Want(t, http.StatusCreated)
		return s.ask(t, o, o.path(s), `{"student_id":"student_1","plan":"pack8"}`)
	},
	"consumeHours reference_used": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, o.path(s), `{"hours":"2.00","reference":"lesson_1"}`)
	},
	"holdHours not_found": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, api+"/students/nobody/holds/", `{"hours":"1.00","reference":"r"}`)
	},
	"holdHours reference_used": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, o.path(s), `{"hours":"1.50","reference":"lesson_1"}`)
	},
	"holdHours insufficient_hours": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, o.path(s), `{"hours":"9.01","reference":"too_long"}`)
	},
	"captureHold reference_used": func(t *testing.T, s *shop, o operation) harness.Response {
		holds := strings.TrimSuffix(o.path(s), "lesson_1/capture/")
		s.Post(t, harness.AdminKey, holds, `{"hours":"0.25","reference":"captured"}`).Want(t, http.StatusCreated)
		s.Post(t, harness.AdminKey, holds+"captured/capture/", `{}`).Want(t, http.StatusCreated)
		return s.ask(t, o, holds+"captured/capture/", `{"hours":"0.20"}`)
	},
	"releaseHold reference_used": func(t *testing.T, s *shop, o operation) harness.Response {
		holds := strings.TrimSuffix(o.path(s), "lesson_1/")
		s.Post(t, harness.AdminKey, holds, `{"hours":"0.25","reference":"taught"}`).Want(t, http.StatusCreated)
		s.Post(t, harness.AdminKey, holds+"taught/capture/", `{}`).Want(t, http.StatusCreated)
		return s.ask(t, o, holds+"taught/", "")
	},
	"adjustHours reference_used": usedReference,
	"grantHours reference_used":  usedReference,
	"consumeHours insufficient_hours": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, o.path(s), `{"hours":"9.01","reference":"too_long"}`)
	},
	"refundPurchase not_found": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, api+"/purchases/nothing/refunds/", `{"amount":100}`)
	},
	"refundPurchase conflict": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, api+"/purchases/"+s.unpaid+"/refunds/", `{"amount":100}`)
	},
	"refundPurchase idempotency_mismatch": func(t *testing.T, s *shop, o operation) harness.Response {
		s.ask(t, o, o.path(s), `{"amount":100}`, "Idempotency-Key", "refund").Want(t, http.StatusCreated)
		return s.ask(t, o, o.path(s), `{"amount":200}`, "Idempotency-Key", "refund")
	},
	"refundPurchase stripe_refused": func(t *testing.T, s *shop, o operation) harness.Response {
		s.stripeRefuses(t, "/v1/refunds")
		return s.ask(t, o, o.path(s), `{"amount":100}`)
	},
	// Stripe's answer and event were lost, and the PaymentIntent was entered by
	// hand meanwhile.
	"createPurchase conflict": func(t *testing.T, s *shop, o operation) harness.Response {
		lost := sandbox.Fault{Status: http.StatusInternalServerError, Count: 100, PathPrefix: "/v1/payment_intents", Executed: true}
		if err := errors.Join(s.standIn.AddFault(lost), s.standIn.SetChaos(sandbox.Chaos{Drop: 1})); err != nil {
			t.Fatal(err)
		}
		s.ask(t, o, o.path(s), order, "Idempotency-Key", "lost").Want(t, http.StatusServiceUnavailable)
		clearFaults(t, s.standIn)
		for intents := s.standIn.API.PaymentIntents.List(&stripe.PaymentIntentListParams{}); intents.Next(); {
			if id := intents.PaymentIntent().ID; s.As(t, harness.ReadKey, http.MethodGet, api+"/purchases/"+id).Status == http.StatusNotFound {
				harness.NewPurchase(t).WithIntent(id).Create(s.Database)
			}
		}
		return s.ask(t, o, o.path(s), order, "Idempotency-Key", "lost")
	},
	"createPurchase currency_mismatch": func(t *testing.T, s *shop, o operation) harness.Response {
		return s.ask(t, o, o.path(s), strings.Replace(order, "eur", "usd", 1))
	},
	"createPurchase idempotency_mismatch": func(t *testing.T, s *shop, o operation) harness.Response {
		s.ask(t, o, o.path(s), order, "Idempotency-Key", "sale").Want(t, http.StatusCreated)
		return s.ask(t, o, o.path(s), strings.Replace(order, "5000", "4000", 1), "Idempotency-Key", "sale")
	},
	"replayEvent payload_removed": func(t *testing.T, s *shop, o operation) harness.Response {
		s.Deliver(t, harness.NewEvent(t, "charge.pending", "charge").Named("evt_emptied")).Want(t, http.StatusOK)
		s.Exec(t, "UPDATE webhook_events SET payload = '' WHERE id = 'evt_emptied'")
		return s.ask(t, o, api+"/events/evt_emptied/replay/", "")
	},
	"createPurchase stripe_refused": func(t *testing.T, s *shop, o operation) harness.Response {
		s.stripeRefuses(t, "/v1/payment_intents")
		return s.ask(t, o, o.path(s), order)
	},
}

func usedReference(t *testing.T, s *shop, o operation) harness.Response {
	s.ask(t, o, o.path(s), `{"hours":"1.00","reason":"r","reference":"used"}`).Want(t, http.StatusCreated)
	return s.ask(t, o, o.path(s), `{"hours":"2.00","reason":"r","reference":"used"}`)
}

// deliveries are the bodies and signatures that a webhook refuses.
var deliveries = map[string]struct{ body, secret string }{
	"missing_payload":   {"", harness.WebhookSecret},
	"invalid_signature": {`{"id":"evt_1","type":"x"}`, "whsec_another"},
	"invalid_payload":   {`{"id":"evt_1"}`, harness.WebhookSecret},
}

func (s *shop) stripeRefuses(t *testing.T, path string) {
	t.Helper()
	if err := s.standIn.AddFault(sandbox.Fault{Status: http.StatusBadRequest, PathPrefix: path}); err != nil {
		t.Fatal(err)
	}
}

// ask asks with the admin's key; Stripe's addresses don't look at it.
func (s *shop) ask(t *testing.T, o operation, path, body string, headers ...string) harness.Response {
	t.Helper()
	return s.Request(t, o.method, path, body, append([]string{"Authorization", "Bearer " + harness.AdminKey}, headers...)...)
}

// refuse gets the operation to refuse with the code, or gives false where
// nobody has said how.
func (s *shop) refuse(t *testing.T, o operation, code string) (harness.Response, bool) {
	t.Helper()
	if delivery, ok := deliveries[code]; ok {
		secret := delivery.secret
		if secret == harness.WebhookSecret && strings.Contains(o.template, "subscriptions") {
			secret = harness.SubscriptionsSecret
		}
		return s.ask(t, o, o.path(s), delivery.body, "Stripe-Signature", harness.Sign(delivery.body, secret)), true
	}
	if code == "missing_signature" {
		return s.ask(t, o, o.path(s), `{}`), true
	}
	way := particular[o.ID+" "+code]
	if way == nil {
		way = usual[code]
	}
	if way == nil {
		return harness.Response{}, false
	}
	return way(t, s, o), true
}

// A 4xx that the document gains and nobody can bring about fails here.
func TestEveryRefusalInTheDocumentCanBeMet(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		s := openShop(t, app, standIn)
		document, all := operations(t)
		var met []string
		for _, o := range all {
			for _, response := range o.Responses {
				if response.Name < "400" || response.Name >= "500" {
					continue
				}
				for _, code := range document.Response(response.Value).Codes() {
					name := o.ID + " " + code
					answer, known := s.refuse(t, o, code)
					if !known {
						t.Errorf("say in this file how %s comes to %s %s", o.ID, response.Name, code)
						continue
					}
					if got := fmt.Sprint(answer.Status, " ", answer.Get("code")); got != response.Name+" "+code {
						t.Errorf("%s: answered %s, want %s: %s", name, got, response.Name, answer.Body)
					}
					met = append(met, name)
				}
			}
		}
		for name := range particular {
			if !slices.Contains(met, name) {
				t.Errorf("the document has no %s", name)
			}
		}
	})
}

// Nothing else is taken at an address than what is described there.
func TestEveryMethodThatIsNotInTheDocumentIsRefused(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		s := openShop(t, app, standIn)
		_, all := operations(t)
		taken := map[string][]string{}
		for _, o := range all {
			taken[o.template] = append(taken[o.template], o.method)
			if o.method == http.MethodGet {
				taken[o.template] = append(taken[o.template], http.MethodHead)
			}
		}
		for _, o := range all {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
				if slices.Contains(taken[o.template], method) {
					continue
				}
				answer := app.As(t, harness.AdminKey, method, o.path(s)).Want(t, http.StatusMethodNotAllowed)
				allowed := strings.Split(answer.Header.Get("Allow"), ", ")
				slices.Sort(allowed)
				want := slices.Sorted(slices.Values(taken[o.template]))
				wantSame(t, method+" "+o.template+": Allow", allowed, want)
			}
		}
	})
}
