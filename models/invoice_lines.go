package models

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
	if !explained && named != nil {
		if i := lineOf(lines, named); i >= 0 {
			plans[i] = named
		}
	}
	var b Bought
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
		b.Hours += line.hours(plans[i])
	}
	return b
}

// lineOf finds the line that a plan named by metadata is: the only one that
// costs anything, else the one that costs what the plan does; -1: none.
func lineOf(lines []InvoiceLine, plan *Plan) int {
	only, alike := -1, -1
	costly := 0
	for i, line := range lines {
		if line.Amount == 0 {
			continue
		}
		costly++
		only = i
		if alike < 0 && (line.Amount == plan.Amount || line.Amount == plan.Amount*line.Quantity) {
			alike = i
		}
	}
	if costly == 1 || (costly == 0 && len(lines) > 0) {
		return max(only, 0)
	}
	return alike
}

// hours are what the line buys of a plan.
func (l InvoiceLine) hours(plan *Plan) Hours {
	switch full := l.UnitAmount; {
	case l.Amount == 0:
		return 0
	case l.Proration && full < 0:
		return portion(plan.Hours, l.Amount, plan.Amount)
	case l.Proration:
		return portion(plan.Hours, l.Amount, full)
	case l.Amount < 0:
		return -times(plan.Hours, l.Quantity)
	default:
		return times(plan.Hours, l.Quantity)
	}
}

// portion is hours × part / whole; of a plan that costs nothing, none.
func portion(hours Hours, part, whole int64) Hours {
	if whole <= 0 {
		return 0
	}
	return clampHours(proportion(int64(hours), part, whole))
}

func times(hours Hours, quantity int64) Hours {
	if quantity > int64(MaxHours) {
		quantity = int64(MaxHours)
	}
	return clampHours(int64(hours) * quantity) // below 2⁶⁰
}

// clampHours keeps sums of hours from overflowing; what is beyond MaxHours is
// not sold by anyone.
func clampHours(h int64) Hours {
	const beyond = 2 * int64(MaxHours)
	return Hours(max(-beyond, min(h, beyond)))
}
