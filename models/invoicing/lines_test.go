package invoicing

import (
	"reflect"
	"testing"

	"hourbank/models"
)

// What the lines of an invoice buy.
func TestLinesBuyHours(t *testing.T) {
	eight := &models.Plan{ID: "monthly8", Hours: 800, Amount: 12_000, Currency: "eur"}
	sixteen := &models.Plan{ID: "monthly16", Hours: 1600, Amount: 22_000, Currency: "eur"}
	free := &models.Plan{ID: "free", Hours: 100, Amount: 0, Currency: "eur"}
	ends := &models.Plan{ID: "ends", Hours: 400, Amount: 4000, Currency: "eur", ValidDays: new(30), RolloverHours: new(models.Hours(0))}
	keeps := &models.Plan{ID: "keeps", Hours: 400, Amount: 4000, Currency: "eur", ValidDays: new(30), RolloverHours: new(models.Hours(100))}
	period := func(p models.Plan) *models.Plan { p.TransactionType = models.TypeSubscription; return &p }
	monthly, premium := period(*ends), period(*sixteen)
	byPrice := map[string]*models.Plan{"price_month": monthly, "price_premium": premium, "price_ends": ends, "price_keeps": keeps, "price_8": eight, "price_16": sixteen, "price_free": free}
	of := func(price string, amount int64) Line {
		line := Line{Amount: amount, Quantity: 1, UnitAmount: -1}
		if price != "" {
			line.PriceIDs = []string{price}
		}
		return line
	}
	with := func(line Line, change func(*Line)) Line { change(&line); return line }
	prorated := func(price string, amount, unit int64) Line {
		return with(of(price, amount), func(l *Line) { l.Proration, l.UnitAmount = true, unit })
	}
	times := func(line Line, quantity int64) Line {
		return with(line, func(l *Line) { l.Quantity = quantity })
	}
	reduced := with(of("price_8", 12_000), func(l *Line) { l.Discount, l.Tax = 2000, 1900 })
	for name, row := range map[string]struct {
		lines []Line
		named *models.Plan
		want  Bought
	}{
		"a month":                           {[]Line{of("price_8", 12_000)}, nil, Bought{eight, 800, 12_000, 12_000, 12_000}},
		"two months of one plan":            {[]Line{times(of("price_8", 24_000), 2)}, nil, Bought{eight, 1600, 24_000, 24_000, 24_000}},
		"a month of each plan":              {[]Line{of("price_8", 12_000), of("price_16", 22_000)}, nil, Bought{eight, 2400, 34_000, 34_000, 34_000}},
		"a month and a book":                {[]Line{of("price_book", 3000), of("price_8", 12_000)}, nil, Bought{eight, 800, 12_000, 12_000, 15_000}},
		"a month with discount and tax":     {[]Line{reduced, of("price_book", 3000)}, nil, Bought{eight, 800, 12_000, 11_900, 14_900}},
		"a month at another price":          {[]Line{of("price_8", 10_000)}, nil, Bought{eight, 800, 10_000, 10_000, 10_000}},
		"the second of a line's prices":     {[]Line{with(of("price_new", 12_000), func(l *Line) { l.PriceIDs = append(l.PriceIDs, "price_8", "price_16") })}, nil, Bought{eight, 800, 12_000, 12_000, 12_000}},
		"a trial":                           {[]Line{of("price_8", 0)}, nil, Bought{Plan: eight}},
		"no month at all":                   {[]Line{times(of("price_8", 12_000), 0)}, nil, Bought{eight, 0, 12_000, 12_000, 12_000}},
		"a month that is taken back":        {[]Line{times(of("price_8", -24_000), 2)}, nil, Bought{eight, -1600, -24_000, -24_000, -24_000}},
		"a book alone":                      {[]Line{of("price_book", 3000)}, nil, Bought{All: 3000}},
		"nothing":                           {nil, eight, Bought{}},
		"half a month by the plan's sum":    {[]Line{prorated("price_8", 6000, -1)}, nil, Bought{eight, 400, 6000, 6000, 6000}},
		"half a month by its own price":     {[]Line{prorated("price_8", 5000, 10_000)}, nil, Bought{eight, 400, 5000, 5000, 5000}},
		"an upgrade on the first day":       {[]Line{prorated("price_8", -12_000, -1), prorated("price_16", 22_000, -1)}, nil, Bought{sixteen, 800, 10_000, 10_000, 10_000}},
		"a downgrade in mid-month":          {[]Line{prorated("price_16", -11_000, -1), prorated("price_8", 6000, -1)}, nil, Bought{eight, -400, -5000, -5000, -5000}},
		"a renewal after an upgrade":        {[]Line{prorated("price_8", -6000, -1), prorated("price_16", 11_000, -1), of("price_16", 22_000)}, nil, Bought{sixteen, 2000, 27_000, 27_000, 27_000}},
		"a renewal after another part":      {[]Line{prorated("price_16", 1100, -1), of("price_8", 12_000)}, nil, Bought{eight, 880, 13_100, 13_100, 13_100}},
		"what is given back alone":          {[]Line{prorated("price_8", -6000, -1)}, nil, Bought{eight, -400, -6000, -6000, -6000}},
		"a month of what ends and what not": {[]Line{of("price_ends", 4000), of("price_8", 12_000)}, nil, Bought{eight, 1200, 16_000, 16_000, 16_000}},
		"a month that ends, and its rest":   {[]Line{prorated("price_8", -1200, -1), of("price_ends", 4000)}, nil, Bought{ends, 320, 2800, 2800, 2800}},
		"months that keep more, or less":    {[]Line{of("price_ends", 4000), of("price_keeps", 4000)}, nil, Bought{keeps, 800, 8000, 8000, 8000}},
		"a renewal and a pack":              {[]Line{of("price_month", 4000), of("price_8", 12_000)}, nil, Bought{monthly, 1200, 16_000, 16_000, 16_000}},
		"an upgrade and a pack that ends":   {[]Line{prorated("price_month", -4000, -1), prorated("price_premium", 22_000, -1), of("price_ends", 4000)}, nil, Bought{premium, 1600, 22_000, 22_000, 22_000}},
		"thirds that round once":            {[]Line{prorated("price_8", 1, 2400), prorated("price_8", 1, 2400), prorated("price_8", 1, 2400)}, nil, Bought{eight, 1, 3, 3, 3}},
		"a half that rounds up":             {[]Line{prorated("price_8", 1, 1600)}, nil, Bought{eight, 1, 1, 1, 1}},
		"a half that rounds down":           {[]Line{prorated("price_8", -1, 1600)}, nil, Bought{eight, -1, -1, -1, -1}},
		"less than a half":                  {[]Line{prorated("price_8", 1, 1601)}, nil, Bought{eight, 0, 1, 1, 1}},
		"a proration of what is free":       {[]Line{prorated("price_free", 500, -1)}, nil, Bought{free, 0, 500, 500, 500}},
		"a proration of a price of nothing": {[]Line{prorated("price_8", 500, 0)}, nil, Bought{eight, 0, 500, 500, 500}},
		"a proration by a price of a cent":  {[]Line{prorated("price_8", 1, 1)}, nil, Bought{eight, 800, 1, 1, 1}},
		"beyond all hours":                  {[]Line{times(of("price_8", 12_000), models.MaxAmount)}, nil, Bought{eight, 2 * models.MaxHours, 12_000, 12_000, 12_000}},
		"below all hours":                   {[]Line{times(of("price_8", -12_000), models.MaxAmount)}, nil, Bought{eight, -2 * models.MaxHours, -12_000, -12_000, -12_000}},
		"beyond all numbers":                {[]Line{prorated("price_8", models.MaxAmount, 1), times(of("price_8", 1), 1<<62)}, nil, Bought{eight, 2 * models.MaxHours, models.MaxAmount + 1, models.MaxAmount + 1, models.MaxAmount + 1}},

		"a free text that metadata explain":         {[]Line{of("", 12_000)}, eight, Bought{eight, 800, 12_000, 12_000, 12_000}},
		"any sum that metadata explain":             {[]Line{of("", 9000)}, eight, Bought{eight, 800, 9000, 9000, 9000}},
		"the one of two that costs what it does":    {[]Line{of("", 3000), of("", 12_000)}, eight, Bought{eight, 800, 12_000, 12_000, 15_000}},
		"the first of two that cost what it does":   {[]Line{of("", 12_000), times(of("", 24_000), 2)}, eight, Bought{eight, 800, 12_000, 12_000, 36_000}},
		"several that cost what it does":            {[]Line{of("", 3000), times(of("", 24_000), 2)}, eight, Bought{eight, 1600, 24_000, 24_000, 27_000}},
		"two that metadata don't explain":           {[]Line{of("", 3000), of("", 9000)}, eight, Bought{All: 12_000}},
		"one that costs anything beside a free one": {[]Line{of("", 0), of("", 9000)}, eight, Bought{eight, 800, 9000, 9000, 9000}},
		"a free one alone":                          {[]Line{of("", 0)}, eight, Bought{Plan: eight}},
		"only free ones":                            {[]Line{of("", 0), of("", 0)}, eight, Bought{Plan: eight}},
		"a price outranks metadata":                 {[]Line{of("price_16", 22_000)}, eight, Bought{sixteen, 1600, 22_000, 22_000, 22_000}},
		"a price outranks metadata of another line": {[]Line{of("", 12_000), of("price_16", 22_000)}, eight, Bought{sixteen, 1600, 22_000, 22_000, 34_000}},
	} {
		if got := Buy(row.lines, "eur", byPrice, Named{row.named, true}); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}

// A line that costs something else than so many of its price is explained by none.
func TestALineCostsSoManyOfItsPrice(t *testing.T) {
	plan := &models.Plan{ID: "monthly8", Hours: 800, Amount: 12_000, Currency: "eur"}
	of := func(amount, quantity, unit int64, of string) Line {
		return Line{PriceIDs: []string{"price_8"}, Amount: amount, Quantity: quantity, UnitAmount: unit, UnitCurrency: of}
	}
	for name, row := range map[string]struct {
		line Line
		want models.Hours
	}{
		"two of them":                    {of(20_000, 2, 10_000, "eur"), 1600},
		"two given back":                 {of(-20_000, 2, 10_000, ""), -1600},
		"a trial":                        {of(0, 1, 10_000, "eur"), 0},
		"of a price in another currency": {of(9000, 1, 10_000, "usd"), 800},
		"a pack of ten":                  {of(12_000, 10, 12_000, "eur"), 0},
		"a tenth":                        {of(1200, 1, 12_000, "eur"), 0},
		"nearly two":                     {of(20_001, 2, 10_000, "eur"), 0},
	} {
		if got := Buy([]Line{row.line}, "eur", map[string]*models.Plan{"price_8": plan}, Named{}); got.Hours != row.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What a subscription is of explains the line that costs what that does, and no other.
func TestASubscriptionsPlanBuys(t *testing.T) {
	plan := &models.Plan{ID: "monthly8", Hours: 800, Amount: 12_000, Currency: "eur"}
	line := func(amount, quantity, unit int64, of string) Line {
		return Line{PriceIDs: []string{"price_other"}, Amount: amount, Quantity: quantity, UnitAmount: unit, UnitCurrency: of}
	}
	part := func(l Line) Line { l.Proration = true; return l }
	for name, row := range map[string]struct {
		line     Line
		currency string
		want     models.Hours
	}{
		"its sum":                       {line(12_000, 1, -1, ""), "eur", 800},
		"its sum twice":                 {line(24_000, 2, -1, ""), "eur", 1600},
		"its own price":                 {line(12_000, 1, 12_000, "eur"), "eur", 800},
		"a part of its own price":       {part(line(6000, 1, 12_000, "eur")), "eur", 400},
		"what is left of its own price": {part(line(-6000, 1, 12_000, "eur")), "eur", -400},
		"a part of nobody knows what":   {part(line(6000, 1, -1, "")), "eur", 0},
		"a part of another price":       {part(line(6000, 1, 50_000, "eur")), "eur", 0},
		"a part of another currency":    {part(line(6000, 1, 12_000, "usd")), "eur", 0},
		"another sum":                   {line(100, 1, -1, ""), "eur", 0},
		"its sum for fifty":             {line(12_000, 50, -1, ""), "eur", 0},
		"its sum in another currency":   {line(12_000, 1, -1, ""), "usd", 0},
		"its sum for less":              {line(6000, 1, 12_000, "eur"), "eur", 0},
		"its sum given back":            {line(-12_000, 1, -1, ""), "eur", 0},
	} {
		if got := Buy([]Line{row.line}, row.currency, nil, Named{Plan: plan}); got.Hours != row.want || (got.Plan != nil) != (row.want != 0) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
