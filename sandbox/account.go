package sandbox

// accountID is the one account of a sandbox.
const accountID = "acct_1SandboxHourbank"

// getAccount answers whose key it is. https://docs.stripe.com/api/accounts
func (c *call) getAccount() (any, error) {
	return map[string]any{
		"id":                accountID,
		"object":            "account",
		"business_profile":  map[string]any{"name": "Sandbox"},
		"business_type":     "company",
		"charges_enabled":   true,
		"country":           "DE",
		"default_currency":  "eur",
		"details_submitted": true,
		"email":             "sandbox@example.com",
		"payouts_enabled":   true,
		"settings":          map[string]any{"dashboard": map[string]any{"display_name": "Sandbox", "timezone": "Etc/UTC"}},
		"type":              "standard",
	}, nil
}
