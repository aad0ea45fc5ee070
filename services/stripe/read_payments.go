package stripe

import (
	"cmp"
	"strings"

	"github.com/tidwall/gjson"

	"hourbank/models"
	"hourbank/models/money"
)

// basil is the first API version in which the release of an authorisation is
// no refund, and whose names are not dates alone.
// https://docs.stripe.com/changelog/basil
const basil = "2025-03-31"

// isOld says whether the event is of an API version before basil; where it
// names none, it is.
func (e *Event) isOld() bool { return e.APIVersion < basil }

func readPaymentIntent(e *Event, intent gjson.Result) { e.readPaymentIntent(intent, money.Attempts{}) }

func readPaymentSucceeded(e *Event, intent gjson.Result) {
	e.Money = true
	e.readPaymentIntent(intent, money.Attempts{})
	e.tellPayment(e.Payment, money.Payment{Authorised: amount(intent.Get("amount")), Charge: cut(id(intent.Get("latest_charge")), models.MaxIDLength)})
	if received := intent.Get("amount_received"); !received.Exists() || received.Type == gjson.Null {
		e.tellPayment(e.Payment, money.Payment{
			Received: e.received(amount(intent.Get("amount"))), Currency: currency(intent.Get("currency")),
		})
	}
}

func readPaymentUnderWay(e *Event, intent gjson.Result) {
	at := e.at()
	e.readPaymentIntent(intent, money.Attempts{Processing: &at})
}

func readPaymentFailed(e *Event, intent gjson.Result) {
	cause := intent.Get("last_payment_error")
	e.readPaymentIntent(intent, money.Attempts{Failed: &money.Setback{
		At: e.at(), Code: cmp.Or(word(cause.Get("code")), "payment_failed"), Message: sentence(cause.Get("message")),
	}})
}

func readPaymentCanceled(e *Event, intent gjson.Result) {
	e.readPaymentIntent(intent, money.Attempts{Cancelled: e.cancelled(cmp.Or(word(intent.Get("cancellation_reason")), "canceled"))})
}

// cancelled words a cancellation for people: Stripe gives only a code.
func (e *Event) cancelled(reason string) *money.Setback {
	return &money.Setback{At: e.at(), Code: reason, Message: "The payment was cancelled: " + strings.ReplaceAll(reason, "_", " ") + "."}
}

// readPaymentIntent takes what the PaymentIntent shows, whatever the event. Its
// charges stand in it until 2022-11-15, then only the latest, as an id.
func (e *Event) readPaymentIntent(intent gjson.Result, attempts money.Attempts) {
	e.Payment = text(intent.Get("id"))
	e.readNames(intent)
	e.readSale(intent, models.OriginPaymentIntent)
	told := money.Payment{Details: amountDetails(intent.Get("amount_details")), Attempts: attempts}
	if received := amount(intent.Get("amount_received")); received > 0 {
		told.Received, told.Currency = e.received(received), currency(intent.Get("currency"))
		e.Money = true
	}
	e.tellPayment(e.Payment, told)
	e.paysInvoice(e.Payment, id(intent.Get("invoice")))
	for _, charge := range intent.Get("charges.data").Array() {
		e.readCharge(charge, e.Payment)
	}
	if latest := intent.Get("latest_charge"); latest.IsObject() {
		e.readCharge(latest, e.Payment)
	} else {
		e.tellCharge(text(latest), money.Charge{PaymentIntent: e.Payment})
	}
}

func (e *Event) received(amount int64) money.Received {
	if amount == 0 {
		return money.Received{}
	}
	return money.Received{Amount: amount, At: e.at()}
}

// amountDetails reads what the amount is made of; nil where nothing is said.
// https://docs.stripe.com/api/payment_intents/object#payment_intent_object-amount_details
func amountDetails(r gjson.Result) *money.AmountDetails {
	details := money.AmountDetails{
		Discount: amount(r.Get("discount_amount")),
		Tax:      amount(r.Get("tax.total_tax_amount")),
		Shipping: amount(r.Get("shipping.amount")),
	}
	if details == (money.AmountDetails{}) {
		return nil
	}
	return &details
}

func readChargeEvent(e *Event, charge gjson.Result) {
	e.readNames(charge)
	e.readSale(charge, models.OriginPaymentIntent)
	e.Payment = cmp.Or(id(charge.Get("payment_intent")), e.Object)
	told := e.readCharge(charge, "")
	e.Money = told.Captured.Amount > 0 || told.Refunded.Amount > 0
}

// readCharge takes a charge: what it captured, its total of refunds, and the
// refunds that it lists (versions before 2022-11-15, or expanded).
func (e *Event) readCharge(charge gjson.Result, intent string) money.Charge {
	told := money.Charge{PaymentIntent: cmp.Or(id(charge.Get("payment_intent")), intent)}
	chargeID := text(charge.Get("id"))
	if captured, says := isCaptured(charge); says {
		told.Authorised = amount(charge.Get("amount"))
		if captured {
			told.Captured = e.received(capturedAmount(charge))
			told.Currency = currency(charge.Get("currency"))
		}
	}
	if total := charge.Get("amount_refunded"); total.Type == gjson.Number && models.IsObjectID(chargeID) {
		told.Refunded = money.RefundTotal{Amount: amount(total), At: e.at(), Old: e.isOld()}
	}
	e.tellCharge(chargeID, told)
	e.paysInvoice(cmp.Or(told.PaymentIntent, chargeID), id(charge.Get("invoice"))) // until 2025-03-31
	refunds := charge.Get("refunds")
	if refunds.IsObject() { // the oldest versions have a plain array
		refunds = refunds.Get("data")
	}
	for _, refund := range refunds.Array() {
		e.readRefund(refund, chargeID, told.PaymentIntent)
	}
	return told
}

// capturedAmount is what a captured charge took. amount_captured is missing
// before 2020 and not always filled in: then it took its whole amount.
func capturedAmount(charge gjson.Result) int64 {
	captured := charge.Get("amount_captured")
	if captured.Type == gjson.Null || (captured.Type == gjson.Number && captured.Num == 0) {
		return amount(charge.Get("amount"))
	}
	return amount(captured)
}

// isCaptured says whether the charge took money, and whether it says so at
// all: by captured, else by paid. One that is not paid never took any.
func isCaptured(charge gjson.Result) (captured, told bool) {
	paid, flag, status := charge.Get("paid"), charge.Get("captured"), charge.Get("status").Str
	switch {
	case paid.Type == gjson.False, status == "failed", status == "pending":
		return false, false
	case flag.IsBool():
		return flag.Bool(), true
	default:
		return paid.Bool(), paid.IsBool()
	}
}

func readRefundEvent(e *Event, refund gjson.Result) {
	e.Money = true
	e.readNames(refund)
	intent := id(firstOf(refund, "payment_intent", "charge.payment_intent"))
	e.Payment = cmp.Or(intent, id(refund.Get("charge")), e.Object)
	e.readRefund(refund, "", "")
}

// readRefund takes a refund, which may name only its charge.
func (e *Event) readRefund(refund gjson.Result, charge, intent string) {
	refundID := text(refund.Get("id"))
	if !models.IsObjectID(refundID) {
		return
	}
	charge = cmp.Or(id(refund.Get("charge")), charge)
	intent = cmp.Or(id(firstOf(refund, "payment_intent", "charge.payment_intent")), intent)
	told := money.Refund{Charge: charge, PaymentIntent: intent, ForHours: refund.Get("metadata."+refundFor).Str == refundForHours, RefundState: money.RefundState{
		At: e.at(), Status: cmp.Or(word(refund.Get("status")), money.RefundSucceeded), // null in old API versions
		Amount: amount(refund.Get("amount")), Currency: currency(refund.Get("currency")), Created: e.at(),
	}}
	if created := refund.Get("created"); created.Type == gjson.Number {
		told.Created = seconds(created)
	}
	if told.Status == money.RefundFailed || told.Status == money.RefundCanceled {
		told.FailedAt = told.At
	}
	e.tell(money.Evidence{Refunds: map[string]money.Refund{refundID: told}})
	e.tellCharge(charge, money.Charge{PaymentIntent: intent})
	e.tellPayment(intent, money.Payment{})
}

// readDispute takes a dispute and the balance transactions that it shows.
func readDispute(e *Event, dispute gjson.Result) {
	e.Money = true
	e.readNames(dispute)
	charge, intent := id(dispute.Get("charge")), id(firstOf(dispute, "payment_intent", "charge.payment_intent"))
	e.Payment = cmp.Or(intent, charge, e.Object)
	told := money.Dispute{Charge: charge, PaymentIntent: intent, DisputeState: money.DisputeState{
		At: e.at(), Status: word(dispute.Get("status")), Amount: amount(dispute.Get("amount")), Currency: currency(dispute.Get("currency")),
	}}
	if due := firstOf(dispute, "evidence_details.due_by", "evidence_due_by"); due.Type == gjson.Number {
		told.DueBy = seconds(due)
	}
	for _, transaction := range append(dispute.Get("balance_transactions").Array(), dispute.Get("balance_transaction")) {
		if moved := transaction.Get("amount"); moved.Type == gjson.Number && models.IsObjectID(text(transaction.Get("id"))) {
			if told.Transactions == nil {
				told.Transactions = map[string]int64{}
			}
			told.Transactions[text(transaction.Get("id"))] = signed(moved)
		}
	}
	e.tell(money.Evidence{Disputes: map[string]money.Dispute{e.Object: told}})
	e.tellCharge(charge, money.Charge{PaymentIntent: intent})
	e.tellPayment(intent, money.Payment{})
}
