// Package dashboard knows where Stripe's dashboard shows what.
package dashboard

import (
	"net/url"
	"strings"
)

// home is where Stripe's users look at objects.
const home = "https://dashboard.stripe.com/"

// pages are where the dashboard shows an object, by the prefix of its id.
var pages = map[string]string{
	"pi": "payments", "ch": "payments", "py": "payments", "in": "invoices", "dp": "disputes", "du": "disputes",
	"sub": "subscriptions", "cus": "customers", "evt": "events",
}

// Dashboard is that of an account, in a mode.
type Dashboard struct {
	Account string // empty: the one that whoever looks is signed in to
	Live    bool
}

// URL is the address at which the dashboard shows an object. Objects without a page of
// their own are searched for.
func (d Dashboard) URL(id string) string {
	address := home
	if d.Account != "" {
		address += url.PathEscape(d.Account) + "/"
	}
	if !d.Live {
		address += "test/"
	}
	prefix, _, _ := strings.Cut(id, "_")
	if page := pages[prefix]; page != "" {
		return address + page + "/" + url.PathEscape(id)
	}
	return address + "search?query=" + url.QueryEscape(id)
}
