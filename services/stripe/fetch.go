package stripe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/stripe/stripe-go/v76/form"
	"github.com/tidwall/gjson"

	"hourbank/models"
	"hourbank/services/stripe/scrub"
)

// paths are where Stripe's API has the objects that events are about.
var paths = map[string]string{
	"payment_intent":   "/v1/payment_intents/",
	"charge":           "/v1/charges/",
	"refund":           "/v1/refunds/",
	"dispute":          "/v1/disputes/",
	"checkout.session": "/v1/checkout/sessions/",
	"invoice":          "/v1/invoices/",
	"invoice_payment":  "/v1/invoice_payments/",
	"credit_note":      "/v1/credit_notes/",
	"subscription":     "/v1/subscriptions/",
}

// snapshot is an object as Stripe showed it when it was asked.
type snapshot struct {
	At     int64           `json:"at"` // Stripe's Date, Unix seconds
	Object json.RawMessage `json:"object"`
}

// Fetch asks Stripe for the object that the event needs, and gives the event
// as it reads with it: as told at the time of the fetch. It waits Stripe's
// limits out, for as long as ctx lasts.
func (s *StripeService) Fetch(ctx context.Context, event *Event) (*Event, error) {
	path, known := paths[event.Unfetched.Kind]
	if !known || !models.IsObjectID(event.Unfetched.ID) {
		return nil, fmt.Errorf("fetch for event %s: Stripe's API has no object of kind %q", event.ID, event.Unfetched.Kind)
	}
	query := &form.Values{}
	if event.Unfetched.Kind == "checkout.session" {
		query.Add("expand[]", "line_items")
	}
	var object RawObject
	if err := s.Read(ctx, path+url.PathEscape(event.Unfetched.ID), query, &object); err != nil {
		return nil, fmt.Errorf("fetch for event %s: %w", event.ID, err)
	}
	whole := object.RawMessage
	if gjson.GetBytes(whole, "lines.has_more").Bool() {
		var err error
		if whole, err = s.withAllLines(ctx, path+url.PathEscape(event.Unfetched.ID)+"/lines", whole); err != nil {
			return nil, fmt.Errorf("fetch for event %s: %w", event.ID, err)
		}
	}
	at := time.Now()
	if object.LastResponse != nil {
		if date, err := time.Parse(time.RFC1123, object.LastResponse.Header.Get("Date")); err == nil {
			at = date
		}
	}
	fetched, err := json.Marshal(snapshot{At: at.Unix(), Object: whole})
	if err != nil {
		return nil, fmt.Errorf("encode what was fetched for event %s: %w", event.ID, err)
	}
	return s.Decode([]byte(event.Payload), scrub.Payload(string(fetched)))
}

// withAllLines gives an object with all its lines, of which Stripe puts the first ten into it.
// https://docs.stripe.com/api/invoice-line-item/retrieve
func (s *StripeService) withAllLines(ctx context.Context, path string, object json.RawMessage) (json.RawMessage, error) {
	lines, after := []json.RawMessage{}, ""
	for more := true; more; {
		query := &form.Values{}
		query.Add("limit", "100")
		if after != "" {
			query.Add("starting_after", after)
		}
		var answer RawObject
		if err := s.Read(ctx, path, query, &answer); err != nil {
			return nil, err
		}
		page := gjson.ParseBytes(answer.RawMessage)
		for _, line := range page.Get("data").Array() {
			lines, after = append(lines, json.RawMessage(line.Raw)), line.Get("id").Str
		}
		more = page.Get("has_more").Bool() && len(page.Get("data").Array()) > 0
	}
	whole := map[string]json.RawMessage{}
	if err := json.Unmarshal(object, &whole); err != nil {
		return nil, fmt.Errorf("read an object with lines: %w", err)
	}
	list, err := json.Marshal(map[string]any{"object": "list", "data": lines, "has_more": false})
	if err != nil {
		return nil, fmt.Errorf("put lines into an object: %w", err)
	}
	whole["lines"] = list
	return json.Marshal(whole)
}

// readSnapshot gives the object that was fetched for the event.
func (e *Event) readSnapshot(otherwise gjson.Result) gjson.Result {
	fetched := gjson.Parse(e.Snapshot)
	if !fetched.Get("object").IsObject() {
		return otherwise
	}
	e.fetchedAt = seconds(fetched.Get("at"))
	return fetched.Get("object")
}

// TypeAsItIs is the event that an object's state stands for, whatever told
// that it changed: a fetched object may have moved on since. eventType is kept
// where the object's state says no more.
// https://docs.stripe.com/payments/paymentintents/lifecycle
func TypeAsItIs(eventType string, object gjson.Result) string {
	status := object.Get("status").Str
	switch object.Get("object").Str {
	case "payment_intent":
		return typeOfIntent(status, object)
	case "checkout.session":
		if status == "expired" {
			return "checkout.session.expired"
		}
		if object.Get("payment_status").Str != "unpaid" {
			return "checkout.session.completed"
		}
	case "invoice":
		switch {
		case status == "paid" || object.Get("paid").Bool():
			return "invoice.paid"
		case status == "void":
			return "invoice.voided"
		case status == "uncollectible":
			return "invoice.marked_uncollectible"
		}
		return "invoice.payment_failed"
	}
	return eventType
}

func typeOfIntent(status string, intent gjson.Result) string {
	switch {
	case status == "succeeded":
		return "payment_intent.succeeded"
	case status == "canceled":
		return "payment_intent.canceled"
	case status == "processing":
		return "payment_intent.processing"
	case status == "requires_capture":
		return "payment_intent.amount_capturable_updated"
	case intent.Get("last_payment_error").IsObject():
		return "payment_intent.payment_failed"
	default:
		return "payment_intent.created"
	}
}
