package sandbox

import "time"

// subscription makes an invoice each period. Since 2025 the period stands on
// its items. https://docs.stripe.com/api/subscriptions
type subscription struct {
	head
	BillingCycleAnchor   int64             `json:"billing_cycle_anchor"`
	CancelAt             nullInt           `json:"cancel_at"`
	CancelAtPeriodEnd    bool              `json:"cancel_at_period_end"`
	CanceledAt           nullInt           `json:"canceled_at"`
	CollectionMethod     string            `json:"collection_method"`
	Currency             string            `json:"currency"`
	Customer             string            `json:"customer"`
	DefaultPaymentMethod nullString        `json:"default_payment_method"`
	Description          nullString        `json:"description"`
	EndedAt              nullInt           `json:"ended_at"`
	Items                page              `json:"items"`
	LatestInvoice        nullString        `json:"latest_invoice"`
	Metadata             map[string]string `json:"metadata"`
	StartDate            int64             `json:"start_date"`
	Status               string            `json:"status"`

	items []*subscriptionItem
}

type subscriptionItem struct {
	head
	CurrentPeriodEnd   int64             `json:"current_period_end"`
	CurrentPeriodStart int64             `json:"current_period_start"`
	Metadata           map[string]string `json:"metadata"`
	Price              *price            `json:"price"`
	Quantity           int64             `json:"quantity"`
	Subscription       string            `json:"subscription"`
}

// States of a subscription (https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses):
//
//	incomplete → active ⇄ past_due → canceled
const (
	subscriptionIncomplete = "incomplete"
	subscriptionActive     = "active"
	subscriptionPastDue    = "past_due"
	subscriptionCanceled   = "canceled"
)

// Why an invoice was made.
const (
	billingManual = "manual"
	billingCreate = "subscription_create"
	billingCycle  = "subscription_cycle"
)

func (c *call) createSubscription() (any, error) {
	f := c.form
	cus, err := find[*customer](c.state, "customer", f.required("customer"), "customer")
	if err != nil {
		f.fail(err)
	}
	metadata, methodID := f.metadata(nil), f.text("default_payment_method")
	behavior := f.oneOf("payment_behavior", "allow_incomplete", "default_incomplete")
	f.ignore("expand", "collection_method", "off_session", "payment_settings", "proration_behavior", "currency", "description")
	itemForms := f.elements("items")
	if len(itemForms) == 0 {
		f.fail(invalid(codeMissing, "items", "Missing required param: items."))
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	lines, err := c.readLines(itemForms)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		if l.price.Recurring == nil {
			return nil, invalid("", "items", "The price %s is not recurring.", l.price.ID)
		}
	}
	pm := c.usualMethod(cus)
	if methodID != "" {
		if pm, err = c.method(methodID, "default_payment_method"); err != nil {
			return nil, err
		}
	}
	if pm == nil && behavior != "default_incomplete" {
		return nil, invalid(codeResourceMissing, "", "This customer has no attached payment source or default payment method.")
	}
	return c.subscribe(cus, lines, pm, metadata, behavior == "default_incomplete"), nil
}

// subscribe starts a subscription with its first invoice, which is paid right
// away unless it is to wait for its payment intent's confirmation.
func (c *call) subscribe(cus *customer, lines []line, pm *paymentMethod, metadata map[string]string, wait bool) *subscription {
	if metadata == nil {
		metadata = map[string]string{}
	}
	sub := add(c.state, &c.subscriptions, &subscription{
		head:               head{ID: newID("sub_1", usualID-1), Object: "subscription", Created: c.now},
		BillingCycleAnchor: c.now,
		CollectionMethod:   "charge_automatically",
		Currency:           lines[0].price.Currency,
		Customer:           cus.ID,
		Metadata:           metadata,
		StartDate:          c.now,
		Status:             subscriptionIncomplete,
	})
	if pm != nil {
		sub.DefaultPaymentMethod = nullString(pm.ID)
	}
	for _, l := range lines {
		sub.items = append(sub.items, &subscriptionItem{
			head:               head{ID: newID("si_", 14), Object: "subscription_item", Created: c.now},
			CurrentPeriodStart: c.now, CurrentPeriodEnd: l.price.Recurring.after(c.now),
			Metadata: map[string]string{}, Price: l.price, Quantity: l.quantity, Subscription: sub.ID,
		})
	}
	sub.Items = listOf(sub.items, "/v1/subscription_items?subscription="+sub.ID)
	c.emit("customer.subscription.created", sub, nil)
	inv := c.periodInvoice(sub, billingCreate)
	c.finalize(inv)
	if !wait && pm != nil {
		_ = c.pay(inv, pm) // a refusal is told by the invoice and the subscription
	}
	return sub
}

// after is when a period that starts at start (Unix seconds) ends.
func (r *recurring) after(start int64) int64 {
	t, n := time.Unix(start, 0).UTC(), int(r.IntervalCount)
	switch r.Interval {
	case "day":
		t = t.AddDate(0, 0, n)
	case "week":
		t = t.AddDate(0, 0, 7*n)
	case "year":
		t = t.AddDate(n, 0, 0)
	default:
		t = t.AddDate(0, n, 0)
	}
	return t.Unix()
}

// renew begins the next period and tries to have it paid.
func (c *call) renew(sub *subscription, pm *paymentMethod) error {
	if sub.Status == subscriptionCanceled || sub.Status == subscriptionIncomplete {
		return invalid("", "", "A subscription with a status of %s has no next period.", sub.Status)
	}
	before := c.snapshot(sub)
	for _, item := range sub.items {
		item.CurrentPeriodStart = item.CurrentPeriodEnd
		item.CurrentPeriodEnd = item.Price.Recurring.after(item.CurrentPeriodStart)
	}
	inv := c.periodInvoice(sub, billingCycle)
	c.emit("customer.subscription.updated", sub, before)
	c.finalize(inv)
	_ = c.pay(inv, pm) // as above
	return nil
}

// move changes a subscription's status.
func (c *call) move(sub *subscription, status string) {
	if sub.Status == status || sub.Status == subscriptionCanceled {
		return
	}
	before := c.snapshot(sub)
	sub.Status = status
	c.emit("customer.subscription.updated", sub, before)
}

// end cancels a subscription at once.
func (c *call) end(sub *subscription) error {
	if sub.Status == subscriptionCanceled {
		return noSuch("subscription", sub.ID, inPath)
	}
	sub.Status, sub.CanceledAt, sub.EndedAt = subscriptionCanceled, nullInt(c.now), nullInt(c.now)
	c.emit("customer.subscription.deleted", sub, nil)
	return nil
}

func (c *call) getSubscription() (any, error) {
	return find[*subscription](c.state, "subscription", c.id(), inPath)
}

func (c *call) listSubscriptions() (any, error) {
	owner, status := c.form.text("customer"), c.form.text("status")
	return list(c, &c.subscriptions, func(sub *subscription) bool {
		wanted := status == "all" || sub.Status == status || (status == "" && sub.Status != subscriptionCanceled)
		return wanted && (owner == "" || sub.Customer == owner)
	})
}

func (c *call) updateSubscription() (any, error) {
	sub, err := find[*subscription](c.state, "subscription", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	metadata, methodID := c.form.metadata(sub.Metadata), c.form.text("default_payment_method")
	atEnd := sub.CancelAtPeriodEnd
	if c.form.has("cancel_at_period_end") {
		atEnd = c.form.flag("cancel_at_period_end")
	}
	c.form.ignore("expand", "description", "off_session", "payment_settings", "proration_behavior")
	if err := c.form.end(); err != nil {
		return nil, err
	}
	before := c.snapshot(sub)
	if methodID != "" {
		pm, err := c.method(methodID, "default_payment_method")
		if err != nil {
			return nil, err
		}
		sub.DefaultPaymentMethod = nullString(pm.ID)
	}
	sub.Metadata, sub.CancelAtPeriodEnd, sub.CancelAt = metadata, atEnd, 0
	if atEnd {
		sub.CancelAt = nullInt(sub.items[0].CurrentPeriodEnd)
	}
	c.emit("customer.subscription.updated", sub, before)
	return sub, nil
}

func (c *call) deleteSubscription() (any, error) {
	sub, err := find[*subscription](c.state, "subscription", c.id(), inPath)
	if err != nil {
		return nil, err
	}
	return sub, c.end(sub)
}
