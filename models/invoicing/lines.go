// Package invoicing says what the lines of an invoice buy; pure.
package invoicing

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"

	"hourbank/models"
)

// Line is a line of an invoice, before discounts and tax, in minor units of the
// invoice's currency.
type Line struct {
	ID           string
	PriceIDs     []string // of its price, and in old versions its plan
	Amount       int64    // negative: a credit
	Quantity     int64
	UnitAmount   int64  // the price's own, where the line holds the price; else -1
	UnitCurrency string // of UnitAmount; empty: not known
	Discount     int64  // that Amount does not take off
	Tax          int64  // that comes on top
	Proration    bool
	Unclear      bool // a proration of which it isn't said what it is a part of
}

// Bought is what an invoice's lines buy.
type Bought struct {
	Plan  *models.Plan // whose terms the hours have; nil: no line is explained by one
	Hours models.Hours // negative: a downgrade takes hours off
	Price int64        // of the hours, before discounts and tax

	// ForHours of All is which share of the invoice is for hours, after
	// discounts and with tax.
	ForHours, All int64
}

// Named is the plan that metadata name for an invoice none of whose prices is a plan's.
type Named struct {
	Plan *models.Plan // nil: none
	// OfInvoice: the invoice's own metadata do, so that what it asks for is that plan's.
	// What a subscription is of says nothing about fees and other things billed with it.
	OfInvoice bool
}

// Buy says what lines of an invoice in a currency buy: each whose price is a plan's buys
// the plan's hours times its quantity, a proration in proportion of its amount to the
// full price. A line that costs nothing (a trial) buys nothing. Where a proration's full
// price is in another currency than the invoice, or nobody says it, or where another line
// costs something else than its price, no line is explained.
func Buy(lines []Line, currency string, byPrice map[string]*models.Plan, named Named) Bought {
	plans := plansOf(lines, currency, byPrice, named)
	b := Bought{Plan: giving(lines, plans)}
	unclear := false
	hours := new(big.Rat)
	for i, line := range lines {
		net := line.Amount - line.Discount + line.Tax
		b.All += net
		if plans[i] == nil {
			continue
		}
		full, of := line.full(plans[i])
		unclear = unclear || line.Unclear || (line.Proration && of != currency) || line.costsElse(currency)
		b.ForHours += net
		b.Price += line.Amount
		hours.Add(hours, line.hours(plans[i], full))
	}
	if unclear {
		return Bought{All: b.All}
	}
	b.Hours = rounded(hours)
	return b
}

// ForHours says of each line that has an id whether Buy takes it as one for hours.
func ForHours(lines []Line, currency string, byPrice map[string]*models.Plan, named Named) map[string]bool {
	forHours := map[string]bool{}
	for i, plan := range plansOf(lines, currency, byPrice, named) {
		if lines[i].ID != "" {
			forHours[lines[i].ID] = plan != nil
		}
	}
	return forHours
}

// giving finds the plan that gives the hours: a subscription's before a package that is
// billed with it, of a whole period before a part of one, and never that which the customer
// left, where it is given back. Of two that give some, all have the terms that are kinder to
// the student, who paid for these, too.
func giving(lines []Line, plans []*models.Plan) (plan *models.Plan) {
	isPeriod := func(p *models.Plan) bool { return p.TransactionType == models.TypeSubscription }
	for _, gives := range []func(Line, *models.Plan) bool{
		func(l Line, p *models.Plan) bool { return l.Amount > 0 && !l.Proration && isPeriod(p) },
		func(l Line, p *models.Plan) bool { return l.Amount > 0 && isPeriod(p) },
		func(l Line, _ *models.Plan) bool { return l.Amount > 0 && !l.Proration },
		func(l Line, _ *models.Plan) bool { return l.Amount > 0 },
		func(Line, *models.Plan) bool { return true },
	} {
		for i, of := range plans {
			if of != nil && gives(lines[i], of) && (plan == nil || isKinder(of, plan)) {
				plan = of
			}
		}
		if plan != nil {
			break
		}
	}
	return plan
}

// isKinder says whether a plan's hours last longer than another's; of those that last
// equally long, whether more of them are kept at a renewal.
func isKinder(plan, other *models.Plan) bool {
	unending := func(days *int) int {
		if days == nil {
			return math.MaxInt
		}
		return *days
	}
	all := func(hours *models.Hours) models.Hours {
		if hours == nil {
			return models.MaxHours
		}
		return *hours
	}
	return cmp.Or(cmp.Compare(unending(plan.ValidDays), unending(other.ValidDays)), cmp.Compare(all(plan.RolloverHours), all(other.RolloverHours))) > 0
}

// plansOf finds the plan of each line; nil: none.
func plansOf(lines []Line, currency string, byPrice map[string]*models.Plan, named Named) []*models.Plan {
	plans := make([]*models.Plan, len(lines))
	explained := false
	for i, line := range lines {
		for _, price := range line.PriceIDs {
			if plan := byPrice[price]; plan != nil {
				plans[i], explained = plan, true
				break
			}
		}
	}
	if explained || named.Plan == nil {
		return plans
	}
	if i := named.lineOf(lines, currency); i >= 0 {
		plans[i] = named.Plan
	}
	return plans
}

// lineOf finds the line that a plan named by metadata is: the one that costs what the plan
// does; where the invoice's own metadata name it, the only one that costs anything; -1:
// none.
func (n Named) lineOf(lines []Line, currency string) int {
	costs := func(l Line) bool { return l.Amount != 0 }
	only := slices.IndexFunc(lines, costs)
	if only < 0 && len(lines) > 0 { // which of those that cost nothing makes no odds
		return 0
	}
	if n.OfInvoice && !slices.ContainsFunc(lines[only+1:], costs) {
		return only
	}
	return slices.IndexFunc(lines, func(l Line) bool {
		full, of := l.full(n.Plan)
		if l.Proration {
			return l.UnitAmount >= 0 && full == n.Plan.Amount && of == n.Plan.Currency
		}
		return l.Amount > 0 && l.Amount == full*l.Quantity && full == n.Plan.Amount && currency == n.Plan.Currency
	})
}

// full is the full price that a line has a part of, and its currency: the price's own
// where the line holds the price, else the plan's.
func (l Line) full(plan *models.Plan) (amount int64, currency string) {
	if l.UnitAmount < 0 {
		return plan.Amount, plan.Currency
	}
	return l.UnitAmount, cmp.Or(l.UnitCurrency, plan.Currency)
}

// costsElse says whether a line that is no part of its price costs something else than so
// many of it, as where they are sold in packages.
func (l Line) costsElse(currency string) bool {
	if l.Proration || l.UnitAmount < 0 || l.Amount == 0 || l.Quantity <= 0 || cmp.Or(l.UnitCurrency, currency) != currency {
		return false
	}
	cost := max(l.Amount, -l.Amount)
	return cost%l.Quantity != 0 || cost/l.Quantity != l.UnitAmount
}

// hours are what the line buys of a plan, exactly: less than none where it is a
// credit. Of a plan that costs nothing, a proration buys none.
func (l Line) hours(plan *models.Plan, full int64) *big.Rat {
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
func rounded(hours *big.Rat) models.Hours {
	const beyond = 2 * int64(models.MaxHours)
	whole, _ := strconv.ParseInt(hours.FloatString(0), 10, 64) // out of range it gives the nearest
	return models.Hours(max(-beyond, min(whole, beyond)))
}
