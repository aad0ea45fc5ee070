package stripe

import (
	"cmp"
	"slices"

	"github.com/tidwall/gjson"

	"hourbank/models"
	"hourbank/models/hours"
	"hourbank/models/money"
	"hourbank/services/stripe/signing"
)

// readNames reads what names the purchase beside Stripe's ids.
func (e *Event) readNames(object gjson.Result) {
	e.Names = Names{
		Purchase:        text(firstOf(object, "metadata.purchase_transaction_id", "charge.metadata.purchase_transaction_id")),
		ClientReference: student(object.Get("client_reference_id")),
		Customer:        id(object.Get("customer")),
		Ours:            isOurs(object.Get("metadata")) || isOurs(object.Get("charge.metadata")),
	}
}

// isOurs says whether metadata have a key of ours.
func isOurs(metadata gjson.Result) bool {
	return slices.ContainsFunc([]string{"purchase_transaction_id", "student_id", "beneficiary_id", "plan"}, func(key string) bool {
		return text(metadata.Get(key)) != ""
	})
}

// student reads whose something is; nobody can be who was forgotten.
func student(r gjson.Result) string {
	if models.IsForgotten(r.Str) {
		return ""
	}
	return text(r)
}

// readSale reads what metadata say that a payment buys: of a student and a
// plan, or of hours that we sold (then the metadata are signed).
func (e *Event) readSale(object gjson.Result, origin models.Origin) {
	metadata := object.Get("metadata")
	sale := &Sale{
		Origin: origin, Subtotal: -1,
		StudentID: student(metadata.Get("student_id")), BeneficiaryID: text(metadata.Get("beneficiary_id")),
		Plan: text(metadata.Get("plan")), Currency: currency(object.Get("currency")),
	}
	if e.Names.Purchase != "" && sale.Plan == "" {
		sold, err := hours.Parse(text(metadata.Get("hours")))
		price, priceErr := models.ParseMinorUnits(text(metadata.Get("amount")))
		if err == nil && priceErr == nil {
			sale.Hours, sale.Amount, sale.signature = sold, price, text(metadata.Get(signing.Name))
		}
	}
	if sale.Plan != "" && sale.StudentID == "" && e.Names.Purchase == "" {
		sale.StudentID = e.Names.ClientReference
	}
	if sale.StudentID != "" && !models.IsForgotten(sale.BeneficiaryID) && (sale.Plan != "" || sale.Hours > 0) {
		e.Sale = sale
	}
}

// doubt takes a sale away whose price none of our secrets signed: its payment waits.
func (s *StripeService) doubt(e *Event) {
	if sale := e.Sale; sale != nil && sale.Hours > 0 && !s.signer.Verifies(signing.Sale{
		PurchaseID: e.Names.Purchase, StudentID: sale.StudentID, BeneficiaryID: sale.BeneficiaryID, Hours: sale.Hours, Amount: sale.Amount, Currency: sale.Currency,
	}, sale.signature) {
		e.Sale = nil
	}
}

// readSession takes what a Checkout Session asked, once that is settled: paid,
// or complete with nothing to pay. "Completed" alone only says that the
// customer is done; a delayed payment method pays later.
func readSession(e *Event, session gjson.Result) {
	e.readNames(session)
	told := money.Session{
		PaymentIntent: id(session.Get("payment_intent")), Invoice: id(session.Get("invoice")),
		PaymentLink: id(session.Get("payment_link")) != "", Source: converted(session),
	}
	e.Payment = cmp.Or(told.PaymentIntent, told.Invoice, e.Object)
	status := session.Get("payment_status").Str
	switch {
	case e.eventType == "checkout.session.async_payment_succeeded", status == "paid", status == "no_payment_required":
		told.Settled = e.asked(session)
		e.Money = true
	case e.eventType == "checkout.session.completed": // a delayed method pays later
		at := e.at()
		told.Processing = &at
	case e.eventType == "checkout.session.async_payment_failed":
		told.Failed = &money.Setback{At: e.at(), Code: "async_payment_failed", Message: "The delayed payment failed."}
	case e.eventType == "checkout.session.expired":
		told.Cancelled = e.cancelled("expired")
	}
	e.tell(money.Evidence{Sessions: map[string]money.Session{e.Object: told}})
	e.tellPayment(told.PaymentIntent, money.Payment{})
	e.tellInvoice(told.Invoice, money.Invoice{})
	switch session.Get("mode").Str {
	case "setup":
		e.Status, e.Reason = models.EventIgnored, models.ReasonUnsupportedType
	case "subscription":
		e.readSubscriptionSession(session)
	default:
		if e.Money || !told.PaymentLink { // a stranger opens a link for anybody: until it is paid, it begins nothing
			e.readSessionSale(session)
		}
	}
}

// readSubscriptionSession remembers whose the subscription is that began with
// the session. What it buys, its invoices say; only where no invoice does,
// the session's metadata, of what was paid with it.
func (e *Event) readSubscriptionSession(session gjson.Result) {
	e.Money = false
	if session.Get("payment_status").Str == "paid" && id(session.Get("invoice")) != "" {
		e.readSessionSale(session)
	}
	if e.Sale != nil {
		e.Sale.Origin, e.Sale.BeneficiaryID = models.OriginSubscription, "" // its invoices name no other account
	}
	metadata := session.Get("metadata")
	e.Subscription = &models.Subscription{
		ID:        id(session.Get("subscription")),
		StudentID: cmp.Or(student(metadata.Get("student_id")), e.Names.ClientReference),
		PlanID:    text(metadata.Get("plan")),
		ToldAt:    models.ToldBySession,
	}
	if student(metadata.Get("student_id")) == "" && id(session.Get("payment_link")) != "" {
		e.Subscription.ToldAt = models.ToldByLink
	}
}

func (e *Event) readSessionSale(session gjson.Result) {
	e.readSale(session, models.OriginSession)
	if e.Sale == nil {
		return
	}
	if subtotal := session.Get("amount_subtotal"); subtotal.Type == gjson.Number {
		e.Sale.Subtotal = amount(subtotal)
	}
	if source := converted(session); source != nil {
		e.Sale.Subtotal, e.Sale.Currency = source.Subtotal, source.Currency
	}
	for _, item := range session.Get("line_items.data").Array() {
		e.Sale.Items = append(e.Sale.Items, Item{PriceID: id(item.Get("price")), Quantity: quantity(item)})
	}
}

// quantity is how many a line is of; 1 where it doesn't say.
func quantity(line gjson.Result) int64 {
	if r := line.Get("quantity"); r.Type == gjson.Number {
		return amount(r)
	}
	return 1
}

// asked is what the session came to; nil where its version doesn't say.
func (e *Event) asked(session gjson.Result) *money.Asked {
	total := session.Get("amount_total")
	if total.Type != gjson.Number {
		return nil
	}
	return &money.Asked{
		At: e.at(), Total: amount(total), Subtotal: amount(firstOf(session, "amount_subtotal", "amount_total")),
		Currency: currency(session.Get("currency")),
	}
}

// converted is what the session asks in the seller's currency; nil where
// Stripe converted nothing.
func converted(session gjson.Result) *money.Converted {
	source := session.Get("currency_conversion")
	if !source.IsObject() {
		return nil
	}
	return &money.Converted{
		Subtotal: amount(source.Get("amount_subtotal")), Total: amount(source.Get("amount_total")),
		Currency: currency(source.Get("source_currency")),
	}
}

// Quantity says how many of the plan the sale is of; unknown where only the
// line items of its Checkout Session can tell, and these were not fetched yet.
func (s *Sale) Quantity(plan *models.Plan) (quantity int64, known bool) {
	if s.Subtotal < 0 || s.Subtotal == plan.Amount || s.Currency != plan.Currency {
		return 1, true
	}
	for _, item := range s.Items {
		if len(s.Items) == 1 || (plan.StripePriceID != nil && item.PriceID == *plan.StripePriceID) {
			quantity += item.Quantity
		}
	}
	if quantity <= 0 || quantity > int64(models.MaxHours) {
		return 1, len(s.Items) > 0
	}
	return quantity, true
}
