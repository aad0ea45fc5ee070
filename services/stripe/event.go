package stripe

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"hourbank/models"
	"hourbank/models/money"
	"hourbank/services/stripe/scrub"
)

// Event is a verified Stripe event, read as far as Hourbank cares.
type Event struct {
	ID         string
	Type       string
	APIVersion string
	Livemode   bool
	Created    int64  // Stripe's event.created, Unix seconds
	Payload    string // the JSON, as far as it is kept (scrub.Payload), but for bytes that are not UTF-8
	SHA256     string // of the body that was signed; empty: nothing was

	// Told is the evidence: of every object that the event names, if only that
	// it exists. Their ids find the purchase; Names may, too.
	Told  money.Evidence
	Names Names
	// Payment is the payment that it tells of; Money says that money moved, so
	// that the event may not end with nobody told.
	Payment string
	Money   bool
	Object  string // the id of what it is about

	Sale         *Sale                // what a purchase would be made of, where there is none
	Invoice      *Invoice             // likewise, of what its lines say
	Subscription *models.Subscription // to remember
	Forgotten    bool                 // it is of a student who was forgotten (Forget)
	Unfetched    *ObjectRef           // must be asked of Stripe before the event can be read

	// Snapshot is what Stripe answered when it was asked for more (Fetch).
	Snapshot string

	eventType string // Type as it is read: of a thin event, by what was fetched
	fetchedAt int64  // Unix seconds; 0: nothing was fetched
	tellings  []money.Evidence

	// Status and Reason are set where reading alone decides what becomes of
	// the event, so that no purchase is looked for.
	Status models.EventStatus
	Reason models.Reason
}

// MayPay says whether the event may be what makes a purchase a paid one.
func (e *Event) MayPay() bool {
	for _, session := range e.Told.Sessions {
		if session.Settled != nil { // also a subscription's, whose money its invoice tells
			return true
		}
	}
	for _, payment := range e.Told.Payments {
		if payment.Received.Amount > 0 {
			return true
		}
	}
	return e.Money || e.IsOwn()
}

// Row is the event as it is kept when it is received.
func (e *Event) Row(now time.Time) models.WebhookEvent {
	row := models.WebhookEvent{ID: e.ID, Type: e.Type, Livemode: e.Livemode, Payload: e.Payload, ReceivedAt: now}
	if e.APIVersion != "" {
		row.APIVersion = &e.APIVersion
	}
	if e.SHA256 != "" {
		row.PayloadSHA256 = &e.SHA256
	}
	return row
}

// Case is one about the event's payment, of the largest sum that it tells of, if that is
// in a currency.
func (e *Event) Case(kind models.CaseKind) models.CaseState {
	amount, currency := e.Told.Largest()
	if !models.IsCurrency(currency) {
		amount, currency = 0, ""
	}
	return models.CaseState{Kind: kind, Subject: cmp.Or(e.Payment, e.ID), Payment: e.Payment, Amount: amount, Currency: currency}
}

// Forget lets the event be of who buys and of whose account gets the hours, one of
// them or both the pseudonym of a student who was forgotten.
func (e *Event) Forget(student, account string) {
	e.Forgotten, e.Names.Customer = true, ""
	if e.Sale != nil {
		e.Sale.StudentID, e.Sale.BeneficiaryID = student, account
	}
	if e.Invoice != nil {
		e.Invoice.StudentID = student
	}
	if e.Subscription != nil {
		e.Subscription.StudentID = student
	}
}

// Names are what finds a purchase beside the ids of Stripe's objects.
type Names struct {
	Purchase        string // metadata.purchase_transaction_id
	ClientReference string // a Checkout Session's client_reference_id
	Customer        string // finds nothing, but is noted on the purchase
	Ours            bool   // its metadata, or its charge's, have a key of ours
}

// Sale is what metadata say that a payment buys.
type Sale struct {
	Origin    models.Origin
	StudentID string
	// Whose account gets the hours; empty, or the student again: it is no gift.
	BeneficiaryID string
	Plan          string
	Hours         models.Hours // beside a purchase_transaction_id, of a sale that we made and signed; with Amount
	Amount        int64        // minor units; 0: the plan's
	Currency      string
	signature     string

	// Of a Checkout Session: what it sold, where that is more or other than
	// one plan. Subtotal is -1 where there is no session.
	Subtotal int64
	Items    []Item
}

// Item is a line item of a Checkout Session.
type Item struct {
	PriceID  string
	Quantity int64
}

// ObjectRef names an object that Stripe's API has.
type ObjectRef struct {
	Kind string // as its "object" field says
	ID   string
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
// real event is the event's own outcome, never an error. snapshot is what was
// fetched for the event before, empty where nothing was.
func (s *StripeService) Decode(body []byte, snapshot string) (*Event, error) {
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
		Created:    eventTime(root.Get("created")),
		Payload:    scrub.Payload(payload),
		Snapshot:   snapshot,
	}
	if kind := root.Get("object"); !models.IsObjectID(event.ID) || event.Type == "" || len(event.Type) > models.MaxIDLength ||
		(kind.Exists() && kind.Str != "event" && kind.Str != "v2.core.event") {
		return nil, models.Errorf(models.CodeInvalidPayload, "The body is not a Stripe event: it needs an id and a type.")
	}
	s.interpret(event, root)
	return event, nil
}

// interpret fills in what the event is about.
func (s *StripeService) interpret(event *Event, root gjson.Result) {
	eventType, object := event.Type, root.Get("data.object")
	thinType, thin := strings.CutPrefix(eventType, "v1.")
	if thin {
		eventType, object = thinType, root.Get("related_object")
	}
	reader, supported := eventReaders[eventType]
	switch {
	case s.isForeign(text(root.Get("account"))) || s.isForeign(id(root.Get("context"))):
		event.Status, event.Reason = models.EventIgnored, models.ReasonForeignAccount
	case !supported:
		event.Status, event.Reason = models.EventIgnored, models.ReasonUnsupportedType
	case thin && event.Snapshot == "":
		event.Unfetched = &ObjectRef{Kind: text(object.Get("type")), ID: text(object.Get("id"))}
		event.Money = true
	default:
		if event.Snapshot != "" {
			object = event.readSnapshot(object)
		}
		if thin {
			eventType = TypeAsItIs(eventType, object)
			reader = eventReaders[eventType]
		}
		if event.of(object); !models.IsObjectID(event.Object) {
			event.Status, event.Reason = models.EventRejected, models.ReasonMissingObject
			return
		}
		event.eventType = eventType
		reader(event, object)
		event.Told, event.tellings = money.JoinAll(event.tellings), nil
		s.doubt(event)
	}
}

// isForeign says whether an account that the event names is another than ours.
// A context may be a path: the organisation, then the account.
// https://docs.stripe.com/webhooks/organizations
func (s *StripeService) isForeign(account string) bool {
	return account != "" && (s.account == "" || !slices.Contains(strings.Split(account, "/"), s.account))
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

// amount reads minor units. What is no whole number, negative, or beyond all
// money is nobody's money and reads as 0.
func amount(r gjson.Result) int64 {
	if r.Type != gjson.Number || r.Num < 0 || r.Num >= float64(models.MaxAmount) || r.Num != math.Trunc(r.Num) {
		return 0
	}
	return int64(r.Num) // exact: below 2⁵³
}

// signed reads minor units that may be negative.
func signed(r gjson.Result) int64 {
	if r.Type == gjson.Number && r.Num < 0 {
		r.Num = -r.Num
		return -amount(r)
	}
	return amount(r)
}

// word reads a status or code, cut to what a person can read.
func word(r gjson.Result) string { return cut(text(r), 100) }

// sentence reads a message, cut likewise.
func sentence(r gjson.Result) string { return cut(text(r), 500) }

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// currency reads a currency's code, in lower case.
func currency(r gjson.Result) string { return cut(strings.ToLower(text(r)), 10) }

// eventTime reads event.created: Unix seconds, or RFC 3339 in thin events.
func eventTime(r gjson.Result) int64 {
	if at, err := time.Parse(time.RFC3339Nano, r.Str); err == nil {
		return min(max(at.Unix(), minCreated), maxCreated)
	}
	return seconds(r)
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
