package runbooks

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourbank/sandbox"
	"hourbank/tests/harness"
)

// deafen lets Stripe's events get lost, until it is told to hear again.
func (d *desk) deafen() (hear func()) {
	d.t.Helper()
	d.stripe.Settle(d.t)
	set := func(x sandbox.Chaos) {
		if err := d.stripe.SetChaos(x); err != nil {
			d.t.Fatal(err)
		}
	}
	set(sandbox.Chaos{Drop: 1})
	return func() {
		d.stripe.Settle(d.t)
		set(sandbox.Chaos{})
	}
}

func TestNoEventsArrive(t *testing.T) {
	onEach(t, "No events arrive", func(_ *testing.T, d *desk) {
		d.buy("anna")
		_, intent := d.sell("bert")
		hear := d.deafen()
		d.pay(intent)
		hear()
		d.follow(`{"status":"ready"}`, `status="200"`)
		d.follow("pending → completed")
	})
}

func TestAWebhookSecretWasRolled(t *testing.T) {
	onEach(t, "A webhook secret was rolled", func(t *testing.T, d *desk) {
		rolled := "whsec_the_new_one_of_the_endpoint_x7Q"
		paid := harness.NewPurchase(t).Create(d.Database).Succeeded()
		send := func() int {
			body := paid.Body()
			return d.Request(t, http.MethodPost, harness.WebhookPath, body, "Stripe-Signature", harness.Sign(body, rolled)).Status
		}
		_, intent := d.sell("anna")
		hear := d.deafen() // as if all were refused
		d.pay(intent)
		hear()
		if status := send(); status != http.StatusBadRequest {
			t.Errorf("the new secret was answered %d", status)
		}
		d.env["NEW_SECRET"] = rolled
		d.follow()
		d.Stop(t)
		d.serve(d.Database)
		if status := send(); status != http.StatusOK {
			t.Errorf("the new secret was answered %d", status)
		}
		d.follow("corrected", `status="200"`)
		d.WantBalance(t, "anna", fields{"hours_available": "8.00"})
		d.follow()
		if secret, err := os.ReadFile(d.env["STRIPE_WEBHOOK_SECRET_FILE"]); err != nil || string(secret) != rolled {
			t.Errorf("%v %s", err, secret)
		}
	})
}

func TestStripeSwitchedTheEndpointOff(t *testing.T) {
	onEach(t, "Stripe switched the endpoint off", func(t *testing.T, d *desk) {
		_, intent := d.sell("anna")
		hear := d.deafen()
		d.pay(intent)
		hear()
		d.follow(`{"status":"ready"}`)
		d.follow("0.00 → 8.00", "0 differences")
		d.WantBalance(t, "anna", fields{"hours_available": "8.00"})
	})
}

func TestEventsAreParked(t *testing.T) {
	onEach(t, "Events are parked", func(t *testing.T, d *desk) {
		s := harness.NewTeller(harness.V2026)
		strange, planless := s.Paid("pi_1", 12_000).With("metadata", map[string]any{}), s.Paid("pi_2", 9000).With("metadata", s.Buys("pack6"))
		for _, told := range []*harness.Told{strange, planless} {
			if answer, err := d.Tell(told); err != nil || answer.Get("status").String() != "parked" {
				t.Fatalf("%v %s", err, answer.Body)
			}
		}
		harness.Eventually(t, "both are cases", func() bool {
			return d.Get(t, api+"/cases/?status=open&kind=unmatched_payment").Get("data.#").Int() == 2
		})
		d.follow(strange.ID, planless.ID, s.ID("pi_1"))
		d.env["EVENT"] = strange.ID
		d.follow(s.ID("pi_1"), "12000", "pack8")
		d.env["CASE"], d.env["STUDENT"], d.env["PLAN"] = d.Get(t, api+"/cases/?status=open").Get(`data.#(payment=="`+s.ID("pi_1")+`").id`).String(), "anna", "pack8"
		d.follow(`"student_id":"anna"`)
		d.WantBalance(t, "anna", fields{"hours_available": "8.00"})
		d.MustRun(t, "plans", "add", "--id", "pack6", "--name", "6 hours", "--hours", "6.00", "--amount", "9000", "--currency", "eur")
		d.env["EVENT"] = planless.ID
		d.follow("processed")
		d.WantBalance(t, s.Student, fields{"hours_available": "6.00"})
		d.Get(t, api+"/cases/?status=open").WantFields(t, fields{"data.#": "0"})
	}, "PARK_FOR=3s")
}

func TestTheBooksDiffer(t *testing.T) {
	onEach(t, "The books differ", func(t *testing.T, d *desk) {
		id, _ := d.buy("anna")
		d.Force(t, "UPDATE purchase_transactions SET hours_reversed = 300 WHERE id = '"+id+"'")
		d.Force(t, "UPDATE student_account_balances SET hours_purchased = 8800 WHERE student_id = 'anna'")
		d.follow("purchase "+id, "account anna", "1 would be rebuilt", "1 totals re-added")
		d.follow("account anna: hours_purchased: 88.00 → 8.00", "0 differences")
		d.WantBalance(t, "anna", fields{"hours_available": "8.00"})
	})
}

func TestDisputesInBulk(t *testing.T) {
	onEach(t, "Disputes in bulk", func(t *testing.T, d *desk) {
		for n := range 3 {
			student := fmt.Sprint("thief_", n)
			_, intent := d.buy(student)
			d.Post(t, harness.WriteKey, api+"/students/"+student+"/consumptions/", `{"hours":"2.00","reference":"lesson"}`).Want(t, http.StatusCreated)
			if _, err := d.stripe.Do(intent, "dispute", sandbox.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		d.stripe.Settle(t)
		d.openCase("overdrawn")
		d.follow("thief_0", "dispute", "overdrawn")
		if file, err := os.ReadFile(filepath.Join(d.env["DESK"], "disputes.csv")); err != nil || strings.Count(string(file), ",dispute,open,thief_") != 3 {
			t.Errorf("%v %s", err, file)
		}
		d.env["PLAN"] = "pack8"
		d.follow()
		d.Post(t, harness.WriteKey, api+"/purchases/", `{"student_id":"thief_9","plan":"pack8"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		d.follow("0 corrected")
	})
}

func TestTheDiskIsFull(t *testing.T) {
	onEach(t, "The disk is full", func(_ *testing.T, d *desk) { // tests/faults really fills one
		d.buy("anna")
		d.env["DATA"] = d.env["DESK"]
		d.follow("Filesystem", "webhook-secret")
		d.follow(`{"status":"ready"}`, "0 differences")
	})
}

func TestAReplicaDisagrees(t *testing.T) {
	onEach(t, "A replica disagrees", func(t *testing.T, d *desk) {
		d.buy("anna")
		other := harness.NewDatabase(t, d.Engine).Serve(t)
		d.env["REPLICAS"] = d.BaseURL + " " + other.BaseURL
		newest := d.Get(t, api+"/events/?limit=1").Get("data.0.id").String()
		said := d.follow(d.BaseURL+" is ready: 200, newest event: \"id\":\""+newest, "holds")
		if !strings.Contains(said, other.BaseURL+" is ready: 200, newest event: \n") {
			t.Errorf("the one with another database: %s", said)
		}
		d.follow("DATABASE_URL")
	})
}

func TestAPlanWasSoldAtAWrongPrice(t *testing.T) {
	onEach(t, "A plan was sold at a wrong price", func(t *testing.T, d *desk) {
		first, _ := d.buy("anna")
		second, _ := d.buy("bert")
		day := d.Get(t, api+"/purchases/"+first+"/").Get("created_at").String()[:len("2026-11-26")]
		maps.Copy(d.env, fields{
			"PLAN": "pack8", "DAY": day, "NAME": "8 hours", "HOURS": "8.00", "AMOUNT": "9000", "CURRENCY": "eur", "BACK": "3000", "SHARE": "2.00",
		})
		d.follow("pack8-again")
		said := d.follow(first+" of anna: 3000 back, 2.00 h granted", second+" of bert")
		d.stripe.Settle(t)
		for _, student := range []string{"anna", "bert"} {
			d.WantBalance(t, student, fields{"hours_available": "8.00", "balance_amount": "9000", "hours_granted": "2.00"})
		}
		d.at-- // once more
		if again := d.follow(); again != said {
			t.Errorf("it said %s, and then %s", said, again)
		}
		d.stripe.Settle(t)
		d.WantBalance(t, "anna", fields{"hours_available": "8.00", "balance_amount": "9000"})
	})
}

func TestAStudentIsToBeForgotten(t *testing.T) {
	onEach(t, "A student is to be forgotten", func(t *testing.T, d *desk) {
		d.buy("anna")
		d.env["STUDENT"] = "anna"
		d.follow("1 purchases", "No such cases")
		d.Get(t, api+"/students/anna/balance/").WantFields(t, fields{"hours_available": "8.00"})
		d.follow("0 differences")
		d.As(t, harness.ReadKey, http.MethodGet, api+"/students/anna/balance/").WantProblem(t, http.StatusNotFound, "not_found")
	})
}

func TestThePlatformIsNotTold(t *testing.T) {
	receiver := harness.NewReceiver(t, nil)
	onEach(t, "The platform is not told", func(t *testing.T, d *desk) {
		d.buy("anna-" + string(d.Engine))
		receiver.WantTold(t, "anna-"+string(d.Engine), "purchase.completed", "hours.credited")
		harness.Eventually(t, "what was told is noted", func() bool {
			return d.Count(t, "SELECT count(*) FROM event_deliveries WHERE delivered_at IS NULL") == 0
		})
		d.Force(t, "UPDATE event_deliveries SET delivered_at = NULL, failed_at = created_at, last_error = 'the receiver answered 500'")
		d.follow("the receiver answered 500")
		d.follow()
		receiver.WantTold(t, "anna-"+string(d.Engine), "purchase.completed", "hours.credited", "purchase.completed", "hours.credited")
	}, receiver.Settings()...)
}

func TestCasesAreOpen(t *testing.T) {
	onEach(t, "Cases are open", func(t *testing.T, d *desk) {
		s := harness.NewTeller(harness.V2026)
		sold := harness.NewPurchase(t).Create(d.Database)
		s.Purchase = sold.ID
		if _, err := d.Tell(s.Paid("pi_1", 3000)); err != nil {
			t.Fatal(err)
		}
		d.env["CASE"], d.env["NOTE"] = d.openCase("underpaid"), "the rest was paid in cash"
		d.follow("underpaid", sold.Student)
		d.follow()
		d.Get(t, api+"/cases/?status=closed").WantFields(t, fields{"data.0.note": "the rest was paid in cash"})
	})
}

func TestEventsAreAnswered503(t *testing.T) {
	onEach(t, "Events are answered 503", func(t *testing.T, d *desk) {
		d.buy("anna")
		_, intent := d.sell("bert")
		d.stripe.Settle(t)
		release := d.HoldUp(t, "webhook_events")
		d.pay(intent)
		d.follow("applied")
		release()
		d.stripe.Settle(t)
		d.follow("corrected", "0 differences")
		d.WantBalance(t, "bert", fields{"hours_available": "8.00"})
	})
}

func TestEventsAreRejected(t *testing.T) {
	onEach(t, "Events are rejected", func(t *testing.T, d *desk) {
		body := `{"id":"evt_forged","object":"event","type":"payment_intent.succeeded","created":1760000000,"livemode":false,"data":{"object":{"object":"payment_intent"}}}`
		d.Send(t, body).Want(t, http.StatusOK).WantFields(t, fields{"status": "rejected"})
		d.env["EVENT"] = "evt_forged"
		d.follow("evt_forged", "missing_object")
	})
}
