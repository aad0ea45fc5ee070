package dashboard

import "testing"

func TestTheDashboardIsOpenedInOurModeAndAccount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of       Dashboard
		id, want string
	}{
		{Dashboard{Live: true, Account: "acct_1"}, "pi_1", "https://dashboard.stripe.com/acct_1/payments/pi_1"},
		{Dashboard{Account: "acct_1"}, "in_1", "https://dashboard.stripe.com/acct_1/test/invoices/in_1"},
		{Dashboard{Live: true}, "dp_1", "https://dashboard.stripe.com/disputes/dp_1"},
		{Dashboard{Live: true}, "re_1", "https://dashboard.stripe.com/search?query=re_1"},
		{Dashboard{Live: true}, "pi_1/../x", "https://dashboard.stripe.com/payments/pi_1%2F..%2Fx"},
	} {
		if got := c.of.URL(c.id); got != c.want {
			t.Errorf("%s of %+v is at %s, want %s", c.id, c.of, got, c.want)
		}
	}
}
