package sandbox

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// subscription makes an invoice each period. Since 2025 the period stands on
// its items. https://docs.stripe.com/api/subscriptions
type subscription struct {
	head
	BillingCycleAnchor   int64             `json:"billing_cycle_anchor"`
	CancelAt             nullInt           `json:"cancel_at"`
	CancelAtPeriodEnd    bool              `json:"cancel_at_period_end"`
	CanceledAt           nullInt           `json:"canceled_at"`
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

	items   []*subscriptionItem
	waiting []invoiceLine // prorations, for the next invoice
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
	billingUpdate = "subscription_update"
)

func (c *call) createSubscription() (any, error) {
	f := c.form
	cus, err := find[*customer](c.state, "customer", f.required("customer"), "customer")
	if err != nil {
		f.fail(err)
	}
	o := order{metadata: f.metadata(nil), description: nullString(f.text("description")), lines: c.readLines(f, "items"),
		method: c.method(f, "default_payment_method"), wait: f.oneOf("payment_behavior", "allow_incomplete", "default_incomplete") != "allow_incomplete"}
	f.fixed("collection_method", "charge_automatically")
	f.flag("off_session", false) // nobody authenticates an invoice here
	for _, l := range o.lines {
		if l.price.Recurring == nil {
			f.fail(invalid("", "items", "The price %s is not recurring.", l.price.ID))
		}
	}
	if cus != nil && o.method == nil {
		o.method = c.usualMethod(cus)
	}
	if o.method == nil && !o.wait {
		f.fail(noMethod())
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	return c.subscribe(cus, o), nil
}

// order is what is subscribed to. Its first invoice is paid right away by the
// method, unless it waits for its payment intent's confirmation.
type order struct {
	lines       []line
	method      *paymentMethod
	metadata    map[string]string
	description nullString
	wait        bool
	extras
}

// subscribe starts a subscription with its first invoice.
func (c *call) subscribe(cus *customer, o order) *subscription {
	if o.metadata == nil {
		o.metadata = map[string]string{}
	}
	sub := &subscription{
		head:               head{ID: newID("sub_1", usualID-1), Object: "subscription", Created: c.now},
		BillingCycleAnchor: c.now,
		Currency:           o.lines[0].price.Currency,
		Customer:           cus.ID,
		Description:        o.description,
		Metadata:           o.metadata,
		StartDate:          c.now,
		Status:             subscriptionIncomplete,
	}
	if o.method != nil {
		c.keepMethod(o.method)
		sub.DefaultPaymentMethod = nullString(o.method.ID)
	}
	for _, l := range o.lines {
		c.keepPrice(l.price)
		sub.items = append(sub.items, &subscriptionItem{
			head:               head{ID: newID("si_", 14), Object: "subscription_item", Created: c.now},
			CurrentPeriodStart: c.now, CurrentPeriodEnd: l.price.Recurring.after(c.now),
			Metadata: map[string]string{}, Price: l.price, Quantity: l.quantity, Subscription: sub.ID,
		})
	}
	sub.Items = listOf(sub.items, "/v1/subscription_items?subscription="+sub.ID)
	add(c.state, &c.subscriptions, sub)
	c.emit("customer.subscription.created", sub)
	inv := c.subscriptionInvoice(sub, billingCreate, sub.periodLines(), o.extras)
	c.finalize(inv)
	if !o.wait && o.method != nil {
		_ = c.pay(inv, o.method) // a refusal is told by the invoice and the subscription
	}
	return sub
}

// periodLines are what the current period costs, and what waited for it.
func (sub *subscription) periodLines() []invoiceLine {
	lines := sub.waiting
	sub.waiting = nil
	for _, item := range sub.items {
		lines = append(lines, sub.line(item, item.Price.UnitAmount*item.Quantity, item.CurrentPeriodStart, false))
	}
	return lines
}

// line is a line of an item's price and quantity from then to the period's end.
func (sub *subscription) line(item *subscriptionItem, amount, from int64, proration bool) invoiceLine {
	return invoiceLine{
		Amount: amount, Currency: item.Price.Currency, Discountable: !proration,
		Description: nullString(fmt.Sprintf("%d × %s", item.Quantity, item.Price.Product)),
		Metadata:    sub.Metadata,
		Parent: map[string]any{"type": "subscription_item_details", "invoice_item_details": nil,
			"subscription_item_details": map[string]any{"invoice_item": nil, "proration": proration, "proration_details": nil,
				"subscription": item.Subscription, "subscription_item": item.ID}},
		Period: map[string]int64{"start": from, "end": item.CurrentPeriodEnd},
		Price:  item.Price, Pricing: pricing(item.Price), Quantity: item.Quantity,
	}
}

// rest is the item's price for what is left of its period.
func (item *subscriptionItem) rest(from int64) int64 {
	left, whole := item.CurrentPeriodEnd-from, item.CurrentPeriodEnd-item.CurrentPeriodStart
	return int64(math.Round(float64(item.Price.UnitAmount*item.Quantity) * float64(left) / float64(whole)))
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
func (c *call) renew(sub *subscription, pm *paymentMethod, more extras) error {
	if sub.Status == subscriptionCanceled || sub.Status == subscriptionIncomplete {
		return invalid("", "", "A subscription with a status of %s has no next period.", sub.Status)
	}
	for _, item := range sub.items {
		item.CurrentPeriodStart = item.CurrentPeriodEnd
		item.CurrentPeriodEnd = item.Price.Recurring.after(item.CurrentPeriodStart)
	}
	inv := c.subscriptionInvoice(sub, billingCycle, sub.periodLines(), more)
	c.emit("customer.subscription.updated", sub)
	c.finalize(inv)
	_ = c.pay(inv, pm) // as above
	return nil
}

// move changes a subscription's status.
func (c *call) move(sub *subscription, status string) {
	if sub.Status == status || sub.Status == subscriptionCanceled {
		return
	}
	sub.Status = status
	c.emit("customer.subscription.updated", sub)
}

// end cancels a subscription at once.
func (c *call) end(sub *subscription) error {
	if sub.Status == subscriptionCanceled {
		return noSuch("subscription", sub.ID, inPath)
	}
	sub.Status, sub.CanceledAt, sub.EndedAt = subscriptionCanceled, nullInt(c.now), nullInt(c.now)
	c.emit("customer.subscription.deleted", sub)
	return nil
}

func (c *call) listSubscriptions() (any, error) {
	owner, status := c.form.text("customer"), c.form.text("status")
	return list(c, &c.subscriptions, func(sub *subscription) bool {
		wanted := status == "all" || sub.Status == status || (status == "" && sub.Status != subscriptionCanceled)
		return wanted && (owner == "" || sub.Customer == owner)
	})
}

func (c *call) updateSubscription(sub *subscription) (any, error) {
	f := c.form
	metadata, pm := f.metadata(sub.Metadata), c.method(f, "default_payment_method")
	atEnd := f.flag("cancel_at_period_end", sub.CancelAtPeriodEnd)
	f.flag("off_session", false) // nobody authenticates an invoice here
	changed := c.readChange(sub)
	prorate, from := f.oneOf("proration_behavior", "create_prorations", "always_invoice", "none"), f.number("proration_date", c.now)
	if first := sub.items[0]; from < first.CurrentPeriodStart || from > first.CurrentPeriodEnd {
		f.fail(invalid("", "proration_date", "The proration date must be in the current period."))
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	if pm != nil {
		c.keepMethod(pm)
		sub.DefaultPaymentMethod = nullString(pm.ID)
	}
	sub.Metadata, sub.CancelAtPeriodEnd, sub.CancelAt = metadata, atEnd, 0
	if atEnd {
		sub.CancelAt = nullInt(sub.items[0].CurrentPeriodEnd)
	}
	for _, l := range changed {
		c.keepPrice(l.price)
	}
	sub.change(changed, from, prorate != "none")
	c.emit("customer.subscription.updated", sub)
	if prorate == "always_invoice" && len(sub.waiting) > 0 {
		c.billChange(sub)
	}
	return sub, nil
}

// readChange reads the items that are to have another price or quantity.
func (c *call) readChange(sub *subscription) map[*subscriptionItem]line {
	changed := map[*subscriptionItem]line{}
	for _, f := range c.form.elements("items") {
		id := f.required("id")
		i := slices.IndexFunc(sub.items, func(item *subscriptionItem) bool { return item.ID == id })
		if i < 0 {
			c.form.fail(noSuch("subscription item", id, f.full("id")))
			continue
		}
		l := line{price: sub.items[i].Price, quantity: f.number("quantity", sub.items[i].Quantity)}
		if f.has("price") || f.has("price_data") {
			l.price = c.linePrice(f)
		}
		if l.price.Recurring == nil || l.quantity < 1 || l.quantity > largestAmount || l.price.UnitAmount*l.quantity > largestAmount {
			c.form.fail(invalid("", f.full("price"), "The price must be recurring, and cost at most %d.", largestAmount))
		}
		changed[sub.items[i]] = l
	}
	return changed
}

// change gives items another price or quantity. What is left of the period is
// given back at the old one and taken at the new one.
func (sub *subscription) change(changed map[*subscriptionItem]line, from int64, prorate bool) {
	for _, item := range sub.items {
		l, ok := changed[item]
		if !ok || (l.price == item.Price && l.quantity == item.Quantity) {
			continue
		}
		back := sub.line(item, -item.rest(from), from, true)
		item.Price, item.Quantity = l.price, l.quantity
		if prorate {
			sub.waiting = append(sub.waiting, back, sub.line(item, item.rest(from), from, true))
		}
	}
}

// billChange has what waits paid at once.
func (c *call) billChange(sub *subscription) {
	lines := sub.waiting
	sub.waiting = nil
	inv := c.subscriptionInvoice(sub, billingUpdate, lines, extras{})
	c.finalize(inv)
	if pm, ok := c.byID[string(sub.DefaultPaymentMethod)].(*paymentMethod); ok {
		_ = c.pay(inv, pm) // as in subscribe
	}
}
