package models

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hourbank/models/money"
	"hourbank/models/money/telling"
)

// Each movement of money is in the ledger, also where it moves no hours.
func TestPostings(t *testing.T) {
	failedRefund := telling.RefundAt("re_1", "", "pi_1", 2500, "failed", 20, 30)
	for name, row := range map[string]struct {
		told []money.Evidence
		want string
	}{
		"paid":                            {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7)}, "credit 10.00 5000"},
		"too little, then the rest":       {[]money.Evidence{telling.PaidBy("pi_1", 2000, 7), telling.PaidBy("pi_2", 3000, 8)}, "payment 0.00 2000, credit 10.00 3000"},
		"too much":                        {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.PaidBy("pi_2", 500, 8)}, "credit 10.00 5000, payment 0.00 500"},
		"nothing to pay":                  {[]money.Evidence{telling.Session("cs_1", "", 5000, 0, 7)}, "credit 10.00 0"},
		"refunded":                        {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 20)}, "credit 10.00 5000, reversal -5.00 -2500"},
		"a refund that failed":            {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 2500, "pending", 20), failedRefund}, "credit 10.00 5000, reversal -5.00 -2500, reinstatement 5.00 2500"},
		"refunded before it was known":    {[]money.Evidence{telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 20), telling.PaidBy("pi_1", 5000, 7)}, "credit 10.00 5000, reversal -5.00 -2500"},
		"too much, and that goes back":    {[]money.Evidence{telling.PaidBy("pi_1", 6000, 7), telling.Refund("re_1", "", "pi_1", 1000, "succeeded", 20)}, "credit 10.00 6000, reversal 0.00 -1000"},
		"too much goes back, and fails":   {[]money.Evidence{telling.PaidBy("pi_1", 7500, 7), telling.Refund("re_1", "", "pi_1", 2500, "pending", 20), failedRefund}, "credit 10.00 7500, reversal 0.00 -2500, reinstatement 0.00 2500"},
		"refunded, and paid again":        {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 5000, "succeeded", 20), telling.PaidBy("pi_2", 5000, 30)}, "credit 10.00 5000, reversal -10.00 -5000, reinstatement 10.00 5000"},
		"disputed and won":                {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Dispute("dp_1", "pi_1", 5000, "lost", -5000), telling.Dispute("dp_1", "pi_1", 5000, "won", -5000, 5000)}, "credit 10.00 5000, reversal -10.00 -5000, reinstatement 10.00 5000"},
		"an account's cent":               {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 1, "succeeded", 20)}, "credit 10.00 5000, reversal 0.00 -1"},
		"disputed, then refunded":         {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Dispute("dp_1", "pi_1", 5000, "needs_response", -5000), telling.Refund("re_1", "", "pi_1", 5000, "succeeded", 20)}, "credit 10.00 5000, reversal -10.00 -5000, reversal 0.00 0"},
		"a hundredth of an hour back":     {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 5, "pending", 20), telling.RefundAt("re_1", "", "pi_1", 5, "failed", 20, 30)}, "credit 10.00 5000, reversal -0.01 -5, reinstatement 0.01 5"},
		"paid again in part by cents":     {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 20), telling.PaidBy("pi_2", 3, 30)}, "credit 10.00 5000, reversal -5.00 -2500, reinstatement 0.01 3"},
		"refunded and paid again at once": {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 5000, "succeeded", 20), telling.Tell(telling.PaidBy("pi_2", 5000, 30), telling.Refund("re_2", "", "pi_2", 1000, "succeeded", 31))}, "credit 10.00 5000, reversal -10.00 -5000, reinstatement 8.00 5000, reversal 0.00 -1000"},
		"paid again as a refund fails":    {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 2500, "pending", 20), telling.Refund("re_2", "", "pi_1", 2500, "pending", 20), telling.Tell(failedRefund, telling.PaidBy("pi_2", 2500, 30))}, "credit 10.00 5000, reversal -5.00 -2500, reversal -5.00 -2500, reinstatement 10.00 5000"},
		"one cent, and one more":          {[]money.Evidence{telling.PaidBy("pi_1", 1, 7), telling.PaidBy("pi_2", 1, 8)}, "payment 0.00 1, payment 0.00 1"},
		"a discount that is told later":   {[]money.Evidence{telling.PaidBy("pi_1", 4000, 7), telling.Session("cs_1", "pi_1", 5000, 4000, 7)}, "payment 0.00 4000, credit 10.00 0"},
	} {
		p := newPurchase()
		var posted []string
		for _, e := range row.told {
			for _, entry := range p.Observe(e).Entries {
				posted = append(posted, string(entry.Kind)+" "+entry.Hours.String()+" "+decimal(entry.Amount, 0))
			}
		}
		if got := strings.Join(posted, ", "); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

// Entries are dated by the last money that moved in their direction.
func TestEntriesAreDatedByTheirMoney(t *testing.T) {
	moment := func(at int64) time.Time {
		if at == 0 {
			return time.Time{}
		}
		return time.Unix(at, 0).UTC()
	}
	for name, row := range map[string]struct {
		told []money.Evidence
		want []int64
	}{
		"paid":                             {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7)}, []int64{7}},
		"paid in the first second":         {[]money.Evidence{telling.PaidBy("pi_1", 5000, 1)}, []int64{1}},
		"paid at a time that nobody knows": {[]money.Evidence{telling.PaidBy("pi_1", 5000, 0)}, []int64{0}},
		"paid twice":                       {[]money.Evidence{telling.PaidBy("pi_1", 5000, 9), telling.PaidBy("pi_2", 5000, 7)}, []int64{9, 9}},
		"refunded":                         {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 20)}, []int64{7, 20}},
		"refunded and paid at once":        {[]money.Evidence{telling.Tell(telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 2500, "succeeded", 20))}, []int64{7, 20}},
		"refunded and paid again":          {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.Refund("re_1", "", "pi_1", 5000, "succeeded", 20), telling.PaidBy("pi_2", 5000, 30)}, []int64{7, 20, 20}},
		"more is due than was":             {[]money.Evidence{telling.Session("cs_1", "pi_1", 5000, 4000, 7), {Sessions: map[string]money.Session{"cs_1": {PaymentLink: true}}}}, []int64{7, 7}},
		"a refund that failed":             {[]money.Evidence{telling.PaidBy("pi_1", 5000, 7), telling.RefundAt("re_1", "", "pi_1", 2500, "pending", 20, 20), telling.RefundAt("re_1", "", "pi_1", 2500, "failed", 20, 30)}, []int64{7, 20, 30}},
	} {
		p := newPurchase()
		var dated, want []time.Time
		for _, told := range row.told {
			for _, entry := range p.Observe(told).Entries {
				dated = append(dated, entry.OccurredAt)
			}
		}
		for _, at := range row.want {
			want = append(want, moment(at))
		}
		if !slices.Equal(dated, want) {
			t.Errorf("%s: dated %v, want %v", name, dated, want)
		}
	}
}

func TestTheLeastPurchaseIsCredited(t *testing.T) {
	p := NewPurchase{ID: "p1", StudentID: "s1", Hours: 1, Amount: 1, Currency: "eur"}.Purchase(time.Unix(0, 0))
	if entries := p.Observe(telling.PaidBy("pi_1", 1, 7)).Entries; len(entries) != 1 || entries[0].Kind != EntryCredit || entries[0].Hours != 1 || entries[0].Amount != 1 {
		t.Errorf("%+v", entries)
	}
}
