package ingest

import (
	"cmp"
	"slices"

	"hourbank/models"
	"hourbank/services/stripe"
)

// mayMake says whether a purchase might be made of the event's metadata: none
// is known for it, or only one that was made of what counts less.
func (b *book) mayMake(e *stripe.Event) bool {
	for _, p := range b.group(e) {
		if p.Origin <= b.origin(e) {
			return false
		}
	}
	return b.byID[e.Names.Purchase] == nil
}

func (b *book) origin(e *stripe.Event) models.Origin {
	if e.Names.Purchase != "" {
		return models.OriginSale
	}
	return e.Sale.Origin
}

// make makes the purchase that the event begins, if it does: a result with a
// purchase and no status. A status says why it can't.
func (b *book) make(e *stripe.Event, group []*models.Purchase) result {
	switch {
	case e.Invoice != nil && !slices.ContainsFunc(group, func(p *models.Purchase) bool { return p.Origin <= models.OriginInvoice }):
		return b.makeOfInvoice(e, group)
	case e.Sale != nil && b.mayMake(e):
		return b.makeOfSale(e, group)
	default:
		return result{}
	}
}

// makeOfSale makes the purchase that metadata speak of: a student's, of a plan
// at its price.
func (b *book) makeOfSale(e *stripe.Event, group []*models.Purchase) result {
	sale, plan := e.Sale, b.catalogue.plans[e.Sale.Plan]
	n := models.NewPurchase{
		ID: b.idOfSale(e), Origin: b.origin(e), StudentID: sale.StudentID, BeneficiaryID: models.OrNull(sale.BeneficiaryID), TransactionType: models.TypePackage,
		Hours: sale.Hours, Amount: sale.Amount, Currency: sale.Currency,
	}
	if plan != nil {
		quantity, known := sale.Quantity(plan)
		switch {
		case known:
		case sale.Origin == models.OriginSubscription:
			return result{}
		default:
			e.Unfetched = &stripe.ObjectRef{Kind: "checkout.session", ID: e.Object}
			return b.unfetched(e)
		}
		n.OfPlan(plan, quantity)
	}
	if n.Validate() != nil || models.ValidateID("id", cmp.Or(n.ID, "-")) != nil {
		return result{} // nothing that could be sold
	}
	if n.Origin != models.OriginSale && slices.ContainsFunc(group, n.IsOfTheSame) {
		return result{}
	}
	if !b.catalogue.takes(n.AccountID(), n.Currency) {
		return b.otherCurrency(e, n.AccountID(), "")
	}
	return result{purchase: n.Purchase(b.now)}
}

// makeOfInvoice makes the purchase of what an invoice's lines buy, or takes
// the hours off that they give back.
func (b *book) makeOfInvoice(e *stripe.Event, group []*models.Purchase) result {
	invoice, bought := e.Invoice, b.catalogue.buy(e.Invoice)
	student := b.catalogue.owner(invoice)
	switch {
	case invoice.Paid && bought.ForHours > 0 && bought.All <= 0, // a credit for something else paid for the hours
		bought.Hours < 0 && bought.ForHours > 0, // what is paid for fewer hours would be in no book
		bought.Hours == 0 && bought.All != 0, bought.Hours > models.MaxHours, bought.Hours > 0 && bought.Price <= 0:
		return b.unexplained(e, student)
	case bought.Hours == 0:
		return result{status: models.EventIgnored, reason: models.ReasonNotAPeriod}
	case models.ValidateID("student_id", student) != nil:
		return b.unexplained(e, "")
	case !models.IsCurrency(invoice.Currency) || !b.catalogue.takes(student, invoice.Currency):
		return b.otherCurrency(e, student, "")
	case bought.Hours > 0 && slices.ContainsFunc(invoice.Credited, b.neverCredited), // a part of it is of no money
		bought.Hours < 0 && !b.mayTakeOff(invoice, student, bought.Hours):
		return b.unexplained(e, student)
	case bought.Hours < 0:
		return b.takeOff(e, student, bought.Hours)
	}
	n := models.NewPurchase{ID: b.idOf(invoice.ID), Origin: models.OriginInvoice, StudentID: student}
	n.OfPlan(bought.Plan, 1)
	n.TransactionType, n.Hours, n.Amount, n.Currency = models.TypeSubscription, bought.Hours, bought.Price, invoice.Currency
	if slices.ContainsFunc(group, n.IsOfTheSame) {
		return result{}
	}
	return result{purchase: n.Purchase(b.now)}
}

// idOf is the id of a purchase that Stripe began: it follows from the object
// that it is made of, so that it is the same after a restore.
func (b *book) idOf(object string) string {
	id := models.IDOf(object)
	if b.byID[id] != nil {
		return models.NewID()
	}
	return id
}

// idOfSale is the id that we sold it under, where metadata name one.
func (b *book) idOfSale(e *stripe.Event) string {
	switch {
	case e.Names.Purchase != "":
		return e.Names.Purchase
	case e.Sale.Origin == models.OriginSession:
		return b.idOf(e.Object)
	default:
		return b.idOf(e.Payment)
	}
}
