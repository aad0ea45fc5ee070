package stripe

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tidwall/gjson"

	"hourbank/models"
	"hourbank/models/money"
)

// eventReaders is the table of what an event tells: each supported type and
// the function that turns its object into evidence.
// https://docs.stripe.com/api/events/types
var eventReaders = map[string]func(*Event, gjson.Result){
	"payment_intent.created":                   readPaymentIntent, // tells only that it exists, and what it shows
	"payment_intent.requires_action":           readPaymentIntent,
	"payment_intent.succeeded":                 readPaymentSucceeded,
	"payment_intent.processing":                readPaymentUnderWay,
	"payment_intent.partially_funded":          readPaymentUnderWay,
	"payment_intent.amount_capturable_updated": readPaymentUnderWay,
	"payment_intent.payment_failed":            readPaymentFailed,
	"payment_intent.canceled":                  readPaymentCanceled,

	"charge.succeeded":      readChargeEvent,
	"charge.captured":       readChargeEvent,
	"charge.updated":        readChargeEvent,
	"charge.refunded":       readChargeEvent,
	"refund.created":        readRefundEvent,
	"refund.updated":        readRefundEvent,
	"refund.failed":         readRefundEvent,
	"charge.refund.updated": readRefundEvent,

	"charge.dispute.created":          readDispute,
	"charge.dispute.updated":          readDispute,
	"charge.dispute.funds_withdrawn":  readDispute,
	"charge.dispute.funds_reinstated": readDispute,
	"charge.dispute.closed":           readDispute,

	"checkout.session.completed":               readSession,
	"checkout.session.async_payment_succeeded": readSession,
	"checkout.session.async_payment_failed":    readSession,
	"checkout.session.expired":                 readSession,

	"invoice.paid":                 readInvoice,
	"invoice.payment_failed":       readInvoice,
	"invoice.voided":               readInvoice,
	"invoice.marked_uncollectible": readInvoice,
	"invoice_payment.paid":         readInvoicePayment,
	"credit_note.created":          readCreditNote,
	"credit_note.updated":          readCreditNote,
	"credit_note.voided":           readCreditNote,

	paymentAccepted: readAcceptance,

	"customer.subscription.created": readSubscription,
	"customer.subscription.updated": readSubscription,
	"customer.subscription.deleted": readSubscription,
}

// of notes which object the event is about. Disputes had no id of their own
// before 2014-09: one stands under its charge's.
func (e *Event) of(object gjson.Result) {
	e.Object = text(object.Get("id"))
	if e.Object == "" && object.Get("object").Str == "dispute" {
		e.Object = id(object.Get("charge"))
	}
}

// at is when what the event tells was so: Stripe's event.created, or the time
// of the fetch.
func (e *Event) at() int64 { return cmp.Or(e.fetchedAt, e.Created) }

// tell notes what an object tells, for Told.
func (e *Event) tell(told money.Evidence) { e.tellings = append(e.tellings, told) }

// tellPayment notes a PaymentIntent.
func (e *Event) tellPayment(id string, p money.Payment) {
	if models.IsObjectID(id) {
		e.tell(money.Evidence{Payments: map[string]money.Payment{id: p}})
	}
}

// tellCharge notes a charge and, where it names one, its PaymentIntent.
func (e *Event) tellCharge(id string, c money.Charge) {
	if !models.IsObjectID(c.PaymentIntent) {
		c.PaymentIntent = ""
	}
	if models.IsObjectID(id) {
		e.tell(money.Evidence{Charges: map[string]money.Charge{id: c}})
	}
	e.tellPayment(c.PaymentIntent, money.Payment{})
}

// tellInvoice notes an invoice, and a PaymentIntent or charge that pays it.
func (e *Event) tellInvoice(id string, i money.Invoice) {
	if models.IsObjectID(id) {
		e.tell(money.Evidence{Invoices: map[string]money.Invoice{id: i}})
	}
}

// paysInvoice links a payment with the invoice that it names itself, as API
// versions before 2025-03-31 do.
func (e *Event) paysInvoice(payment, invoice string) {
	if models.IsObjectID(payment) {
		e.tellInvoice(invoice, money.Invoice{Payments: map[string]int64{payment: 0}})
	}
}

// Supported lists the types of events that tell something.
func Supported() []string { return slices.Sorted(maps.Keys(eventReaders)) }
