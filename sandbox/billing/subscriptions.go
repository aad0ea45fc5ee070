package billing

import (
	"math"
	"slices"
	"time"

	"hourbank/sandbox/api"
	"hourbank/sandbox/payments"
)

// States of a subscription (https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses):
//
//	incomplete → active ⇄ past_due → canceled
func createSubscription(c *api.Call) api.Act {
	f := c.Form
	cus, said := c.NeedsNamed(f, "customer", "customer"), api.Object{"metadata": f.Metadata(nil)}
	f.TextsInto(said, "description")
	o := order{lines: payments.ReadLines(c, "items", true), method: payments.ReadMethod(c, f, "default_payment_method"),
		wait: f.OneOf("payment_behavior", "allow_incomplete", "default_incomplete") != "allow_incomplete"}
	f.Fixed("collection_method", "charge_automatically")
	f.Flag("off_session", false) // nobody authenticates an invoice here
	if o.method == nil {
		o.method = payments.UsualMethod(c, cus)
	}
	if o.method == nil && !o.wait {
		f.Fail(noMethod())
	}
	return func() (any, error) { return subscribe(c, cus, said, o), nil }
}

// order is what is subscribed to. Its first invoice is paid right away by the
// method, unless it waits for its payment intent's confirmation.
type order struct {
	lines  []payments.Line
	method api.Object
	wait   bool
	extras
}

// subscribe starts a subscription with its first invoice. Since 2025 the period
// stands on its items. https://docs.stripe.com/api/subscriptions
func subscribe(c *api.Call, cus, sub api.Object, o order) api.Object {
	c.Make("subscription", sub).Set(api.Object{
		"billing_cycle_anchor": c.Now, "currency": o.lines[0].Price.Text("currency"), "customer": cus.ID(),
		"start_date": c.Now, "status": "incomplete",
	})
	if o.method != nil {
		sub.Set(api.Object{"default_payment_method": c.Keep(o.method).ID()})
	}
	items := []api.Object{}
	for _, l := range o.lines {
		payments.KeepPrice(c, l.Price)
		item := c.New("subscription_item", api.Object{"subscription": sub.ID(), "current_period_end": c.Now})
		setItem(item, l)
		items = append(items, item)
	}
	sub.Set(api.Object{"items": api.ListOf(items, "/v1/subscription_items?subscription="+sub.ID())})
	nextPeriod(sub)
	c.Emit("customer.subscription.created", sub)
	inv := subscriptionInvoice(c, sub, "subscription_create", periodLines(sub), o.extras)
	finalize(c, inv)
	if !o.wait && o.method != nil {
		_ = pay(c, inv, o.method) // a refusal is told by the invoice and the subscription
	}
	return sub
}

func itemsOf(sub api.Object) []api.Object { return sub.Part("items").Parts("data") }

// setItem gives an item its price and quantity.
func setItem(item api.Object, l payments.Line) {
	item.Set(api.Object{"price": l.Price, "plan": planOf(l.Price), "quantity": l.Quantity})
}

// nextPeriod begins each item's period where its last one ended.
func nextPeriod(sub api.Object) {
	for _, item := range itemsOf(sub) {
		start := item.Number("current_period_end")
		item.Set(api.Object{"current_period_start": start, "current_period_end": after(item.Part("price").Part("recurring"), start)})
	}
	sub.Set(itemsOf(sub)[0].Pick("current_period_start", "current_period_end"))
}

// after is when a period that starts at start (Unix seconds) ends.
func after(recurring api.Object, start int64) int64 {
	n := int(recurring.Number("interval_count"))
	of := map[string][3]int{"day": {0, 0, n}, "week": {0, 0, 7 * n}, "month": {0, n, 0}, "year": {n, 0, 0}}[recurring.Text("interval")]
	return time.Unix(start, 0).UTC().AddDate(of[0], of[1], of[2]).Unix()
}

// periodLines are what the current period costs, and what waited for it.
func periodLines(sub api.Object) []api.Object {
	lines := waitingLines(sub)
	for _, item := range itemsOf(sub) {
		lines = append(lines, itemLine(sub, item, cost(item), item.Number("current_period_start"), false))
	}
	return lines
}

// waitingLines takes the prorations that wait for the next invoice.
func waitingLines(sub api.Object) []api.Object {
	lines := sub.Parts("_waiting")
	delete(sub, "_waiting")
	return lines
}

func cost(item api.Object) int64 {
	return item.Part("price").Number("unit_amount") * item.Number("quantity")
}

// rest is the item's price for what is left of its period.
func rest(item api.Object, from int64) int64 {
	end := item.Number("current_period_end")
	left, whole := end-from, end-item.Number("current_period_start")
	return int64(math.Round(float64(cost(item)) * float64(left) / float64(whole)))
}

func renewUsually(c *api.Call, sub api.Object, with api.Options) error {
	pm := c.Get(sub.Text("default_payment_method"))
	if pm == nil {
		return api.Invalid("resource_missing", "", "This subscription has no default payment method.")
	}
	return renew(c, sub, pm, extras{with.Discount, with.Tax})
}

// renew begins the next period and tries to have it paid.
func renew(c *api.Call, sub, pm api.Object, more extras) error {
	if status := sub.Text("status"); status == "canceled" || status == "incomplete" {
		return api.Invalid("", "", "A subscription with a status of %s has no next period.", status)
	}
	nextPeriod(sub)
	inv := subscriptionInvoice(c, sub, "subscription_cycle", periodLines(sub), more)
	c.Emit("customer.subscription.updated", sub)
	finalize(c, inv)
	_ = pay(c, inv, pm) // as in subscribe
	return nil
}

// moveTo changes a subscription's status.
func moveTo(c *api.Call, sub api.Object, status string) {
	if was := sub.Text("status"); was == status || was == "canceled" {
		return
	}
	sub.Set(api.Object{"status": status})
	c.Emit("customer.subscription.updated", sub)
}

// end cancels a subscription at once.
func end(c *api.Call, sub api.Object) error {
	if sub.Text("status") == "canceled" {
		return api.NoSuch("subscription", sub.ID(), api.InPath)
	}
	sub.Set(api.Object{"status": "canceled", "canceled_at": c.Now, "ended_at": c.Now})
	c.Emit("customer.subscription.deleted", sub)
	return nil
}

func listSubscriptions(c *api.Call) api.Act {
	owner, status := c.Form.Text("customer"), c.Form.Text("status")
	return c.List("subscription", func(sub api.Object) bool {
		is := sub.Text("status")
		wanted := status == "all" || is == status || (status == "" && is != "canceled")
		return wanted && (owner == "" || sub.Text("customer") == owner)
	})
}

func updateSubscription(c *api.Call, sub api.Object) api.Act {
	f, now := c.Form, itemsOf(sub)[0]
	said := api.Object{"metadata": f.Metadata(sub.Metadata()), "cancel_at": nil,
		"cancel_at_period_end": f.Flag("cancel_at_period_end", sub.Is("cancel_at_period_end"))}
	if said.Is("cancel_at_period_end") {
		said["cancel_at"] = now.Number("current_period_end")
	}
	pm := payments.ReadMethod(c, f, "default_payment_method")
	f.Flag("off_session", false) // nobody authenticates an invoice here
	changed := readChange(c, sub)
	prorate, from := f.OneOf("proration_behavior", "create_prorations", "always_invoice", "none"), f.Number("proration_date", c.Now)
	if from < now.Number("current_period_start") || from > now.Number("current_period_end") {
		f.Fail(api.Invalid("", "proration_date", "The proration date must be in the current period."))
	}
	return func() (any, error) {
		if sub.Set(said); pm != nil {
			sub.Set(api.Object{"default_payment_method": c.Keep(pm).ID()})
		}
		change(c, sub, changed, from, prorate != "none")
		c.Emit("customer.subscription.updated", sub)
		if prorate == "always_invoice" {
			billChange(c, sub)
		}
		return sub, nil
	}
}

// readChange reads the items, by their ids, that are to have another price or
// quantity.
func readChange(c *api.Call, sub api.Object) map[string]payments.Line {
	changed := map[string]payments.Line{}
	for _, f := range c.Form.Elements("items") {
		id := f.Required("id")
		i := slices.IndexFunc(itemsOf(sub), func(item api.Object) bool { return item.ID() == id })
		if i < 0 {
			c.Form.Fail(api.NoSuch("subscription item", id, f.Full("id")))
			continue
		}
		item := itemsOf(sub)[i]
		l := payments.Line{Price: item.Part("price"), Quantity: f.Number("quantity", item.Number("quantity"))}
		if f.Has("price") || f.Has("price_data") {
			l.Price = payments.LinePrice(c, f)
		}
		if l.Price.Part("recurring") == nil || l.Quantity < 1 || l.Quantity > api.LargestAmount || l.Cost() > api.LargestAmount {
			c.Form.Fail(api.Invalid("", f.Full("price"), "The price must be recurring, and cost at most %d.", api.LargestAmount))
		}
		changed[id] = l
	}
	return changed
}

// change gives items another price or quantity. What is left of the period is
// given back at the old one and taken at the new one.
func change(c *api.Call, sub api.Object, changed map[string]payments.Line, from int64, prorate bool) {
	waiting := waitingLines(sub)
	for _, item := range itemsOf(sub) {
		l, ok := changed[item.ID()]
		if !ok || (l.Price.ID() == item.Part("price").ID() && l.Quantity == item.Number("quantity")) {
			continue
		}
		payments.KeepPrice(c, l.Price)
		back := itemLine(sub, item, -rest(item, from), from, true)
		if setItem(item, l); prorate {
			waiting = append(waiting, back, itemLine(sub, item, rest(item, from), from, true))
		}
	}
	sub["_waiting"] = waiting
}

// billChange has what waits paid at once.
func billChange(c *api.Call, sub api.Object) {
	lines := waitingLines(sub)
	if len(lines) == 0 {
		return
	}
	inv := subscriptionInvoice(c, sub, "subscription_update", lines, extras{})
	finalize(c, inv)
	if pm := c.Get(sub.Text("default_payment_method")); pm != nil {
		_ = pay(c, inv, pm) // as in subscribe
	}
}
