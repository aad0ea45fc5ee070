package harness

import (
	"cmp"
	"fmt"
	"strings"
)

// Intent is a payment_intent.* event of the purchase, with what Stripe fills
// in for the type.
func (p *Purchase) Intent(eventType string) *Event {
	e := p.event(eventType, "payment_intent").Set("id", p.PaymentIntent).Set("amount", p.Amount)
	switch eventType {
	case "payment_intent.succeeded":
		e.Set("status", "succeeded").Set("amount_received", p.Amount)
	case "payment_intent.processing":
		e.Set("status", "processing")
	case "payment_intent.requires_action":
		e.Set("status", "requires_action")
	case "payment_intent.amount_capturable_updated":
		e.Set("status", "requires_capture").Set("amount_capturable", p.Amount)
	case "payment_intent.payment_failed":
		e.Set("last_payment_error", map[string]any{
			"code": "card_declined", "decline_code": "insufficient_funds",
			"message": "Your card has insufficient funds.", "type": "card_error",
		})
	case "payment_intent.canceled":
		e.Set("status", "canceled").Set("cancellation_reason", "abandoned")
	}
	e.finish = func(object map[string]any) { chargeAsTheIntent(eventType, object) }
	return e
}

// chargeAsTheIntent lets the charge that versions before 2022-11-15 list in a
// PaymentIntent say what the PaymentIntent says.
func chargeAsTheIntent(eventType string, object map[string]any) {
	charges, listed := object["charges"].(map[string]any)
	if !listed {
		return
	}
	charge := charges["data"].([]any)[0].(map[string]any)
	switch eventType {
	case "payment_intent.succeeded":
		charge["amount"], charge["amount_captured"] = object["amount"], object["amount_received"]
		charge["currency"], charge["payment_intent"] = object["currency"], object["id"]
	case "payment_intent.payment_failed":
		charge["amount"], charge["paid"], charge["captured"], charge["status"] = object["amount"], false, false, "failed"
	default:
		charges["data"], charges["total_count"] = []any{}, 0
	}
}

// Succeeded is the usual payment_intent.succeeded.
func (p *Purchase) Succeeded() *Event { return p.Intent("payment_intent.succeeded") }

// ChargeRefunded is a charge.refunded with a cumulative total.
func (p *Purchase) ChargeRefunded(total int64) *Event {
	return p.event("charge.refunded", "charge").Set("payment_intent", p.PaymentIntent).
		Set("amount", p.Amount).Set("amount_captured", p.Amount).
		Set("amount_refunded", total).Set("refunded", total == p.Amount)
}

// Listing lists refunds in the charge, as versions before 2022-11-15 do.
func (e *Event) Listing(refunds ...map[string]any) *Event {
	return e.Set("refunds", map[string]any{"object": "list", "data": refunds, "has_more": false})
}

// Listed is a refund as a charge lists it, created seconds after Epoch.
func (p *Purchase) Listed(id string, amount int64, status string, created int64) map[string]any {
	return map[string]any{"id": p.own(id), "object": "refund", "amount": amount, "status": status, "created": Epoch + created}
}

// Refund is an event of one refund, created (the refund) seconds after Epoch.
func (p *Purchase) Refund(eventType, id string, amount int64, status string, created int64) *Event {
	return p.event(eventType, "refund").Set("id", p.own(id)).Set("payment_intent", p.PaymentIntent).
		Set("amount", amount).Set("status", status).Set("created", Epoch+created)
}

// Dispute is a charge.dispute.* event, with the balance transactions that one
// of its status has: none where it holds no money, and a second one where the
// money came back.
func (p *Purchase) Dispute(eventType, id string, amount int64, status string) *Event {
	id = p.own(id)
	moves := []any{}
	move := func(moved int64) {
		moves = append(moves, map[string]any{
			"id": fmt.Sprintf("txn_%d_%s", len(moves), id), "object": "balance_transaction", "amount": moved, "currency": p.Currency, "source": id,
		})
	}
	if !strings.HasPrefix(status, "warning_") {
		move(-amount)
		if status == "won" || eventType == "charge.dispute.funds_reinstated" {
			move(amount)
		}
	}
	return p.event(eventType, "dispute").Set("id", id).Set("payment_intent", p.PaymentIntent).
		Set("amount", amount).Set("status", status).Set("balance_transactions", moves)
}

// Session is a checkout.session.* event that names the purchase by
// client_reference_id.
func (p *Purchase) Session(eventType, id, paymentStatus string) *Event {
	return p.event(eventType, "checkout.session").Set("id", id).Set("client_reference_id", p.ID).
		Set("payment_intent", orNull(p.PaymentIntent)).Set("amount_total", p.Amount).Set("payment_status", paymentStatus)
}

// event is about the purchase's only charge, which is known by its
// PaymentIntent's name.
func (p *Purchase) event(eventType, kind string) *Event {
	e := NewEvent(p.tb, eventType, kind).Set("currency", p.Currency)
	e.charge = p.own("ch")
	return e
}

// own makes an id that no other purchase's objects have.
func (p *Purchase) own(id string) string {
	return id + "_" + cmp.Or(strings.TrimPrefix(p.PaymentIntent, "pi_"), p.ID, p.Student)
}

func orNull(id string) any {
	if id == "" {
		return nil
	}
	return id
}
