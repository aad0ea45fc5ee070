package stripe

import (
	"cmp"
	"strings"

	"github.com/tidwall/gjson"

	"hourbank/models"
)

// eventReaders is the table of what an event does: each supported type and
// the function that turns its object into keys and facts.
// https://docs.stripe.com/api/events/types
var eventReaders = map[string]func(*Event, gjson.Result){
	"payment_intent.succeeded":                 readPaymentSucceeded,
	"payment_intent.processing":                readPaymentUnderWay,
	"payment_intent.partially_funded":          readPaymentUnderWay,
	"payment_intent.amount_capturable_updated": readPaymentUnderWay,
	"payment_intent.created":                   readPaymentIntent, // tells nothing but that it exists
	"payment_intent.requires_action":           readPaymentIntent,
	"payment_intent.payment_failed":            readPaymentFailed,
	"payment_intent.canceled":                  readPaymentCanceled,

	"charge.refunded":       readChargeRefunded,
	"refund.created":        readRefund,
	"refund.updated":        readRefund,
	"refund.failed":         readRefund,
	"charge.refund.updated": readRefund,

	"charge.dispute.created":          readDispute,
	"charge.dispute.updated":          readDispute,
	"charge.dispute.funds_withdrawn":  readDispute,
	"charge.dispute.funds_reinstated": readDispute,
	"charge.dispute.closed":           readDispute,

	"checkout.session.completed":               readSessionPaid,
	"checkout.session.async_payment_succeeded": readSessionPaid,
	"checkout.session.async_payment_failed":    readSessionFailed,
	"checkout.session.expired":                 readSessionExpired,

	"invoice.paid":                  readInvoicePaid,
	"invoice.payment_failed":        readInvoicePaymentFailed,
	"invoice_payment.paid":          readInvoicePayment,
	"customer.subscription.created": readSubscription,
	"customer.subscription.updated": readSubscription,
	"customer.subscription.deleted": readSubscription,
}

func (e *Event) learn(fact models.Fact) { e.Facts = append(e.Facts, fact) }

func readPaymentIntent(e *Event, intent gjson.Result) {
	e.Keys = Keys{
		PaymentIntent: text(intent.Get("id")),
		Purchase:      text(intent.Get("metadata.purchase_transaction_id")),
		Invoice:       id(intent.Get("invoice")), // until 2025-03-31
		Customer:      id(intent.Get("customer")),
	}
}

func readPaymentSucceeded(e *Event, intent gjson.Result) {
	readPaymentIntent(e, intent)
	e.learn(models.PaymentReceived{
		Amount:   amount(firstOf(intent, "amount_received", "amount")),
		Currency: strings.ToLower(text(intent.Get("currency"))),
		At:       e.Created,
	})
}

func readPaymentUnderWay(e *Event, intent gjson.Result) {
	readPaymentIntent(e, intent)
	e.learn(models.PaymentProcessing{At: e.Created})
}

func readPaymentFailed(e *Event, intent gjson.Result) {
	readPaymentIntent(e, intent)
	cause := intent.Get("last_payment_error")
	e.learn(models.AttemptFailed{
		At:      e.Created,
		Code:    cmp.Or(text(cause.Get("code")), "payment_failed"),
		Message: text(cause.Get("message")),
	})
}

func readPaymentCanceled(e *Event, intent gjson.Result) {
	readPaymentIntent(e, intent)
	e.learn(cancelled(e, cmp.Or(text(intent.Get("cancellation_reason")), "canceled")))
}

// cancelled words a cancellation for people: Stripe gives only a code.
func cancelled(e *Event, reason string) models.PaymentCancelled {
	return models.PaymentCancelled{
		At:      e.Created,
		Code:    reason,
		Message: "The payment was cancelled: " + strings.ReplaceAll(reason, "_", " ") + ".",
	}
}

// readMoneyBack reads the keys of a charge, a refund or a dispute.
func readMoneyBack(e *Event, object gjson.Result) {
	e.Keys = Keys{
		PaymentIntent: id(firstOf(object, "payment_intent", "charge.payment_intent")),
		Purchase:      text(firstOf(object, "metadata.purchase_transaction_id", "charge.metadata.purchase_transaction_id")),
		Invoice:       id(firstOf(object, "invoice", "charge.invoice")), // until 2025-03-31
		Customer:      id(object.Get("customer")),
	}
}

// readChargeRefunded takes the charge's cumulative total, the refunds that it
// lists (API versions before 2022-11-15, or expanded), and the charge itself,
// which proves that its captured amount was received.
func readChargeRefunded(e *Event, charge gjson.Result) {
	readMoneyBack(e, charge)
	if captured := capturedAmount(charge); captured > 0 {
		e.learn(models.ChargeCaptured{
			Amount:   captured,
			Currency: strings.ToLower(text(charge.Get("currency"))),
			At:       e.Created,
		})
	}
	if total := charge.Get("amount_refunded"); total.Type == gjson.Number {
		e.learn(models.RefundTotalSeen{Amount: amount(total), At: e.Created})
	}
	for _, refund := range charge.Get("refunds.data").Array() {
		e.learnRefund(refund)
	}
}

// capturedAmount is what a charge took; 0 for one that was only authorised or
// failed. amount_captured is missing before 2020 and not always filled in, so
// that a captured charge without one took its whole amount.
func capturedAmount(charge gjson.Result) int64 {
	if !charge.Get("captured").Bool() || charge.Get("status").Str == "failed" || charge.Get("status").Str == "pending" {
		return 0
	}
	return cmp.Or(amount(charge.Get("amount_captured")), amount(charge.Get("amount")))
}

func readRefund(e *Event, refund gjson.Result) {
	readMoneyBack(e, refund)
	e.learnRefund(refund)
}

func (e *Event) learnRefund(refund gjson.Result) {
	refundID := text(refund.Get("id"))
	if refundID == "" {
		return
	}
	created := e.Created
	if r := refund.Get("created"); r.Type == gjson.Number {
		created = seconds(r)
	}
	e.learn(models.RefundSeen{
		ID:      refundID,
		Amount:  amount(refund.Get("amount")),
		Status:  cmp.Or(text(refund.Get("status")), models.RefundSucceeded), // null in old API versions
		Created: created,
		At:      e.Created,
	})
}

func readDispute(e *Event, dispute gjson.Result) {
	readMoneyBack(e, dispute)
	e.learn(models.DisputeSeen{
		ID:         text(dispute.Get("id")),
		Amount:     amount(dispute.Get("amount")),
		Status:     text(dispute.Get("status")),
		Reinstated: e.Type == "charge.dispute.funds_reinstated",
		At:         e.Created,
	})
}

func readSession(e *Event, session gjson.Result) {
	e.Keys = Keys{
		PaymentIntent:   id(session.Get("payment_intent")),
		Purchase:        text(session.Get("metadata.purchase_transaction_id")),
		CheckoutSession: text(session.Get("id")),
		ClientReference: text(session.Get("client_reference_id")),
		Customer:        id(session.Get("customer")),
	}
	// A subscription's or setup's session sells nothing by itself.
	if mode := session.Get("mode").Str; mode != "" && mode != "payment" {
		e.Status, e.Reason = models.EventIgnored, models.ReasonUnsupportedType
	}
}

func readSessionPaid(e *Event, session gjson.Result) {
	readSession(e, session)
	// "completed" only says that the customer is done; a delayed payment
	// method pays later, told by async_payment_succeeded.
	paid := session.Get("payment_status").Str == "paid" || e.Type == "checkout.session.async_payment_succeeded"
	if paid && session.Get("amount_total").Type == gjson.Number {
		e.learn(models.PaymentReceived{
			Amount:   amount(session.Get("amount_total")),
			Currency: strings.ToLower(text(session.Get("currency"))),
			At:       e.Created,
		})
	}
}

func readSessionFailed(e *Event, session gjson.Result) {
	readSession(e, session)
	e.learn(models.AttemptFailed{
		At: e.Created, Code: "async_payment_failed", Message: "The delayed payment failed.",
	})
}

func readSessionExpired(e *Event, session gjson.Result) {
	readSession(e, session)
	e.learn(cancelled(e, "expired"))
}
