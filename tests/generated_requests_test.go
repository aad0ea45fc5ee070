package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"hourbank/openapi"
	"hourbank/openapi/openapitest"
	"hourbank/tests/harness"
)

// generator makes requests from the document, as described and not.
type generator struct {
	*rapid.T
	document *openapi.Document

	broken bool // in a way that no schema can say
}

// request is one that a generator made.
type request struct {
	operation
	path, body string
	headers    []string
}

// Whatever is sent: never a 5xx, always an answer that is described (which
// harness.Request checks of every exchange, and that what was granted was
// described, too), nothing broken is granted, and nothing that is as described is
// refused as invalid. More of them: go test ./tests -run Generated -rapid.checks=10000
func TestGeneratedRequestsAreAnsweredAsDescribed(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		s := openShop(t, app, standIn)
		app.MustRun(t, "plans", "add", "--id", "pack_10", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
		document, all := operations(t)
		rapid.Check(t, func(rt *rapid.T) {
			g := &generator{T: rt, document: document}
			r := g.request(s, rapid.SampledFrom(all).Draw(rt, "operation"))
			answer := app.Request(t, r.method, r.path, r.body, r.headers...)
			switch {
			case t.Failed():
				rt.Fatalf("see above: %s %s %q %q", r.method, r.path, r.body, r.headers)
			case answer.Status >= http.StatusInternalServerError:
				rt.Fatalf("%s %s %q %q: %d %s", r.method, r.path, r.body, r.headers, answer.Status, answer.Body)
			case g.broken && answer.Status < http.StatusBadRequest:
				rt.Fatalf("granted, though broken: %s %s %q %q: %s", r.method, r.path, r.body, r.headers, answer.Body)
			case !g.broken && answer.Get("code").String() == "invalid_request" && r.isDescribed(t):
				rt.Fatalf("refused, though as described: %s %s %q %q: %s", r.method, r.path, r.body, r.headers, answer.Body)
			}
		})
		app.MustAudit(t)
	})
}

// isDescribed says whether the request is one that only a state could refuse.
// How much of a purchase is left, which payments it has, which list takes which
// parameters, and how many bytes a character has, no schema can say.
func (r request) isDescribed(t *testing.T) bool {
	t.Helper()
	var body map[string]any
	_ = json.Unmarshal([]byte(r.body), &body) // else it is not described either
	for _, value := range body {
		if text, ok := value.(string); ok && len(text) > 255 {
			return false
		}
	}
	if _, ends := body["expires_at"]; ends { // in the future, or not
		return false
	}
	if plan, ok := body["plan"]; r.ID == "refundPurchase" || r.ID == "acceptPayment" || r.ID == "exportList" || (ok && plan != "pack_10") {
		return false
	}
	made, err := http.NewRequest(r.method, "http://hourbank"+r.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(r.headers); i += 2 {
		made.Header.Set(r.headers[i], r.headers[i+1])
		if len(r.headers[i+1]) > 255 || !utf8.ValidString(r.headers[i+1]) {
			return r.headers[i] != "Idempotency-Key"
		}
	}
	return openapitest.Described(t, made, []byte(r.body))
}

func (g *generator) request(s *shop, o operation) request {
	r := request{operation: o, path: o.path(s), headers: []string{"Authorization", "Bearer " + harness.AdminKey}}
	if strings.Contains(o.template, "{") && g.chance("odd id") {
		odd := rapid.SampledFrom([]string{"%00", "%ff", "%2F", "..", ".", "%E2%98%82", "'", "%25", strings.Repeat("x", 300)}).Draw(g.T, "id")
		r.path = strings.NewReplacer("{id}", odd, "{student_id}", odd, "{reference}", odd, "{list}", odd).Replace(o.template)
		// An event may be called . or .., by whoever signed it.
		g.broken = odd == "%00" || odd == "%ff" || ((odd == "." || odd == "..") && !strings.Contains(o.template, "/events/"))
	}
	r.path += g.query(o)
	unreadable := g.broken
	if o.RequestBody != nil {
		r.body = g.body(o)
	}
	if strings.Contains(o.template, "webhooks") {
		secret := rapid.SampledFrom([]string{harness.WebhookSecret, harness.SubscriptionsSecret}).Draw(g.T, "secret")
		r.headers = append(r.headers, "Stripe-Signature", harness.Sign(r.body, secret))
		g.broken = unreadable // whatever is signed is kept, as long as it is an event
	} else if o.method == http.MethodPost && g.chance("Idempotency-Key") {
		key := rapid.SampledFrom([]string{"key-1", "ключ", "a\xff", strings.Repeat("k", 256), strings.Repeat("☂", 100)}).Draw(g.T, "key")
		r.headers = append(r.headers, "Idempotency-Key", key)
	}
	return r
}

func (g *generator) chance(what string) bool { return rapid.IntRange(0, 5).Draw(g.T, what) == 0 }

// hostileValues are values that some programs stumble over.
var hostileValues = []string{
	`null`, `true`, `[]`, `{}`, `""`, `"\u0000"`, `"a\u0000b"`, `"\ud800"`, "\"\xff\"", `0`, `-1`, `1.5`, `1e400`, `-0`, `00`, `9223372036854775807`,
	`9223372036854775808`, `99999999999999999999999`, `"0"`, `"-0.00"`, `"1e3"`, `"１.00"`, `"NaN"`, `"10000000.01"`, `"' OR 1=1 --"`,
	`"☂\u202e"`, `"` + strings.Repeat("x", 256) + `"`, `"` + strings.Repeat("☂", 100) + `"`, `"https://"`, `"javascript:x"`,
	strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
}

// query gives parameters as described, or not.
func (g *generator) query(o operation) string {
	var parts []string
	for _, p := range o.Parameters {
		if p = g.document.Parameter(p); p.In != "query" || g.chance("leave out") {
			continue
		}
		value := fmt.Sprint(g.value(p.Schema))
		if p.Name == "cursor" {
			value = ""
		}
		if g.chance("hostile " + p.Name) {
			value = rapid.SampledFrom([]string{"", "x", "0", "-1", "1.5", "\x00", "\xff", "☂", "9223372036854775808", "9999-12-31T23:59:59-23:59"}).Draw(g.T, "value")
			g.broken = g.broken || value == "\x00" || value == "\xff"
		}
		parts = append(parts, p.Name+"="+url.QueryEscape(value))
		if g.chance("twice") {
			parts = append(parts, p.Name+"="+url.QueryEscape(value))
			g.broken = true
		}
	}
	if g.chance("unknown") {
		parameter := rapid.SampledFrom([]string{"Limit=1", "student=x", "%00=1", "a=%zz", "a;b", "%ff=1"}).Draw(g.T, "parameter")
		parts = append(parts, parameter)
		takesQueries := o.ID == "getBalance" || (strings.HasPrefix(o.ID, "list") && o.ID != "listPlans")
		g.broken = g.broken || takesQueries || strings.ContainsAny(parameter, "%;")
	}
	if len(parts) == 0 {
		return ""
	}
	return "?" + strings.Join(parts, "&")
}

// body gives a body as described, or not.
func (g *generator) body(o operation) string {
	schema := g.document.Body(*o.RequestBody).Content.Get("application/json").Schema
	fields, ok := g.value(schema).(map[string]any)
	if !ok {
		g.Fatalf("%s takes no object", o.ID)
	}
	raw := map[string]string{}
	for name, value := range fields {
		encoded, err := json.Marshal(value)
		if err != nil {
			g.Fatal(err)
		}
		raw[name] = string(encoded)
	}
	names := slices.Sorted(maps.Keys(raw))
	if len(names) == 0 {
		return rapid.SampledFrom([]string{"{}", " {}\n", "", "[]", "null", "{", "{}{}", "\xef\xbb\xbf{}"}).Draw(g.T, "body")
	}
	var more []string
	if name := rapid.SampledFrom(names).Draw(g.T, "field"); g.chance("break a field") {
		switch rapid.IntRange(0, 4).Draw(g.T, "how") {
		case 0:
			delete(raw, name)
		case 1:
			more = append(more, fmt.Sprintf("%q:%s", name, raw[name])) // twice
			g.broken = true
		case 2:
			raw[strings.ToUpper(name)] = raw[name]
			delete(raw, name)
		case 3:
			raw["more"] = "1"
		default:
			raw[name] = rapid.SampledFrom(hostileValues).Draw(g.T, "value")
			g.broken = g.broken || raw[name] == "\"\xff\"" || raw[name] == `"\ud800"`
		}
	}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		more = append(more, fmt.Sprintf("%q:%s", name, raw[name]))
	}
	return "{" + strings.Join(more, ",") + "}"
}

// value gives a value that the schema describes. Of what it leaves to the
// imagination, a plan is one on sale.
func (g *generator) value(s openapi.Schema) any {
	s = g.document.Schema(s)
	switch {
	case s.Const != nil:
		return s.Const
	case len(s.Enum) > 0:
		return rapid.SampledFrom(s.Enum).Draw(g.T, "word")
	case len(s.OneOf) > 0:
		return g.value(rapid.SampledFrom(s.OneOf).Draw(g.T, "one of"))
	case len(s.Properties) > 0:
		return g.object(s)
	case s.Type == "integer":
		smallest, _ := s.Minimum.(float64)
		return rapid.Int64Range(int64(smallest), 1_000_000).Draw(g.T, "number")
	case s.Format == "date-time":
		return rapid.SampledFrom([]string{"2026-01-31T12:00:00Z", "1970-01-01T00:00:00.5+14:00", "9998-12-31T23:59:59-12:00"}).Draw(g.T, "time")
	case s.Format == "date":
		return rapid.SampledFrom([]string{"2026-01-31", "0001-01-01", "9999-12-31"}).Draw(g.T, "day")
	default:
		return g.text(s)
	}
}

func (g *generator) object(s openapi.Schema) map[string]any {
	object := map[string]any{}
	for _, property := range s.Properties {
		if !slices.Contains(s.Required, property.Name) && rapid.Bool().Draw(g.T, "without "+property.Name) {
			continue
		}
		object[property.Name] = g.value(property.Value)
	}
	if _, ok := object["plan"]; ok {
		object["plan"] = "pack_10"
	}
	if _, ok := object["lesson_at"]; ok { // a format can't say the bounds that its description has
		object["lesson_at"] = rapid.SampledFrom([]string{"2026-01-31T12:00:00Z", "2000-01-01T00:00:00.5-12:00", "2200-01-01T11:59:59+14:00"}).Draw(g.T, "lesson_at")
	}
	return object
}

// text gives a string that matches all of the schema's patterns.
func (g *generator) text(s openapi.Schema) string {
	pattern := s.Pattern
	if pattern == "" {
		pattern = "[a-z_.]{1,20}"
	}
	return rapid.StringMatching(strings.ReplaceAll(pattern, `\x9f`, `\x{9f}`)).Filter(func(text string) bool {
		for _, part := range s.AllOf {
			if !regexp.MustCompile(part.Pattern).MatchString(text) {
				return false
			}
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r >= 0xe0000 && r <= 0xe0fff }) {
			return false // nobody sees these, either; a pattern that JavaScript reads can't say so here
		}
		return s.MaxLength == 0 || utf8.RuneCountInString(text) <= s.MaxLength
	}).Draw(g.T, "text")
}
