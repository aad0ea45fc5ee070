package tests

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

// A restricted key may not ask whose it is, which is no fault of its own; and
// an endpoint for connected accounts is one that tells only foreign events.
func TestWebhookToolKnowsRestrictedKeysAndConnectEndpoints(t *testing.T) {
	db := harness.NewDatabase(t, harness.Engines[0])
	stripe := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case r.URL.Path == "/v1/account", key == "rk_test_nothing":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error":{"type":"invalid_request_error","message":"The provided key does not have the required permissions for this endpoint."}}`)
		case r.URL.Path == "/v1/webhook_endpoints" && key == "rk_test_connect":
			fmt.Fprint(w, `{"object":"list","data":[{"id":"we_1","url":"https://example.com/api/finances/webhooks/stripe/","application":"ca_1"}],"has_more":false}`)
		case r.URL.Path == "/v1/webhook_endpoints":
			fmt.Fprint(w, `{"object":"list","data":[{"id":"we_1","url":"https://example.com/api/finances/webhooks/stripe/","application":null}],"has_more":false}`)
		default:
			fmt.Fprint(w, `{"object":"list","data":[],"has_more":false}`)
		}
	}))
	t.Cleanup(stripe.Close)
	for key, want := range map[string][2]string{
		"rk_test_reads": {"pass", "pass"}, "rk_test_nothing": {"fail", ""}, "rk_test_connect": {"pass", "fail"},
	} {
		result := harness.RunWith(t, []string{
			"DATABASE_URL=" + db.URL, "STRIPE_WEBHOOK_SECRET=" + harness.WebhookSecret, "STRIPE_API_BASE=" + stripe.URL, "STRIPE_SECRET_KEY=" + key,
		}, webhookTest, "--validate-config", "--json")
		wantJSON(t, result.Stdout, fields{
			`checks.#(name=="Stripe reached").result`: want[0], `checks.#(name=="no endpoint for connected accounts").result`: want[1],
		})
	}
}

// A plan's price at Stripe that is none, another, or one of which no part can be told.
func TestWebhookToolKnowsOddPrices(t *testing.T) {
	prices := map[string]string{
		"price_good":  `{"id":"price_good","object":"price","unit_amount":5600,"currency":"eur","billing_scheme":"per_unit","transform_quantity":null}`,
		"price_dear":  `{"id":"price_dear","object":"price","unit_amount":9900,"currency":"eur","billing_scheme":"per_unit","transform_quantity":null}`,
		"price_tiers": `{"id":"price_tiers","object":"price","unit_amount":null,"currency":"eur","billing_scheme":"tiered"}`,
		"price_packs": `{"id":"price_packs","object":"price","unit_amount":5600,"currency":"eur","billing_scheme":"per_unit","transform_quantity":{"divide_by":10,"round":"up"}}`,
	}
	stripe := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, asked := strings.CutPrefix(r.URL.Path, "/v1/prices/")
		switch price, known := prices[id]; {
		case r.URL.Path == "/v1/account":
			fmt.Fprint(w, `{"id":"acct_1","object":"account"}`)
		case asked && strings.HasSuffix(r.Header.Get("Authorization"), "rk_test_nothing"):
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error":{"type":"invalid_request_error","message":"The provided key does not have the required permissions for this endpoint."}}`)
		case asked && !known:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such price"}}`)
		case asked:
			fmt.Fprint(w, price)
		default:
			fmt.Fprint(w, `{"object":"list","data":[],"has_more":false}`)
		}
	}))
	t.Cleanup(stripe.Close)
	const check = `checks.#(name=="plans' prices")`
	for price, want := range map[string][2]string{
		"": {"skipped", "no plan"}, "price_good": {"pass", ""}, "price_dear": {"warning", "99.00"}, "price_tiers": {"warning", "tiers"},
		"price_packs": {"warning", "packages"}, "price_none": {"warning", "knows no price"},
	} {
		db := harness.NewDatabase(t, harness.Engines[0])
		if price != "" {
			db.MustRun(t, "plans", "add", "--id", "monthly4", "--name", "4 hours", "--hours", "4.00", "--amount", "5600", "--currency", "eur", "--stripe-price-id", price)
		}
		for key, want := range map[string][2]string{"sk_test_1": want, "rk_test_nothing": {"skipped", ""}} {
			result := harness.RunWith(t, []string{
				"DATABASE_URL=" + db.URL, "STRIPE_WEBHOOK_SECRET=" + harness.WebhookSecret, "STRIPE_API_BASE=" + stripe.URL, "STRIPE_SECRET_KEY=" + key,
			}, webhookTest, "--validate-config", "--json")
			if got := gjson.Get(result.Stdout, check+".result").String(); got != want[0] || !strings.Contains(gjson.Get(result.Stdout, check).Raw, want[1]) {
				t.Errorf("%q with %s: %s", price, key, gjson.Get(result.Stdout, check).Raw)
			}
		}
	}
}
