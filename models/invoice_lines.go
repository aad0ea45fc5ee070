package models

import (
	"cmp"
	"math/big"
	"slices"
	"strconv"
)

// InvoiceLine is a line of an invoice, before discounts and tax, in minor
// units.
type InvoiceLine struct {
	PriceIDs   []string // of its price, and in old versions its plan
	Amount     int64    // negative: a credit
	Quantity   int64
	UnitAmount int64 // the price's own, where the line holds the price; else -1
	Discount   int64 // that Amount does not take off
	Tax        int64 // that comes on top
	Proration  bool
}

// Bought is what an invoice's lines buy.
type Bought struct {
	Plan  *Plan // the first that a line names; nil: no line is explained by one
	Hours Hours // negative: a downgrade takes hours off
	Price int64 // of the hours, before discounts and tax

	// ForHours of All is which share of the invoice is for hours, after
	// discounts and with tax.
	ForHours, All int64
}

// Buy says what lines buy: each whose price is a plan's buys the plan's hours
// times its quantity, a proration in proportion of its amount to the full
// price. A line that costs nothing (a trial) buys nothing. named is the plan
// that metadata name, for an invoice none of whose prices is a plan's; nil:
// none.
func Buy(lines []InvoiceLine, byPrice map[string]*Plan, named *Plan) Bought {
	plans := make([]*Plan, len(lines))
	explained := false
	for i, line := range lines {
		for _, price := range line.PriceIDs {
			if plan := byPrice[price]; plan != nil {
				plans[i], explained = plan, true
				break
			}
		}
	}
	if !explained && named != nil && len(lines) > 0 {
		if i := lineOf(lines, named); i >= 0 {
			plans[i] = named
		}
	}
	var b Bought
	hours := new(big.Rat)
	for i, line := range lines {
		net := line.Amount - line.Discount + line.Tax
		b.All += net
		if plans[i] == nil {
			continue
		}
		if b.Plan == nil {
			b.Plan = plans[i]
		}
		b.ForHours += net
		b.Price += line.Amount
		hours.Add(hours, line.hours(plans[i]))
	}
	b.Hours = rounded(hours)
	return b
}

// lineOf finds the line that a plan named by metadata is: the only one that
// costs anything, else the one that costs what the plan does; -1: none.
func lineOf(lines []InvoiceLine, plan *Plan) int {
	costs := func(l InvoiceLine) bool { return l.Amount != 0 }
	only := slices.IndexFunc(lines, costs)
	switch {
	case only < 0: // which of those that cost nothing makes no odds
		return 0
	case !slices.ContainsFunc(lines[only+1:], costs):
		return only
	}
	return slices.IndexFunc(lines, func(l InvoiceLine) bool {
		return costs(l) && (l.Amount == plan.Amount || l.Amount == plan.Amount*l.Quantity)
	})
}

// hours are what the line buys of a plan, exactly: less than none where it is a
// credit. Of a plan that costs nothing, a proration buys none.
func (l InvoiceLine) hours(plan *Plan) *big.Rat {
	full := l.UnitAmount
	if full < 0 {
		full = plan.Amount
	}
	hours := big.NewRat(int64(plan.Hours), 1)
	switch {
	case !l.Proration:
		sign := big.NewRat(int64(cmp.Compare(l.Amount, 0)), 1)
		return hours.Mul(hours, sign.Mul(sign, big.NewRat(l.Quantity, 1)))
	case full == 0:
		return new(big.Rat)
	default:
		return hours.Mul(hours, big.NewRat(l.Amount, full))
	}
}

// rounded is the sum of exact hours, rounded half away from 0 once. What is
// beyond MaxHours is not sold by anyone.
func rounded(hours *big.Rat) Hours {
	const beyond = 2 * int64(MaxHours)
	whole, _ := strconv.ParseInt(hours.FloatString(0), 10, 64) // out of range it gives the nearest
	return Hours(max(-beyond, min(whole, beyond)))
}
