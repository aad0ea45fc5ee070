package stripe

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"hourbank/models"
)

// Event is a verified Stripe event, read as far as Hourbank cares.
type Event struct {
	ID         string
	Type       string
	APIVersion string
	Livemode   bool
	Created    int64  // Stripe's event.created, Unix seconds
	Payload    string // the JSON as it was signed, but for bytes that are not UTF-8

	// Keys find the purchase and Facts are what it learns. A Period makes
	// the purchase where there is none yet.
	Keys         Keys
	Facts        []models.Fact
	Period       *Period
	Subscription *models.Subscription // to remember; concerns no purchase
	PaysInvoice  bool                 // its PaymentIntent paid, if perhaps only a part

	// Status and Reason are set where reading alone decides what becomes of
	// the event, so that no purchase is looked for.
	Status models.EventStatus
	Reason models.Reason
}

// Keys are the ids that an event names, in the order in which they are tried.
type Keys struct {
	PaymentIntent   string
	Purchase        string // metadata.purchase_transaction_id
	CheckoutSession string
	Invoice         string
	ClientReference string // a Checkout Session's client_reference_id
	Customer        string // finds nothing, but is noted on the purchase
}

// Bounds on what a signed payload may ask of us.
const (
	maxNesting = 100_000 // deeper JSON would cost more stack than its bytes are worth

	// Times outside these bounds don't fit every clock downstream.
	minCreated int64 = 1
	maxCreated int64 = 4_102_444_800 // 2100-01-01
)

// Decode reads an event of any API version, and only the fields that decide
// something, wherever that version keeps them. It returns a *models.Error with code
// invalid_payload where the body is not a Stripe event; anything odd inside a
// real event is the event's own outcome, never an error.
func (s *StripeService) Decode(body []byte) (*Event, error) {
	payload := string(body)
	if !utf8.ValidString(payload) {
		payload = strings.ToValidUTF8(payload, string(utf8.RuneError))
	}
	if len(payload) > maxNesting && nesting(payload) > maxNesting || !gjson.Valid(payload) {
		return nil, models.Errorf(models.CodeInvalidPayload, "The body is not JSON.")
	}
	root := gjson.Parse(payload)
	event := &Event{
		ID:         text(root.Get("id")),
		Type:       text(root.Get("type")),
		APIVersion: text(root.Get("api_version")),
		Livemode:   root.Get("livemode").Bool(),
		Created:    seconds(root.Get("created")),
		Payload:    payload,
	}
	if kind := root.Get("object"); !models.IsObjectID(event.ID) || event.Type == "" || len(event.Type) > models.MaxIDLength ||
		(kind.Exists() && kind.Str != "event" && kind.Str != "v2.core.event") {
		return nil, models.Errorf(models.CodeInvalidPayload, "The body is not a Stripe event: it needs an id and a type.")
	}
	s.interpret(event, root.Get("data.object"))
	return event, nil
}

// interpret fills in what the event is about.
func (s *StripeService) interpret(event *Event, object gjson.Result) {
	reader, supported := eventReaders[event.Type]
	switch {
	case s.livemode != nil && event.Livemode != *s.livemode:
		event.Status, event.Reason = models.EventIgnored, models.ReasonLivemodeMismatch
	case !supported:
		event.Status, event.Reason = models.EventIgnored, models.ReasonUnsupportedType
	case !models.IsObjectID(text(object.Get("id"))):
		event.Status, event.Reason = models.EventRejected, models.ReasonMissingObject
	default:
		reader(event, object)
	}
}

// nesting is how deep the JSON's arrays and objects go.
func nesting(payload string) (deepest int) {
	depth, quoted := 0, false
	for i := 0; i < len(payload); i++ {
		switch c := payload[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}

// text reads a string that PostgreSQL can keep: it refuses U+0000.
func text(r gjson.Result) string {
	if strings.IndexByte(r.Str, 0) < 0 {
		return r.Str
	}
	return strings.ReplaceAll(r.Str, "\x00", string(utf8.RuneError))
}

// id reads an expandable field: an id, or the object that it stands for.
// https://docs.stripe.com/api/expanding_objects
func id(r gjson.Result) string {
	if r.IsObject() {
		return text(r.Get("id"))
	}
	return text(r)
}

// amount reads minor units. What is no whole number, or negative, is nobody's
// money and reads as 0; what is beyond all money saturates.
func amount(r gjson.Result) int64 {
	if r.Type != gjson.Number || r.Num < 0 || (r.Num < float64(models.MaxAmount) && r.Num != math.Trunc(r.Num)) {
		return 0
	}
	if r.Num >= float64(models.MaxAmount) {
		return models.MaxAmount
	}
	return int64(r.Num) // exact: below 2⁵³
}

// seconds reads a Unix time.
func seconds(r gjson.Result) int64 {
	if r.Num >= float64(maxCreated) {
		return maxCreated
	}
	return max(int64(r.Num), minCreated)
}

// firstOf gives the first of the paths that holds something.
func firstOf(object gjson.Result, paths ...string) gjson.Result {
	for _, path := range paths {
		if r := object.Get(path); r.Exists() && r.Type != gjson.Null {
			return r
		}
	}
	return gjson.Result{}
}
