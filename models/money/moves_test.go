package money_test

import (
	"testing"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

func TestWhenMoneyLastMoved(t *testing.T) {
	paid := telling.PaidBy("pi_1", 5000, 10)
	for name, row := range map[string]struct {
		told money.Evidence
		want money.Moves
	}{
		"never":                         {telling.Intent("pi_1", telling.Failed(9, "no")), money.Moves{}},
		"paid":                          {paid, money.Moves{In: 10}},
		"paid in two parts":             {telling.Tell(telling.PaidBy("pi_1", 2000, 10), telling.PaidBy("pi_2", 3000, 12)), money.Moves{In: 12}},
		"paid twice":                    {telling.Tell(paid, telling.PaidBy("pi_2", 5000, 12)), money.Moves{In: 12}},
		"nothing to pay":                {telling.Session("cs_1", "", 5000, 0, 7), money.Moves{In: 7}},
		"a total":                       {telling.Tell(paid, telling.Total("ch_1", "pi_1", 1000, 20)), money.Moves{In: 10, Back: 20}},
		"a total of a cent":             {telling.Tell(paid, telling.Total("ch_1", "pi_1", 1, 20)), money.Moves{In: 10, Back: 20}},
		"a total of nothing":            {telling.Tell(paid, telling.Total("ch_1", "pi_1", 0, 20)), money.Moves{In: 10}},
		"a refund":                      {telling.Tell(paid, telling.RefundAt("re_1", "", "pi_1", 1000, "succeeded", 20, 25)), money.Moves{In: 10, Back: 20}},
		"a refund that failed":          {telling.Tell(paid, telling.RefundAt("re_1", "", "pi_1", 1000, "failed", 20, 25)), money.Moves{In: 10, Back: 25}},
		"the last of two refunds":       {telling.Tell(paid, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 30), telling.Refund("re_2", "", "pi_1", 1000, "succeeded", 20)), money.Moves{In: 10, Back: 30}},
		"a dispute after a refund":      {telling.Tell(paid, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 8), telling.Dispute("dp_1", "pi_1", 1000, "lost")), money.Moves{In: 10, Back: 9}},
		"a dispute before a refund":     {telling.Tell(paid, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20), telling.Dispute("dp_1", "pi_1", 1000, "lost")), money.Moves{In: 10, Back: 20}},
		"a credit note before a refund": {telling.Tell(paid, telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20), telling.CreditNote("cn_1", "in_1", 5)), money.Moves{In: 10, Back: 20}},
		"a dispute":                     {telling.Tell(paid, telling.Dispute("dp_1", "pi_1", 1000, "lost")), money.Moves{In: 10, Back: 9}},
		"a credit note":                 {telling.Tell(paid, telling.CreditNote("cn_1", "in_1", 5)), money.Moves{In: 10, Back: 9}},
		"a total before a refund by id": {telling.Tell(paid, telling.Total("ch_1", "pi_1", 1000, 20), telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 19)), money.Moves{In: 10, Back: 20}},
	} {
		if got := money.LastMoves(row.told, money.Derive(tenHours, row.told)); got != row.want {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}

func TestMovesFollowTheLaterOfTwo(t *testing.T) {
	m := money.Moves{In: 5, Back: 9}
	m.Follow(money.Moves{In: 7, Back: 8})
	if want := (money.Moves{In: 7, Back: 9}); m != want {
		t.Errorf("%+v, want %+v", m, want)
	}
}
