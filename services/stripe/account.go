package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	stripego "github.com/stripe/stripe-go/v76"
)

// Account is whose the secret key is.
type Account struct {
	ID   string
	Name string // empty where the account has none
}

// Account asks Stripe whose the key is, once and within ten seconds: whoever
// asks wants to know whether Stripe can be reached now.
// https://docs.stripe.com/api/accounts/retrieve
func (s *StripeService) Account(ctx context.Context) (*Account, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	params := &stripego.AccountParams{Params: stripego.Params{Context: ctx}}
	var account stripego.Account
	err := s.backend.Call(http.MethodGet, "/v1/account", s.key, params, &account)
	if refused, ok := errors.AsType[*stripego.Error](err); ok {
		return nil, fmt.Errorf("stripe answered %d: %s", refused.HTTPStatusCode, cmp.Or(refused.Msg, string(refused.Code), "no reason given"))
	}
	if err != nil {
		return nil, fmt.Errorf("reach Stripe: %w", err)
	}
	if account.ID == "" {
		return nil, errors.New("the answer is not Stripe's: it names no account")
	}
	return &Account{ID: account.ID, Name: accountName(&account)}, nil
}

func accountName(account *stripego.Account) string {
	name := ""
	if account.Settings != nil && account.Settings.Dashboard != nil {
		name = account.Settings.Dashboard.DisplayName
	}
	if name == "" && account.BusinessProfile != nil {
		name = account.BusinessProfile.Name
	}
	return name
}
