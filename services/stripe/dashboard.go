package stripe

import (
	"net/url"
	"strings"
)

// dashboard is where Stripe's users look at objects.
const dashboard = "https://dashboard.stripe.com/"

// pages are where the dashboard shows an object, by the prefix of its id.
var pages = map[string]string{
	"pi": "payments", "ch": "payments", "py": "payments", "in": "invoices", "dp": "disputes", "du": "disputes",
	"sub": "subscriptions", "cus": "customers", "evt": "events",
}

// DashboardURL is the address at which Stripe's dashboard shows an object, in
// the mode of our key and, where STRIPE_ACCOUNT names it, our account. Objects
// without a page of their own are searched for.
func (s *StripeService) DashboardURL(id string) string {
	address := dashboard
	if s.account != "" {
		address += url.PathEscape(s.account) + "/"
	}
	if !s.Live() {
		address += "test/"
	}
	prefix, _, _ := strings.Cut(id, "_")
	if page := pages[prefix]; page != "" {
		return address + page + "/" + url.PathEscape(id)
	}
	return address + "search?query=" + url.QueryEscape(id)
}
