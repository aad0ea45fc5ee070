package scrub_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hourbank/services/stripe"
	"hourbank/services/stripe/scrub"
	"hourbank/tests/law/telling"
)

func TestScrub(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ whole, kept string }{
		{`{}`, `{}`},
		{` [ 1 , "a\"b" , null ] `, ` [ 1 , "a\"b" , null ] `},
		{`{"client_secret":"x"}`, `{}`},
		{`{"client_secret":"x","id":"pi_1"}`, `{"id":"pi_1"}`},
		{`{"id":"pi_1","client_secret":"x"}`, `{"id":"pi_1"}`},
		{`{"id":"pi_1","client_secret":"x","receipt_email":"y","amount":1}`, `{"id":"pi_1","amount":1}`},
		{`{ "client_secret" : "x" , "name" : {"a":["}"]} , "id" : 1 }`, `{ "id" : 1 }`},
		{`{"id":1 , "name":"a" , "phone":"b"}`, `{"id":1  }`},
		{`{"cl\u0069ent_secret":"x","id":1}`, `{"id":1}`},
		{`{"id":"\\","name":"\\\"","a":"\""}`, `{"id":"\\","a":"\""}`},
		{`{"next_action":null,"name":null}`, `{"next_action":null,"name":null}`},
		{`{"payment_method":"pm_1","customer":"cus_1"}`, `{"payment_method":"pm_1","customer":"cus_1"}`},
		{`{"payment_method_details":{"card":{"last4":"4242"},"type":"card"}}`, `{"payment_method_details":{"type":"card"}}`},
		{`{"customer":{"id":"cus_1","object":"customer","email":"a@b","metadata":{}},"a":1}`, `{"customer":{"id":"cus_1","object":"customer"},"a":1}`},
		{`{"source":[{"last4":"4242"}],"card":{"id":{"client_secret":1}}}`, `{"card":{}}`},
		{`{"last_payment_error":{"code":"card_declined","message":"No.","payment_method":{"id":"pm_1","billing_details":{"email":"a@b"}}}}`,
			`{"last_payment_error":{"code":"card_declined","message":"No.","payment_method":{"id":"pm_1"}}}`},
		{`{"amount_details":{"shipping":{"amount":500}},"shipping":{"address":{"city":"x"},"carrier":null,"name":"A"}}`,
			`{"amount_details":{"shipping":{"amount":500}},"shipping":{"carrier":null}}`},
		{`[{"ephemeral_key":1},{"a":[{"shipping_address":1}]}]`, `[{},{"a":[{}]}]`},
	} {
		if kept := scrub.Payload(test.whole); kept != test.kept {
			t.Errorf("of %s\nkept %s\nwant %s", test.whole, kept, test.kept)
		}
		wantSameTwice(t, test.kept)
	}
}

func wantSameTwice(t *testing.T, kept string) {
	t.Helper()
	if again := scrub.Payload(kept); again != kept {
		t.Errorf("scrubbed twice, %s is %s", kept, again)
	}
}

// What is kept of an event tells what the whole event told, of every type,
// about every object in every version's shape.
func TestScrubbedEventsTellTheSame(t *testing.T) {
	t.Parallel()
	shapes, err := filepath.Glob(filepath.Join("..", "..", "..", "tests", "testdata", "*", "*.json"))
	if err != nil || len(shapes) == 0 {
		t.Fatalf("no shapes of real objects: %v", err)
	}
	for _, path := range shapes {
		object, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, eventType := range stripe.Supported() {
			wantSameKept(t, fmt.Sprintf(`{"id":"evt_1","object":"event","api_version":%q,"created":500,"livemode":false,"type":%q,"data":{"object":%s}}`,
				filepath.Base(filepath.Dir(path)), eventType, object))
		}
	}
}

// So does every event of the law's histories.
func TestScrubbedHistoriesTellTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, event := range telling.DrawWith(t, telling.All, "").Events {
			wantSameKept(t, event)
		}
	})
}

func wantSameKept(t rapid.TB, body string) {
	t.Helper()
	s := stripe.NewStripeService(stripe.Options{})
	whole, err := s.Decode([]byte(body), "")
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	kept, err := s.Decode([]byte(whole.Payload), "")
	if err != nil {
		t.Fatalf("%v: %s", err, whole.Payload)
	}
	if !reflect.DeepEqual(kept, whole) {
		t.Fatalf("%s\nis kept as %s\nwhich tells %+v\nnot %+v", body, whole.Payload, kept, whole)
	}
	for _, word := range []string{"_secret_", "@example.", `"last4":"`, `"line1":"`, "pay.stripe.com", "invoice.stripe.com", `"phone":"`} {
		if strings.Contains(whole.Payload, word) {
			t.Fatalf("%s is kept of %s", word, body)
		}
	}
}

// Whatever stands beside what is read, dropping it leaves valid JSON, and
// nothing that stays is touched.
func TestScrubLeavesTheRestAsItWas(t *testing.T) {
	t.Parallel()
	names := []string{"id", "type", "amount", "client_secret", "name", "customer", "payment_method_details", "billing_details", "charges", "data", "shipping", "k\"\\"}
	var value *rapid.Generator[any]
	value = rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Float64Range(-1e9, 1e9).Draw(t, "number")
		case 2:
			return rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return value }), 0, 3).Draw(t, "array")
		case 3, 4:
			return rapid.MapOfN(rapid.SampledFrom(names), rapid.Deferred(func() *rapid.Generator[any] { return value }), 0, 5).Draw(t, "object")
		default:
			return rapid.StringMatching(`["\\{}\[\],:a ]*`).Draw(t, "text")
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		whole := value.Draw(t, "JSON")
		encoded, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "laid out") {
			encoded, _ = json.MarshalIndent(whole, " ", "\t")
		}
		var kept any
		scrubbed := scrub.Payload(string(encoded))
		if err := json.Unmarshal([]byte(scrubbed), &kept); err != nil || !reflect.DeepEqual(kept, slowly(whole)) {
			t.Fatalf("%v: of %s\nkept %s", err, encoded, scrubbed)
		}
	})
}

// slowly is what is to be kept of one of these values.
func slowly(value any) any {
	switch v := value.(type) {
	case []any:
		kept := make([]any, len(v))
		for i := range v {
			kept[i] = slowly(v[i])
		}
		return kept
	case map[string]any:
		kept := map[string]any{}
		for name, member := range v {
			object, isObject := member.(map[string]any)
			_, isText := member.(string)
			known := name == "customer" || name == "payment_method_details"
			switch {
			case member == nil, known && isText:
				kept[name] = member
			case known && isObject:
				identity := map[string]any{}
				for _, n := range []string{"id", "object", "type"} {
					if text, ok := object[n].(string); ok {
						identity[n] = text
					}
				}
				kept[name] = identity
			case known, name == "client_secret", name == "name", name == "billing_details":
			default:
				kept[name] = slowly(member)
			}
		}
		return kept
	default:
		return value
	}
}

func BenchmarkDecode(b *testing.B) {
	object, err := os.ReadFile(filepath.Join("..", "..", "..", "tests", "testdata", "2026-01-28", "payment_intent.json"))
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"id":"evt_1","object":"event","api_version":"2026-01-28","created":500,"livemode":false,"type":"payment_intent.succeeded","data":{"object":` + string(object) + `}}`)
	s := stripe.NewStripeService(stripe.Options{})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Decode(body, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("scrub", func(b *testing.B) {
		for b.Loop() {
			scrub.Payload(string(body))
		}
	})
	b.Run("sha256", func(b *testing.B) {
		for b.Loop() {
			scrub.SHA256(body)
		}
	})
}
