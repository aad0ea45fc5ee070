package tests

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// hostile events are signed and yet odd inside. Each must be kept, answered,
// named in the log, readable again, and be no trouble for the next event.
func hostile(p *harness.Purchase) map[string]string {
	event := func(id, created, object string) string {
		return fmt.Sprintf(`{"id":%q,"object":"event","type":"payment_intent.succeeded","livemode":false,"created":%s,"data":{"object":%s}}`, id, created, object)
	}
	intent := func(more string) string {
		return fmt.Sprintf(`{"id":%q,"object":"payment_intent","amount":5000,"currency":"eur"%s}`, p.PaymentIntent, more)
	}
	nested := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	const zero = `\u0000`
	return map[string]string{
		"evt_nested":           event("evt_nested", "1", intent(`,"amount_received":1,"metadata":{"x":`+nested+`}`)),
		"evt_nested_outside":   `{"id":"evt_nested_outside","type":"something.new","x":` + nested + `}`,
		"evt_zero":             event("evt_zero", "1", intent(`,"amount_received":1,"description":"a`+zero+`b"`)),
		"evt_zero_in_id":       event("evt_zero_in_id", "1", `{"id":"pi_`+zero+`x"}`),
		"evt_zero_in_meta":     event("evt_zero_in_meta", "1", `{"id":"pi_none","metadata":{"purchase_transaction_id":"a`+zero+`b"}}`),
		"evt_zero_in_currency": event("evt_zero_in_currency", "1", intent(`,"currency":"e`+zero+`r","amount_received":1`)),
		"evt_bytes":            event("evt_bytes", "1", intent(",\"amount_received\":1,\"description\":\"a\xff\xfe\xc3b\"")),
		"evt_bytes_in_id":      event("evt_bytes_in_id", "1", "{\"id\":\"pi_\xff\"}"),
		"evt_surrogate":        event("evt_surrogate", "1", `{"id":"pi_\ud800","currency":"\udfff"}`),
		"evt_huge_number":      event("evt_huge_number", "1", intent(`,"amount_received":99999999999999999999999999`)),
		"evt_huge_exponent":    event("evt_huge_exponent", "1e400", intent(`,"amount_received":1e400`)),
		"evt_int64":            event("evt_int64", "9223372036854775807", intent(`,"amount_received":9223372036854775808`)),
		"evt_negative":         event("evt_negative", "-9223372036854775809", intent(`,"amount_received":-5000`)),
		"evt_fraction":         event("evt_fraction", "1.5", intent(`,"amount_received":4999.5`)),
		"evt_text_number":      event("evt_text_number", `"1"`, intent(`,"amount_received":"4000"`)),
		"evt_long_id":          event("evt_long_id", "1", `{"id":"`+strings.Repeat("p", 10_000)+`"}`),
		"evt_long_meta":        event("evt_long_meta", "1", `{"id":"pi_none","metadata":{"purchase_transaction_id":"`+strings.Repeat("m", 10_000)+`"}}`),
		"evt_long_customer":    event("evt_long_customer", "1", intent(`,"amount_received":1,"customer":"`+strings.Repeat("c", 10_000)+`"`)),
		"evt_list_for_object":  event("evt_list_for_object", "[]", `{"id":"pi_none","metadata":[],"currency":{},"customer":[1]}`),
		"evt_nulls":            event("evt_nulls", "null", `{"id":"pi_none","metadata":null,"last_payment_error":null}`),
		"evt_ünïcödé ☂":        event("evt_ünïcödé ☂", "1", `{"id":"pi_none"}`),
	}
}

func TestHostileEventsAreKeptAnsweredAndLogged(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		for id, body := range hostile(p) {
			t.Run(id, func(t *testing.T) {
				answer := app.Send(t, body)
				if answer.Status != http.StatusOK && answer.Status != http.StatusAccepted {
					t.Fatalf("answered %d: %s", answer.Status, answer.Body)
				}
				answer.WantFields(t, fields{"event_id": id, "duplicate": "false"})
				if len(app.Log.Lines("event_id", id)) == 0 {
					t.Error("no log line names it")
				}
				app.Send(t, body).WantFields(t, fields{"event_id": id, "duplicate": "true"})
			})
		}
		app.WantPurchase(t, p, fields{"payment_status": "pending", "hours_credited": "0.00"})
		app.MustProcess(t, p.Succeeded())
		app.WantBalance(t, p.Student, fields{"hours_available": "10.00"})
		app.MustAudit(t)
	})
}

func TestHostileEventsAreShownAndReplayed(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		for id, body := range hostile(p) {
			app.Send(t, body)
			t.Run(id, func(t *testing.T) {
				path := "/api/finances/events/" + url.PathEscape(id) + "/"
				app.Get(t, path).WantFields(t, fields{"id": id, "payload.id": id})
				app.As(t, harness.AdminKey, http.MethodPost, path+"replay/").Want(t, http.StatusOK).WantFields(t, fields{"event_id": id})
				app.MustRun(t, "events", "show", id, "--json")
				app.MustRun(t, "events", "show", id)
			})
		}
		app.Get(t, "/api/finances/events/?limit=100")
		app.MustAudit(t)
	})
}

// What the failure says is kept on the purchase, in a jsonb column, as long as
// a person may read it.
func TestFailureMessagesOfAnyKindAreKept(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, said := range []string{"a\x00b", "☂ \u2028 </script>", strings.Repeat("long ", 10_000), `"quoted"\`} {
			p := app.NewPurchase(t)
			app.MustProcess(t, p.Intent(failed).Set("last_payment_error.message", said))
			app.WantPurchase(t, p, fields{"payment_status": "failed", "failure.message": strings.ReplaceAll(said[:min(len(said), 500)], "\x00", "\uFFFD")})
		}
	})
}

func TestBodyOfTwoMebibytesAnswers413(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		body := `{"id":"evt_large","type":"x","pad":"` + strings.Repeat("x", 2<<20) + `"}`
		app.Send(t, body).WantProblem(t, http.StatusRequestEntityTooLarge, "payload_too_large")
	})
}

func TestAddressesThatNoDatabaseCouldLookUpAreRefused(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, path := range []string{
			"/api/finances/purchases/%00/", "/api/finances/purchases/%ff/", "/api/finances/students/a%00b/balance/",
			"/api/finances/purchases/?student_id=%00", "/api/finances/events/?type=%ff", "/api/finances/events/%00/",
		} {
			app.As(t, harness.ReadKey, http.MethodGet, path).WantProblem(t, http.StatusBadRequest, "invalid_request")
		}
		for _, path := range []string{"/api/finances/purchases/a%2Fb/", "/api/finances/purchases/" + strings.Repeat("x", 10_000) + "/"} {
			app.As(t, harness.ReadKey, http.MethodGet, path).WantProblem(t, http.StatusNotFound, "not_found")
		}
	})
}
