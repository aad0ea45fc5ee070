package sandbox_test

import (
	"testing"

	"github.com/stripe/stripe-go/v76"

	"hourbank/sandbox"
)

func TestPaymentSucceeds(t *testing.T) {
	b := start(t)
	params := paid(5000, "pm_card_visa")
	params.AddMetadata("student_id", "s_1")
	params.AddExpand("latest_charge.refunds")
	pi, err := b.api.PaymentIntents.New(params)
	ok(t, err)
	equal(t, "status", pi.Status, stripe.PaymentIntentStatusSucceeded)
	equal(t, "received", pi.AmountReceived, 5000)
	equal(t, "metadata", pi.Metadata["student_id"], "s_1")
	equal(t, "captured", pi.LatestCharge.AmountCaptured, 5000)
	equal(t, "refunds", len(pi.LatestCharge.Refunds.Data), 0)
	equal(t, "brand", pi.LatestCharge.PaymentMethodDetails.Card.Brand, "visa")
	equalTypes(t, b.types(), "payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.updated")
	b.settled()
	equal(t, "webhooks", b.hook.types()["payment_intent.succeeded"], 1)
	equal(t, "book", b.book(pi.ID).Received, 5000)
}

func TestDeclines(t *testing.T) {
	b := start(t)
	for method, want := range map[string]struct {
		code    stripe.ErrorCode
		decline stripe.DeclineCode
	}{
		"pm_card_chargeDeclined":                  {stripe.ErrorCodeCardDeclined, stripe.DeclineCodeGenericDecline},
		"pm_card_visa_chargeDeclined":             {stripe.ErrorCodeCardDeclined, stripe.DeclineCodeGenericDecline},
		"pm_card_chargeDeclinedInsufficientFunds": {stripe.ErrorCodeCardDeclined, stripe.DeclineCodeInsufficientFunds},
		"pm_card_chargeDeclinedExpiredCard":       {stripe.ErrorCodeExpiredCard, ""},
		"pm_card_chargeDeclinedIncorrectCvc":      {stripe.ErrorCodeIncorrectCVC, ""},
		"pm_card_chargeDeclinedProcessingError":   {stripe.ErrorCodeProcessingError, ""},
	} {
		t.Run(method, func(t *testing.T) {
			_, err := b.api.PaymentIntents.New(paid(2000, method))
			e := refused(t, err, 402, stripe.ErrorTypeCard, want.code)
			equal(t, "decline code", e.DeclineCode, want.decline)
			equal(t, "status", e.PaymentIntent.Status, stripe.PaymentIntentStatusRequiresPaymentMethod)
			equal(t, "last error", e.PaymentIntent.LastPaymentError.Code, want.code)
			equal(t, "charge", e.ChargeID, e.PaymentIntent.LatestCharge.ID)
		})
	}
}

func TestDeclinedThenPaid(t *testing.T) {
	b := start(t)
	pi, err := b.api.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(2000), Currency: stripe.String("eur")})
	ok(t, err)
	equal(t, "new", pi.Status, stripe.PaymentIntentStatusRequiresPaymentMethod)
	_, err = b.api.PaymentIntents.Confirm(pi.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_chargeDeclined")})
	refused(t, err, 402, stripe.ErrorTypeCard, stripe.ErrorCodeCardDeclined)
	pi, err = b.api.PaymentIntents.Confirm(pi.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_mastercard")})
	ok(t, err)
	equal(t, "then", pi.Status, stripe.PaymentIntentStatusSucceeded)
	if pi.LastPaymentError != nil {
		t.Error("the earlier failure stayed")
	}
	equalTypes(t, b.types(), "payment_intent.created", "charge.failed", "payment_intent.payment_failed",
		"charge.succeeded", "payment_intent.succeeded", "charge.updated")
	_, err = b.api.PaymentIntents.Confirm(pi.ID, nil)
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodePaymentIntentUnexpectedState)
	_, err = b.api.PaymentIntents.Cancel(pi.ID, nil)
	refused(t, err, 400, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodePaymentIntentUnexpectedState)
}

func TestCancel(t *testing.T) {
	b := start(t)
	pi, err := b.api.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(2000), Currency: stripe.String("EUR")})
	ok(t, err)
	pi, err = b.api.PaymentIntents.Cancel(pi.ID, &stripe.PaymentIntentCancelParams{CancellationReason: stripe.String("abandoned")})
	ok(t, err)
	equal(t, "status", pi.Status, stripe.PaymentIntentStatusCanceled)
	equal(t, "reason", pi.CancellationReason, stripe.PaymentIntentCancellationReasonAbandoned)
	equalTypes(t, b.types(), "payment_intent.created", "payment_intent.canceled")
}

func TestAuthentication(t *testing.T) {
	b := start(t)
	pi := b.pay(2000, "pm_card_authenticationRequired")
	equal(t, "status", pi.Status, stripe.PaymentIntentStatusRequiresAction)
	b.do(pi.ID, "fail_authentication", sandbox.Options{})
	pi, err := b.api.PaymentIntents.Confirm(pi.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_authenticationRequired")})
	ok(t, err)
	b.do(pi.ID, "authenticate", sandbox.Options{})
	equal(t, "book", b.book(pi.ID).Status, "succeeded")
	equalTypes(t, b.types(), "payment_intent.created", "payment_intent.requires_action", "payment_intent.payment_failed",
		"payment_intent.requires_action", "charge.succeeded", "payment_intent.succeeded", "charge.updated")
	offSession := paid(2000, "pm_card_authenticationRequired")
	offSession.OffSession = stripe.Bool(true)
	_, err = b.api.PaymentIntents.New(offSession)
	refused(t, err, 402, stripe.ErrorTypeCard, stripe.ErrorCodeAuthenticationRequired)
}

func TestBankDebitIsDecidedLater(t *testing.T) {
	b := start(t)
	for iban, want := range map[string]string{"AT611904300234573201": "succeeded", "AT861904300235473202": "requires_payment_method"} {
		pm, err := b.api.PaymentMethods.New(&stripe.PaymentMethodParams{
			Type: stripe.String("sepa_debit"), SEPADebit: &stripe.PaymentMethodSEPADebitParams{IBAN: stripe.String(iban)}})
		ok(t, err)
		params := paid(1000, pm.ID)
		params.PaymentMethodTypes = stripe.StringSlice([]string{"sepa_debit"})
		pi, err := b.api.PaymentIntents.New(params)
		ok(t, err)
		equal(t, "at first", pi.Status, stripe.PaymentIntentStatusProcessing)
		b.settled()
		equal(t, iban, b.book(pi.ID).Status, want)
	}
	equal(t, "processing", b.hook.types()["payment_intent.processing"], 2)
	equal(t, "failed", b.hook.types()["payment_intent.payment_failed"], 1)
}

func TestManualCapture(t *testing.T) {
	b := start(t)
	params := paid(2000, "pm_card_visa")
	params.CaptureMethod = stripe.String("manual")
	pi, err := b.api.PaymentIntents.New(params)
	ok(t, err)
	equal(t, "status", pi.Status, stripe.PaymentIntentStatusRequiresCapture)
	equal(t, "nothing received", b.book(pi.ID).Received, 0)
	pi, err = b.api.PaymentIntents.Capture(pi.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(1500)})
	ok(t, err)
	equal(t, "received", pi.AmountReceived, 1500)
	held, err := b.api.PaymentIntents.New(params)
	ok(t, err)
	_, err = b.api.PaymentIntents.Cancel(held.ID, nil)
	ok(t, err)
	released := b.book(held.ID)
	equal(t, "released", released.Received+released.Refunded, 0)
}

func TestCardNumbersAndTokens(t *testing.T) {
	b := start(t)
	for _, card := range []*stripe.PaymentMethodCardParams{
		{Number: stripe.String("4242 4242 4242 4242"), ExpMonth: stripe.Int64(8), ExpYear: stripe.Int64(2040), CVC: stripe.String("123")},
		{Token: stripe.String("tok_visa")},
	} {
		pm, err := b.api.PaymentMethods.New(&stripe.PaymentMethodParams{Type: stripe.String("card"), Card: card})
		ok(t, err)
		equal(t, "last4", pm.Card.Last4, "4242")
		equal(t, "paid", b.pay(2000, pm.ID).Status, stripe.PaymentIntentStatusSucceeded)
	}
	_, err := b.api.PaymentMethods.New(&stripe.PaymentMethodParams{Type: stripe.String("card"),
		Card: &stripe.PaymentMethodCardParams{Number: stripe.String("1234567812345678")}})
	refused(t, err, 402, stripe.ErrorTypeCard, stripe.ErrorCodeIncorrectNumber)
}

func TestUpdateAndList(t *testing.T) {
	b := start(t)
	cus, err := b.api.Customers.New(&stripe.CustomerParams{Email: stripe.String("s@example.com")})
	ok(t, err)
	for range 3 {
		b.pay(1000, "pm_card_visa")
	}
	pi, err := b.api.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(1), Currency: stripe.String("eur"), Customer: &cus.ID})
	ok(t, err)
	update := &stripe.PaymentIntentParams{Amount: stripe.Int64(700)}
	update.AddMetadata("a", "1")
	pi, err = b.api.PaymentIntents.Update(pi.ID, update)
	ok(t, err)
	equal(t, "amount", pi.Amount, 700)
	equal(t, "metadata", pi.Metadata["a"], "1")
	list := b.api.PaymentIntents.List(&stripe.PaymentIntentListParams{Customer: &cus.ID})
	n := 0
	for ; list.Next(); n++ {
		equal(t, "customer", list.PaymentIntent().Customer.ID, cus.ID)
	}
	ok(t, list.Err())
	equal(t, "of the customer", n, 1)
}
