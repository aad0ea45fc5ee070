package restore

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
	"hourbank/tests/harness"
)

const api = "/api/finances"

// story is a platform that sells and gives lessons, and keeps a list of these.
type story struct {
	t       *testing.T
	db      *harness.Database
	app     *harness.App
	stripe  *harness.Stripe
	orders  int
	lessons []string // since the last one that is known to be safe
}

func newStory(t *testing.T, db *harness.Database) *story {
	s := &story{t: t, db: db, stripe: harness.NewStripe(t)}
	s.app = db.Serve(t, s.stripe.Settings()...)
	s.stripe.SendTo(t, s.app)
	return s
}

// sell sells, and gives the PaymentIntent. What is {plan} or hours at a price.
func (s *story) sell(student, what string) (intent string) {
	s.t.Helper()
	s.orders++
	sold := s.app.PostPatiently(s.t, harness.WriteKey, api+"/purchases/", fmt.Sprintf(`{"student_id":%q,%s}`, student, what),
		"Idempotency-Key", fmt.Sprint("order_", s.orders))
	return sold.Want(s.t, http.StatusCreated).Get("stripe_payment_intent_id").String()
}

func (s *story) pay(intent string) {
	s.t.Helper()
	_, err := s.stripe.API.PaymentIntents.Confirm(intent, &stripe.PaymentIntentConfirmParams{
		PaymentMethod: stripe.String("pm_card_visa"), ReturnURL: stripe.String("https://example.com"),
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) refund(intent string, amount int64) {
	s.t.Helper()
	if _, err := s.stripe.API.Refunds.New(&stripe.RefundParams{PaymentIntent: &intent, Amount: &amount}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) dispute(intent string) {
	s.t.Helper()
	if _, err := s.stripe.Do(intent, "dispute", sandbox.Options{Amount: 1000}); err != nil {
		s.t.Fatal(err)
	}
}

// lesson books one, and writes a line of it down.
func (s *story) lesson(student, hours string) {
	s.t.Helper()
	at, reference := time.Now().UTC().Format(time.RFC3339Nano), fmt.Sprint("lesson_", harness.RandomName())
	s.app.PostPatiently(s.t, harness.WriteKey, api+"/students/"+student+"/consumptions/",
		fmt.Sprintf(`{"hours":%q,"reference":%q,"lesson_at":%q}`, hours, reference, at)).Want(s.t, http.StatusCreated)
	s.lessons = append(s.lessons, strings.Join([]string{student, hours, reference, at}, " ")+"\n")
}

// lines is a file of the lessons.
func (s *story) lines() string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "lessons")
	if err := os.WriteFile(path, []byte(strings.Join(s.lessons, "")), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// books are all purchases and accounts, as the API shows them: their own fields, but
// for the times of rows.
func (s *story) books(app *harness.App) map[string]string {
	s.t.Helper()
	found := map[string]string{}
	for list, names := range map[string][2]string{
		"purchases": {"id", "student_id beneficiary_id payment_status amount currency hours hours_credited hours_reversed amount_received amount_refunded amount_disputed stripe_payment_intent_id expires_at"},
		"students":  {"student_id", "currency hours_purchased hours_granted hours_reversed hours_consumed hours_expired hours_held hours_available balance_amount overdrawn next_expiry"},
	} {
		for cursor := ""; ; {
			page, err := app.Read(fmt.Sprintf("%s/%s/?limit=100&cursor=%s", api, list, cursor))
			if err != nil || page.Status != http.StatusOK {
				s.t.Fatalf("%s are answered %d (%v): %v", list, page.Status, err, app.Log.Lines("request_id", page.Get("request_id").String()))
			}
			for _, row := range page.Get("data").Array() {
				var fields []string
				for name := range strings.FieldsSeq(names[1]) {
					fields = append(fields, name+"="+row.Get(name).String())
				}
				found[list+" "+row.Get(names[0]).String()] = strings.Join(fields, " ")
			}
			if cursor = page.Get("next_cursor").String(); cursor == "" {
				break
			}
		}
	}
	return found
}

// wantSame compares two books.
func wantSame(t *testing.T, want, got map[string]string) {
	t.Helper()
	if len(want) == 0 {
		t.Error("nothing was compared")
	}
	names := maps.Clone(want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if want[name] != got[name] {
			t.Errorf("%s was\n  %s, and is\n  %s", name, want[name], got[name])
		}
	}
}
