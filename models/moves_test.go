package models

import (
	"testing"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

func TestWhenMoneyLastMoved(t *testing.T) {
	tenHours := money.Terms{Amount: 5000, Currency: "eur", Hours: 1000, Sold: true}
	paid := telling.PaidBy("pi_1", 5000, 10)
	for name, row := range map[string]struct {
		told money.Evidence
		want moves
	}{
		"never":                         {telling.Intent("pi_1", telling.Failed(9, "no")), moves{}},
		"paid":                          {paid, moves{in: 10}},
		"paid in two parts":             {telling.Tell(telling.PaidBy("pi_1", 2000, 10), telling.PaidBy("pi_2", 3000, 12)), moves{in: 12}},
		"paid twice":                    {telling.Tell(paid, telling.PaidBy("pi_2", 5000, 12)), moves{in: 12}},
		"nothing to pay":                {telling.Session("cs_1", "", 5000, 0, 7), moves{in: 7}},
		"a total":                       {telling.Tell(paid, telling.Total("ch_1", "pi_1", 1000, 20)), moves{in: 10, back: 20}},
		"a total of a cent":             {telling.Tell(paid, telling.Total("ch_1", "pi_1", 1, 20)), moves{in: 10, back: 20}},
		"a total of nothing":            {telling.Tell(paid, telling.Total("ch_1", "pi_1", 0, 20)), moves{in: 10}},
		"a refund":                      {telling.Tell(paid, telling.RefundAt("re_1", "", "pi_1", 1000, "succeeded", 20, 25)), moves{in: 10, back: 20}},
		"a refund that failed":          {telling.Tell(paid, telling.RefundAt("re_1", "", "pi_1", 1000, "failed", 20, 25)), moves{in: 10, back: 25}},
		"the last of two refunds":       {telling.Tell(paid, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 30), telling.Refund("re_2", "", "pi_1", 1000, "succeeded", 20)), moves{in: 10, back: 30}},
		"a dispute after a refund":      {telling.Tell(paid, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 8), telling.Dispute("dp_1", "pi_1", 1000, "lost")), moves{in: 10, back: 9}},
		"a dispute before a refund":     {telling.Tell(paid, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20), telling.Dispute("dp_1", "pi_1", 1000, "lost")), moves{in: 10, back: 20}},
		"a credit note before a refund": {telling.Tell(paid, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20), telling.CreditNote("cn_1", "in_1", 5)), moves{in: 10, back: 20}},
		"a dispute":                     {telling.Tell(paid, telling.Dispute("dp_1", "pi_1", 1000, "lost")), moves{in: 10, back: 9}},
		"a credit note":                 {telling.Tell(paid, telling.CreditNote("cn_1", "in_1", 5)), moves{in: 10, back: 9}},
		"a total before a refund by id": {telling.Tell(paid, telling.Total("ch_1", "pi_1", 1000, 20), telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 19)), moves{in: 10, back: 20}},
	} {
		if got := lastMoves(row.told, money.Derive(tenHours, row.told)); got != row.want {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}

func TestMovesFollowTheLaterOfTwo(t *testing.T) {
	m := moves{in: 5, back: 9}
	m.follow(moves{in: 7, back: 8})
	if want := (moves{in: 7, back: 9}); m != want {
		t.Errorf("%+v, want %+v", m, want)
	}
}
