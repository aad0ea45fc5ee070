package stripe

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
	"hourbank/models/money"
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
	s := NewStripeService(Options{})
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
	shapes, err := filepath.Glob("../../tests/testdata/*/*.json")
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
	s := NewStripeService(Options{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		event, err := s.Decode(payload, "")
		if err != nil {
			wantUserError(t, err)
			return
		}
		if len(event.ID) > models.MaxIDLength || !utf8.ValidString(event.Payload) || event.Created < minCreated || event.Created > maxCreated {
			t.Fatalf("beyond the bounds: %+v", event)
		}
		wantBounded(t, reflect.ValueOf(event.Told))
		d := money.Derive(models.Terms{Amount: 1, Currency: "eur", Hours: 1}, event.Told)
		if d.AmountReceived < 0 || d.AmountRefunded < 0 || d.AmountDisputed < 0 || d.AmountRefunded+d.AmountDisputed > d.AmountReceived {
			t.Fatalf("money out of nothing: %+v of %+v", d, event.Told)
		}
		var compact bytes.Buffer
		if json.Compact(&compact, payload) != nil {
			return // nested deeper than encoding/json goes
		}
		again, err := s.Decode(compact.Bytes(), "")
		if err != nil || !reflect.DeepEqual(again.Told, event.Told) || again.Names != event.Names || again.Status != event.Status {
			t.Fatalf("read otherwise once compact (%v): %+v, then %+v", err, event, again)
		}
	})
}

// wantBounded looks at every number and text that was read.
func wantBounded(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	default:
	case reflect.Int64:
		if v.Int() < -models.MaxAmount || v.Int() > models.MaxAmount {
			t.Fatalf("%d is beyond the bounds", v.Int())
		}
	case reflect.String:
		if v.Len() > 500 {
			t.Fatalf("a text of %d bytes is kept", v.Len())
		}
	case reflect.Pointer:
		if !v.IsNil() {
			wantBounded(t, v.Elem())
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			wantBounded(t, key)
			wantBounded(t, v.MapIndex(key))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			wantBounded(t, v.Field(i))
		}
	}
}
