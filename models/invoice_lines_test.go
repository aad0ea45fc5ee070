package models

import (
	"reflect"
	"testing"
)

// What the lines of an invoice buy.
func TestLinesBuyHours(t *testing.T) {
	eight := &Plan{ID: "monthly8", Hours: 800, Amount: 12_000}
	sixteen := &Plan{ID: "monthly16", Hours: 1600, Amount: 22_000}
	free := &Plan{ID: "free", Hours: 100, Amount: 0}
	byPrice := map[string]*Plan{"price_8": eight, "price_16": sixteen, "price_free": free}
	of := func(price string, amount int64) InvoiceLine {
		line := InvoiceLine{Amount: amount, Quantity: 1, UnitAmount: -1}
		if price != "" {
			line.PriceIDs = []string{price}
		}
		return line
	}
	with := func(line InvoiceLine, change func(*InvoiceLine)) InvoiceLine { change(&line); return line }
	prorated := func(price string, amount, unit int64) InvoiceLine {
		return with(of(price, amount), func(l *InvoiceLine) { l.Proration, l.UnitAmount = true, unit })
	}
	times := func(line InvoiceLine, quantity int64) InvoiceLine {
		return with(line, func(l *InvoiceLine) { l.Quantity = quantity })
	}
	reduced := with(of("price_8", 12_000), func(l *InvoiceLine) { l.Discount, l.Tax = 2000, 1900 })
	for name, row := range map[string]struct {
		lines []InvoiceLine
		named *Plan
		want  Bought
	}{
		"a month":                           {[]InvoiceLine{of("price_8", 12_000)}, nil, Bought{eight, 800, 12_000, 12_000, 12_000}},
		"two months of one plan":            {[]InvoiceLine{times(of("price_8", 24_000), 2)}, nil, Bought{eight, 1600, 24_000, 24_000, 24_000}},
		"a month of each plan":              {[]InvoiceLine{of("price_8", 12_000), of("price_16", 22_000)}, nil, Bought{eight, 2400, 34_000, 34_000, 34_000}},
		"a month and a book":                {[]InvoiceLine{of("price_book", 3000), of("price_8", 12_000)}, nil, Bought{eight, 800, 12_000, 12_000, 15_000}},
		"a month with discount and tax":     {[]InvoiceLine{reduced, of("price_book", 3000)}, nil, Bought{eight, 800, 12_000, 11_900, 14_900}},
		"a month at another price":          {[]InvoiceLine{of("price_8", 10_000)}, nil, Bought{eight, 800, 10_000, 10_000, 10_000}},
		"the second of a line's prices":     {[]InvoiceLine{with(of("price_new", 12_000), func(l *InvoiceLine) { l.PriceIDs = append(l.PriceIDs, "price_8", "price_16") })}, nil, Bought{eight, 800, 12_000, 12_000, 12_000}},
		"a trial":                           {[]InvoiceLine{of("price_8", 0)}, nil, Bought{Plan: eight}},
		"no month at all":                   {[]InvoiceLine{times(of("price_8", 12_000), 0)}, nil, Bought{eight, 0, 12_000, 12_000, 12_000}},
		"a month that is taken back":        {[]InvoiceLine{times(of("price_8", -24_000), 2)}, nil, Bought{eight, -1600, -24_000, -24_000, -24_000}},
		"a book alone":                      {[]InvoiceLine{of("price_book", 3000)}, nil, Bought{All: 3000}},
		"nothing":                           {nil, eight, Bought{}},
		"half a month by the plan's sum":    {[]InvoiceLine{prorated("price_8", 6000, -1)}, nil, Bought{eight, 400, 6000, 6000, 6000}},
		"half a month by its own price":     {[]InvoiceLine{prorated("price_8", 5000, 10_000)}, nil, Bought{eight, 400, 5000, 5000, 5000}},
		"an upgrade on the first day":       {[]InvoiceLine{prorated("price_8", -12_000, -1), prorated("price_16", 22_000, -1)}, nil, Bought{eight, 800, 10_000, 10_000, 10_000}},
		"a downgrade in mid-month":          {[]InvoiceLine{prorated("price_16", -11_000, -1), prorated("price_8", 6000, -1)}, nil, Bought{sixteen, -400, -5000, -5000, -5000}},
		"thirds that round once":            {[]InvoiceLine{prorated("price_8", 1, 2400), prorated("price_8", 1, 2400), prorated("price_8", 1, 2400)}, nil, Bought{eight, 1, 3, 3, 3}},
		"a half that rounds up":             {[]InvoiceLine{prorated("price_8", 1, 1600)}, nil, Bought{eight, 1, 1, 1, 1}},
		"a half that rounds down":           {[]InvoiceLine{prorated("price_8", -1, 1600)}, nil, Bought{eight, -1, -1, -1, -1}},
		"less than a half":                  {[]InvoiceLine{prorated("price_8", 1, 1601)}, nil, Bought{eight, 0, 1, 1, 1}},
		"a proration of what is free":       {[]InvoiceLine{prorated("price_free", 500, -1)}, nil, Bought{free, 0, 500, 500, 500}},
		"a proration of a price of nothing": {[]InvoiceLine{prorated("price_8", 500, 0)}, nil, Bought{eight, 0, 500, 500, 500}},
		"a proration by a price of a cent":  {[]InvoiceLine{prorated("price_8", 1, 1)}, nil, Bought{eight, 800, 1, 1, 1}},
		"beyond all hours":                  {[]InvoiceLine{times(of("price_8", 12_000), MaxAmount)}, nil, Bought{eight, 2 * MaxHours, 12_000, 12_000, 12_000}},
		"below all hours":                   {[]InvoiceLine{times(of("price_8", -12_000), MaxAmount)}, nil, Bought{eight, -2 * MaxHours, -12_000, -12_000, -12_000}},
		"beyond all numbers":                {[]InvoiceLine{prorated("price_8", MaxAmount, 1), times(of("price_8", 1), 1<<62)}, nil, Bought{eight, 2 * MaxHours, MaxAmount + 1, MaxAmount + 1, MaxAmount + 1}},

		"a free text that metadata explain":         {[]InvoiceLine{of("", 12_000)}, eight, Bought{eight, 800, 12_000, 12_000, 12_000}},
		"any sum that metadata explain":             {[]InvoiceLine{of("", 9000)}, eight, Bought{eight, 800, 9000, 9000, 9000}},
		"the one of two that costs what it does":    {[]InvoiceLine{of("", 3000), of("", 12_000)}, eight, Bought{eight, 800, 12_000, 12_000, 15_000}},
		"the first of two that cost what it does":   {[]InvoiceLine{of("", 12_000), times(of("", 24_000), 2)}, eight, Bought{eight, 800, 12_000, 12_000, 36_000}},
		"several that cost what it does":            {[]InvoiceLine{of("", 3000), times(of("", 24_000), 2)}, eight, Bought{eight, 1600, 24_000, 24_000, 27_000}},
		"two that metadata don't explain":           {[]InvoiceLine{of("", 3000), of("", 9000)}, eight, Bought{All: 12_000}},
		"one that costs anything beside a free one": {[]InvoiceLine{of("", 0), of("", 9000)}, eight, Bought{eight, 800, 9000, 9000, 9000}},
		"a free one alone":                          {[]InvoiceLine{of("", 0)}, eight, Bought{Plan: eight}},
		"only free ones":                            {[]InvoiceLine{of("", 0), of("", 0)}, eight, Bought{Plan: eight}},
		"a price outranks metadata":                 {[]InvoiceLine{of("price_16", 22_000)}, eight, Bought{sixteen, 1600, 22_000, 22_000, 22_000}},
		"a price outranks metadata of another line": {[]InvoiceLine{of("", 12_000), of("price_16", 22_000)}, eight, Bought{sixteen, 1600, 22_000, 22_000, 34_000}},
	} {
		if got := Buy(row.lines, byPrice, row.named); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}
