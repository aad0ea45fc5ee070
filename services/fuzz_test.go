package services

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stripe/stripe-go/v76/webhook"

	"hourbank/models"
)

// ours are the codes of what no sender could have caused.
var ours = []models.Code{models.CodeInternal, models.CodeUnavailable, models.CodeOverloaded, models.CodeStripeError, models.CodeStripeUnavailable}

// wantUserError fails for errors that a sender could not have caused.
func wantUserError(t *testing.T, err error) {
	t.Helper()
	if known, ok := errors.AsType[*models.Error](err); !ok || slices.Contains(ours, known.Code) {
		t.Fatalf("a sender's mistake is %v", err)
	}
}

// Only a signature that was made with the secret, now, is taken.
func FuzzSignature(f *testing.F) {
	body, secret := []byte(`{"id":"evt_1"}`), "whsec_fuzz"
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: secret, Timestamp: time.Unix(1, 0)})
	for _, header := range []string{signed.Header, "t=1,v1=", "t=,v1=00", "v1=00", "t=9223372036854775808,v1=00", "t=1,t=2,v1=00,v0=00", ",,,", "t=1;v1=0", ""} {
		f.Add(header, body)
	}
	s := NewStripeService("", "")
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if err := s.Verify(body, header, []string{secret, "whsec_other"}); err != nil {
			wantUserError(t, err)
			return
		}
		t.Fatalf("%q was taken as a signature, and nobody signed", header)
	})
}

// Whatever is signed, what is read from it is within bounds, and is the same
// however the JSON is laid out.
func FuzzDecode(f *testing.F) {
	shapes, err := filepath.Glob("../tests/testdata/*/*.json")
	if err != nil || len(shapes) == 0 {
		f.Fatalf("no shapes of real objects: %v", err)
	}
	for _, path := range shapes {
		object, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, eventType := range []string{"payment_intent.succeeded", "payment_intent.payment_failed", "charge.refunded", "refund.updated",
			"charge.dispute.created", "checkout.session.completed", "invoice.paid", "customer.subscription.updated"} {
			f.Add([]byte(`{"id":"evt_1","object":"event","api_version":"2023-10-16","created":1760000000,"livemode":false,"type":"` +
				eventType + `","data":{"object":` + string(object) + `}}`))
		}
	}
	s := NewStripeService("", "")
	f.Fuzz(func(t *testing.T, payload []byte) {
		event, err := s.Decode(payload)
		if err != nil {
			wantUserError(t, err)
			return
		}
		if len(event.ID) > models.MaxIDLength || !utf8.ValidString(event.Payload) || event.Created < minCreated || event.Created > maxCreated {
			t.Fatalf("beyond the bounds: %+v", event)
		}
		for _, fact := range event.Facts {
			wantBoundedAmounts(t, reflect.ValueOf(fact))
			models.Derive(models.Terms{Amount: 1, Currency: "eur", Hours: 1}, learned(fact))
		}
		var compact bytes.Buffer
		if json.Compact(&compact, payload) != nil {
			return // nested deeper than encoding/json goes
		}
		again, err := s.Decode(compact.Bytes())
		if err != nil || !reflect.DeepEqual(again.Facts, event.Facts) || again.Keys != event.Keys || again.Status != event.Status {
			t.Fatalf("read otherwise once compact (%v): %+v, then %+v", err, event, again)
		}
	})
}

// learned is the evidence of one fact.
func learned(fact models.Fact) models.Evidence {
	p := models.Purchase{Amount: 1, Currency: "eur", Hours: 1}
	p.Learn([]models.Fact{fact})
	return p.Evidence
}

func wantBoundedAmounts(t *testing.T, fact reflect.Value) {
	t.Helper()
	if amount := fact.FieldByName("Amount"); amount.IsValid() && (amount.Int() < 0 || amount.Int() > models.MaxAmount) {
		t.Fatalf("an amount beyond the bounds: %+v", fact)
	}
}

// A cursor that is taken is one that a list could have given.
func FuzzCursor(f *testing.F) {
	f.Add(position{time.Unix(1_760_000_000, 0).UTC(), "01a209e0-41bb-76d7-bc45-7b659fec182f"}.cursor())
	for _, seed := range []string{"", "e30", "bnVsbA", "eyJ0IjoiOTk5OS0xMi0zMVQyMzo1OTo1OS0yMzo1OSIsImkiOiJ4In0", "====", "eyJpIjoiXHUwMDAwIn0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := parseCursor(cursor)
		if err != nil {
			wantUserError(t, err)
			return
		}
		again, err := parseCursor(p.cursor())
		if err != nil || !again.Time.Equal(p.Time) || again.ID != p.ID {
			t.Fatalf("%q is %+v, then %+v (%v)", cursor, p, again, err)
		}
	})
}

// An id, such as an Idempotency-Key, that is taken is one that every database
// keeps as it is.
func FuzzID(f *testing.F) {
	for _, seed := range []string{"key-1", "", "ключ", "a\x00b", "\xff", "\u0085", "\u202e", "x\ny"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if err := models.ValidateID("Idempotency-Key", id); err != nil {
			wantUserError(t, err)
			return
		}
		if id == "" || len(id) > models.MaxIDLength || !utf8.ValidString(id) || bytes.ContainsAny([]byte(id), "\x00\n\r\x7f") {
			t.Fatalf("%q was taken", id)
		}
		one, other := RequestKey{APIKey: "a", Key: id}, RequestKey{APIKey: "a" + id, Key: id}
		if one.id() == other.id() {
			t.Fatalf("two callers' keys %q are one", id)
		}
	})
}
