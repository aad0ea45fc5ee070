package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"hourbank/database"
	"hourbank/models"
	"hourbank/models/invoicing"
	"hourbank/services/ingest/prorations"
	"hourbank/services/ledger"
	"hourbank/services/stripe"
)

// catalogue is what it takes to make a purchase of an event: the plans, whose
// subscriptions are, and the currencies of accounts. It is empty where no
// event can make one, which then pays nothing for it.
type catalogue struct {
	plans, byPrice map[string]*models.Plan
	subscriptions  map[string][]*models.Subscription   // all that was told of each
	currencies     map[string]string                   // by student
	taken          map[string]bool                     // invoices whose hours were taken off before
	worth          map[string]prorations.Worth         // of the invoices that others give back, where they are known
	givingBack     map[string][]*prorations.GivingBack // by the invoices that they give back
	given          map[string][]given                  // what subscriptions of which invoices take hours off gave and took before
}

func openCatalogue(tx *gorm.DB, b *book, events []*stripe.Event, lock bool) (*catalogue, error) {
	c := &catalogue{
		plans: map[string]*models.Plan{}, byPrice: map[string]*models.Plan{},
		subscriptions: map[string][]*models.Subscription{}, currencies: map[string]string{}, worth: map[string]prorations.Worth{}, given: map[string][]given{},
	}
	subscriptions, invoices := b.periods(), []string(nil)
	sells := false
	for _, e := range events {
		if e.Subscription != nil {
			subscriptions = append(subscriptions, e.Subscription.ID)
		}
		if e.Invoice != nil {
			sells = true
			invoices = append(invoices, e.Invoice.ID)
			subscriptions = append(append(subscriptions, e.Invoice.SubscriptionID, e.Invoice.ID), e.Invoice.Credited...) // some have none
		}
		sells = sells || (e.Sale != nil && b.mayMake(e))
	}
	if err := c.readSubscriptions(tx, subscriptions, lock); err != nil {
		return nil, err
	}
	if sells {
		if err := c.readPlans(tx); err != nil {
			return nil, err
		}
	}
	beforeAndAfter := c.beforeAndAfter(events)
	for _, e := range events {
		for _, owners := range beforeAndAfter {
			for student, currency := range owners.accounts(b, e) {
				c.currencies[student] = cmp.Or(c.currencies[student], currency)
			}
		}
		group := b.group(e)
		for _, p := range group {
			if !p.KeepsCurrency() && b.books(e, p, group) {
				c.currencies[p.AccountID()] = cmp.Or(c.currencies[p.AccountID()], p.Currency)
			}
		}
	}
	// Nothing kept the account of what was cancelled in its currency. Where any account is
	// locked, all are that entries may move, so that it is in order.
	isCancelled := func(p *models.Purchase) bool { return p.PaymentStatus == models.StatusCancelled }
	if known := slices.Collect(maps.Values(b.byID)); len(c.currencies) > 0 || slices.ContainsFunc(known, isCancelled) {
		for _, p := range known {
			c.currencies[p.AccountID()] = cmp.Or(c.currencies[p.AccountID()], "")
		}
	}
	if err := c.readAccounts(tx, lock); err != nil {
		return nil, err
	}
	if err := c.readGiven(tx, events); err != nil {
		return nil, err
	}
	if err := c.readGivingBack(tx, b.invoices(invoices), lock); err != nil {
		return nil, err
	}
	taken, err := prorations.ReadTaken(tx, invoices)
	c.taken = taken
	return c, err
}

// beforeAndAfter are the catalogue and, where events tell of subscriptions, what it is once
// they are told: either may say whose an invoice is.
func (c *catalogue) beforeAndAfter(events []*stripe.Event) []*catalogue {
	if !slices.ContainsFunc(events, func(e *stripe.Event) bool { return e.Subscription != nil }) {
		return []*catalogue{c}
	}
	after := *c
	after.subscriptions = maps.Clone(c.subscriptions)
	for _, e := range events {
		if told := e.Subscription; told != nil {
			after.subscriptions[told.ID] = append(slices.Clip(after.subscriptions[told.ID]), told)
		}
	}
	return []*catalogue{c, &after}
}

// periods are the subscriptions that the book's purchases are periods of.
func (b *book) periods() (subscriptions []string) {
	for _, p := range b.byID {
		for _, invoice := range p.Evidence.Invoices {
			if invoice.Period != nil {
				subscriptions = append(subscriptions, invoice.Period.Subscription)
			}
		}
	}
	return subscriptions
}

// readSubscriptions reads what was told of them before. Of one subscription, and of one
// invoice, one batch at a time goes on, whatever is known of it: an invoice that takes hours
// off and the one that gave them would else each be decided without the other.
func (c *catalogue) readSubscriptions(tx *gorm.DB, ids []string, lock bool) error {
	ids = slices.DeleteFunc(ids, func(id string) bool { return !models.IsObjectID(id) })
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if lock && database.IsPostgres(tx) {
		locks := database.Select(tx.Session(&gorm.Session{NewDB: true}), "SELECT pg_advisory_xact_lock(hashtextextended(r.id, 0)) FROM %s", len(ids),
			database.ColumnOf("id", "text", ids, func(id string) string { return id }))
		if err := locks.Scan(&[]string{}).Error; err != nil {
			return fmt.Errorf("wait for other events of subscriptions: %w", err)
		}
	}
	if lock {
		tx = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	var rows []*models.Subscription
	if err := tx.Order("id, told_at").Where(database.IsAnyOf(tx, "id", ids)).Find(&rows).Error; err != nil {
		return fmt.Errorf("read subscriptions: %w", err)
	}
	for _, row := range rows {
		c.subscriptions[row.ID] = append(c.subscriptions[row.ID], row)
	}
	return nil
}

// readPlans reads all plans: there are few, and retired ones still have
// subscribers.
func (c *catalogue) readPlans(tx *gorm.DB) error {
	var plans []*models.Plan
	if err := tx.Session(&gorm.Session{NewDB: true}).Order("id").Find(&plans).Error; err != nil {
		return fmt.Errorf("read plans: %w", err)
	}
	for _, plan := range plans {
		c.plans[plan.ID] = plan
		if plan.StripePriceID != nil {
			c.byPrice[*plan.StripePriceID] = plan
		}
	}
	return nil
}

// accounts are whose accounts an event may need, and in which currency each would be
// opened: in none before it is paid, unless it is of our own sale to the account's student.
func (c *catalogue) accounts(b *book, e *stripe.Event) map[string]string {
	var buyer, account, currency string
	switch {
	case e.Invoice != nil:
		buyer, currency = c.owner(e.Invoice), e.Invoice.Currency
		if bought := c.buy(e.Invoice); bought.Plan == nil || bought.Hours == 0 {
			return nil
		}
	case e.Sale != nil && b.mayMake(e):
		buyer, account, currency = e.Sale.StudentID, e.Sale.BeneficiaryID, e.Sale.Currency
		if plan := c.plans[e.Sale.Plan]; plan != nil {
			currency = plan.Currency
		} else if e.Sale.Hours == 0 {
			return nil
		}
	}
	account = cmp.Or(account, buyer)
	if models.ValidateID("student_id", buyer) != nil || models.ValidateID("beneficiary_id", account) != nil || !models.IsCurrency(currency) {
		return nil
	}
	ownSale := e.Invoice == nil && account == buyer && b.origin(e) == models.OriginSale
	if !ownSale && !e.MayPay() && !slices.ContainsFunc(b.group(e), (*models.Purchase).IsBooked) {
		currency = ""
	}
	return map[string]string{buyer: "", account: currency}
}

// takes says whether a student's account is open, and in no other currency.
func (c *catalogue) takes(student, currency string) bool {
	known, opened := c.currencies[student]
	return opened && cmp.Or(known, currency) == currency
}

// readAccounts makes sure that the students have an account, before the statement
// that moves accounts looks for it.
func (c *catalogue) readAccounts(tx *gorm.DB, open bool) error {
	if len(c.currencies) == 0 {
		return nil
	}
	tx = tx.Session(&gorm.Session{NewDB: true})
	var accounts []models.Account
	for student, currency := range c.currencies {
		accounts = append(accounts, models.Account{StudentID: student, Currency: models.OrNull(currency), UpdatedAt: tx.NowFunc()})
	}
	read := ledger.ReadAccounts
	if open {
		read = ledger.OpenAccounts
	}
	opened, err := read(tx, accounts)
	if err != nil {
		return err
	}
	for _, account := range opened {
		if account.Currency != nil {
			c.currencies[account.StudentID] = *account.Currency
		}
	}
	return nil
}

// subscription is what held of an invoice's subscription when the invoice was
// told; empty where nothing is known of it.
func (c *catalogue) subscription(invoice *stripe.Invoice) models.Subscription {
	return models.SubscriptionAt(c.subscriptions[invoice.SubscriptionID], invoice.At)
}

// owner is the student of an invoice: its own metadata's, else its
// subscription's.
func (c *catalogue) owner(invoice *stripe.Invoice) string {
	return cmp.Or(invoice.StudentID, c.subscription(invoice).StudentID)
}

// buy says what an invoice's lines buy. A line's price counts more than a plan
// that metadata name, the invoice's more than its subscription's.
func (c *catalogue) buy(invoice *stripe.Invoice) invoicing.Bought {
	return invoicing.Buy(invoice.Lines, invoice.Currency, c.byPrice, c.named(invoice))
}

func (c *catalogue) named(invoice *stripe.Invoice) invoicing.Named {
	if plan := c.plans[invoice.PlanID]; plan != nil {
		return invoicing.Named{Plan: plan, OfInvoice: invoice.OwnPlan}
	}
	s := c.subscription(invoice)
	return invoicing.Named{Plan: cmp.Or(c.plans[s.PlanID], c.byPrice[s.StripePriceID])}
}

// keepForgottenSubscription does the same as keepForgotten with what Stripe tells
// of a subscription itself.
func (b *book) keepForgottenSubscription(e *stripe.Event) {
	if e.Subscription == nil {
		return
	}
	for _, known := range b.catalogue.subscriptions[e.Subscription.ID] {
		if models.IsForgotten(known.StudentID) {
			e.Forget(known.StudentID, known.StudentID)
		}
	}
}

// remember keeps what was told of a subscription, and says whether that counts
// more than all that was told before.
func (b *book) remember(told *models.Subscription) bool {
	known := b.catalogue.subscriptions[told.ID]
	latest := !slices.ContainsFunc(known, func(s *models.Subscription) bool { return !told.After(s) })
	sameSecond := func(s *models.Subscription) bool { return s.ToldAt == told.ToldAt }
	if slices.ContainsFunc(known, func(s *models.Subscription) bool { return sameSecond(s) && !told.After(s) }) {
		return false
	}
	b.catalogue.subscriptions[told.ID] = append(slices.DeleteFunc(known, sameSecond), told)
	b.told[told.ID] = append(slices.DeleteFunc(b.told[told.ID], sameSecond), told)
	return latest
}
