package harness

import (
	"fmt"
	"strings"
)

// Teller builds the events of one story in one API version. Objects have short
// names such as pi_1, of which it makes ids that no other story has; the
// charge of pi_1 is ch_1. Each event happens ten seconds after the one before.
type Teller struct {
	Version  Version
	Student  string
	Purchase string // ours, made before the story; "": Stripe begins
	Currency string

	told *told
}

// told is what a story's tellers share.
type told struct {
	suffix string
	now    int64
	born   map[string]int64 // when an object was made, by its short name
}

// NewTeller starts a story of a new student.
func NewTeller(version Version) *Teller {
	suffix := RandomName()
	return &Teller{Version: version, Student: "student_" + suffix, Currency: "eur", told: &told{suffix: suffix, born: map[string]int64{}}}
}

// In tells of money in another currency in the same story.
func (s *Teller) In(currency string) *Teller {
	other := *s
	other.Currency = currency
	return &other
}

// ID is the id that an object has in this story.
func (s *Teller) ID(name string) string { return name + "_" + s.told.suffix }

// Owns says whether an id is of this story.
func (s *Teller) Owns(id string) bool { return strings.HasSuffix(id, "_"+s.told.suffix) }

// Buys is metadata that say whose a payment is and what it buys.
func (s *Teller) Buys(plan string) Object { return Object{"student_id": s.Student, "plan": plan} }

// metadata are what a PaymentIntent of a purchase that we sold carries.
func (s *Teller) metadata() Object {
	if s.Purchase == "" {
		return Object{}
	}
	return Object{"purchase_transaction_id": s.Purchase, "student_id": s.Student}
}

func (s *Teller) event(eventType, name string, object Object) *Told {
	s.told.now += 10
	if _, known := s.told.born[name]; !known {
		s.told.born[name] = s.told.now
	}
	object["id"], object["created"], object["livemode"] = s.ID(name), Epoch+s.told.born[name], false
	return &Told{ID: "evt_" + RandomName(), Type: eventType, Object: object, version: s.Version, created: s.told.now, beside: Object{}}
}

// Intent is a payment_intent.* event; received is what was captured so far.
func (s *Teller) Intent(kind, pi string, amount, received int64) *Told {
	object := Object{
		"object": "payment_intent", "amount": amount, "amount_received": received, "amount_capturable": 0, "capture_method": "automatic",
		"currency": s.Currency, "customer": s.ID("cus_1"), "metadata": s.metadata(), "last_payment_error": nil, "cancellation_reason": nil,
	}
	charged := kind == "succeeded" || kind == "payment_failed" || kind == "amount_capturable_updated"
	switch kind {
	case "succeeded":
		object["status"] = "succeeded"
	case "processing":
		object["status"] = "processing"
	case "amount_capturable_updated":
		object["status"], object["amount_capturable"], object["capture_method"] = "requires_capture", amount, "manual"
	case "payment_failed":
		object["status"] = "requires_payment_method"
		object["last_payment_error"] = Object{"code": "card_declined", "message": "Your card was declined.", "type": "card_error"}
	case "canceled":
		object["status"], object["cancellation_reason"] = "canceled", "abandoned"
	default:
		object["status"] = "requires_payment_method"
	}
	if s.Version.lists() {
		charges := []any{}
		if charged {
			charge := s.charge(pi, amount, received, 0)
			charge["paid"] = kind != "payment_failed"
			charges = append(charges, charge)
		}
		object["charges"] = Object{"object": "list", "data": charges, "has_more": false}
	} else {
		object["latest_charge"] = nil
		if charged {
			object["latest_charge"] = s.ID(chargeOf(pi))
		}
	}
	return s.event("payment_intent."+kind, pi, object)
}

// Paid is a PaymentIntent's success.
func (s *Teller) Paid(pi string, amount int64) *Told {
	return s.Intent("succeeded", pi, amount, amount)
}

func chargeOf(pi string) string { return "ch_" + strings.TrimPrefix(pi, "pi_") }

func (s *Teller) charge(pi string, amount, captured, refunded int64) Object {
	return Object{
		"id": s.ID(chargeOf(pi)), "object": "charge", "amount": amount, "amount_captured": captured, "amount_refunded": refunded,
		"captured": captured > 0, "paid": true, "status": "succeeded", "refunded": refunded > 0 && refunded == amount,
		"currency": s.Currency, "customer": s.ID("cus_1"), "payment_intent": s.ID(pi), "metadata": s.metadata(), "disputed": false,
	}
}

// Charge is a charge.* event about the only charge of a PaymentIntent.
// Versions that list refunds list those that are named; how much each was is
// told by the story's refunds before.
func (s *Teller) Charge(kind, pi string, amount, captured, refunded int64, listed ...Object) *Told {
	object := s.charge(pi, amount, captured, refunded)
	if s.Version.lists() && len(listed) > 0 {
		object["refunds"] = Object{"object": "list", "data": listed, "has_more": false}
	}
	return s.event("charge."+kind, chargeOf(pi), object)
}

// Refunded is charge.refunded of a charge that was captured whole, with its
// refund total.
func (s *Teller) Refunded(pi string, amount, total int64, listed ...Object) *Told {
	return s.Charge("refunded", pi, amount, amount, total, listed...)
}

// Refund is an event of one refund.
func (s *Teller) Refund(eventType, re, pi string, amount int64, status string) *Told {
	return s.event(eventType, re, Object{
		"object": "refund", "amount": amount, "status": status, "currency": s.Currency, "metadata": Object{},
		"charge": s.ID(chargeOf(pi)), "payment_intent": s.ID(pi), "reason": "requested_by_customer",
	})
}

// Listed is a refund as a charge lists it; its id needs no event of its own.
func (s *Teller) Listed(re, pi string, amount int64, status string) Object {
	born, known := s.told.born[re]
	if !known {
		born = s.told.now + 10 // in the second of the event that lists it
		s.told.born[re] = born
	}
	return Object{"id": s.ID(re), "object": "refund", "amount": amount, "status": status, "currency": s.Currency,
		"charge": s.ID(chargeOf(pi)), "payment_intent": s.ID(pi), "created": Epoch + born}
}

// Dispute is a charge.dispute.* event. Movements are the amounts of its
// balance transactions so far.
func (s *Teller) Dispute(kind, dp, pi string, amount int64, status string, movements ...int64) *Told {
	transactions := []any{}
	for i, moved := range movements {
		fee := int64(0)
		if moved < 0 {
			fee = 1500
		}
		transactions = append(transactions, Object{
			"id": fmt.Sprintf("txn_%d_%s", i, s.ID(dp)), "object": "balance_transaction", "amount": moved, "fee": fee, "net": moved - fee,
			"currency": s.Currency, "type": "adjustment", "reporting_category": "dispute", "source": s.ID(dp),
		})
	}
	return s.event("charge.dispute."+kind, dp, Object{
		"object": "dispute", "amount": amount, "status": status, "currency": s.Currency, "reason": "fraudulent", "metadata": Object{},
		"charge": s.ID(chargeOf(pi)), "payment_intent": s.ID(pi), "balance_transactions": transactions,
		"evidence_details": Object{"due_by": Epoch + 900_000, "has_evidence": false, "past_due": false, "submission_count": 0},
	})
}

// Thin is a thin event about a snapshot event's object.
func (s *Teller) Thin(eventType, kind, name string) *Told {
	e := s.event("v1."+eventType, name, Object{})
	e.whole = Object{
		"id": e.ID, "object": "v2.core.event", "type": e.Type, "livemode": false, "created": "2026-10-01T12:00:00.000Z", "context": nil,
		"related_object": Object{"id": s.ID(name), "type": kind, "url": "/v1/" + kind + "s/" + s.ID(name)},
		"snapshot_event": "evt_" + RandomName(), "reason": nil,
	}
	return e
}

// Bare tells of objects of the same story that carry no metadata.
func (s *Teller) Bare() *Teller {
	other := *s
	other.Purchase = ""
	return &other
}
