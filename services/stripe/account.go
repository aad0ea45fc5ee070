package stripe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"
	"github.com/tidwall/gjson"
)

// Account is whose the secret key is.
type Account struct {
	ID   string
	Name string // empty where the account has none
}

// ErrNotPermitted is what a restricted key may not ask.
// https://docs.stripe.com/keys/restricted-api-keys
var ErrNotPermitted = errors.New("the restricted key lacks a permission")

// Account asks Stripe whose the key is, once and within ten seconds: whoever
// asks wants to know whether Stripe can be reached now. It returns
// ErrNotPermitted for most restricted keys.
// https://docs.stripe.com/api/accounts/retrieve
func (s *StripeService) Account(ctx context.Context) (*Account, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	params := &stripego.AccountParams{Params: stripego.Params{Context: ctx}}
	var account stripego.Account
	err := s.backend.Call(http.MethodGet, "/v1/account", s.key, params, &account)
	if err != nil {
		return nil, worded(err)
	}
	if account.ID == "" {
		return nil, errors.New("the answer is not Stripe's: it names no account")
	}
	return &Account{ID: account.ID, Name: accountName(&account)}, nil
}

// worded says what Stripe answered, without what it was asked with.
func worded(err error) error {
	refused, ok := errors.AsType[*stripego.Error](err)
	if !ok {
		return fmt.Errorf("reach Stripe: %w", err)
	}
	reason := cmp.Or(refused.Msg, string(refused.Code), "no reason given")
	if refused.HTTPStatusCode == http.StatusForbidden {
		return fmt.Errorf("%w: %s", ErrNotPermitted, reason)
	}
	return fmt.Errorf("stripe answered %d: %s", refused.HTTPStatusCode, reason)
}

// TryReading says, once and within ten seconds, whether the key may list what
// is at the path. It returns ErrNotPermitted where it may not.
func (s *StripeService) TryReading(ctx context.Context, path string) error {
	_, err := s.firstPage(ctx, path, 1)
	return err
}

// ConnectEndpoints are the addresses to which Stripe sends the events of
// connected accounts. https://docs.stripe.com/api/webhook_endpoints/object
func (s *StripeService) ConnectEndpoints(ctx context.Context) ([]string, error) {
	endpoints, err := s.firstPage(ctx, "/v1/webhook_endpoints", PageSize)
	var addresses []string
	for _, endpoint := range endpoints {
		if gjson.GetBytes(endpoint, "application").Str != "" {
			addresses = append(addresses, gjson.GetBytes(endpoint, "url").Str)
		}
	}
	return addresses, err
}

// Price is what one unit costs.
type Price struct {
	UnitAmount int64 // minor units
	Currency   string
	PerUnit    bool // each costs the same, one by one
}

// Price asks Stripe for a price. It returns ErrNotPermitted where the key may not read
// prices, and an error that IsMissing where there is none.
// https://docs.stripe.com/api/prices/object
func (s *StripeService) Price(ctx context.Context, id string) (*Price, error) {
	var object RawObject
	if err := s.Read(ctx, "/v1/prices/"+url.PathEscape(id), &form.Values{}, &object); err != nil {
		if refused, ok := errors.AsType[*stripego.Error](err); ok && refused.HTTPStatusCode == http.StatusForbidden {
			return nil, worded(refused)
		}
		return nil, err
	}
	price := gjson.ParseBytes(object.RawMessage)
	return &Price{
		UnitAmount: amount(price.Get("unit_amount")), Currency: currency(price.Get("currency")),
		PerUnit: price.Get("billing_scheme").Str != "tiered" && !price.Get("transform_quantity").IsObject(),
	}, nil
}

// firstPage lists up to limit objects, once and within ten seconds.
func (s *StripeService) firstPage(ctx context.Context, path string, limit int) ([]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	query := &form.Values{}
	query.Add("limit", fmt.Sprint(limit))
	var page rawList
	if err := s.backend.CallRaw(http.MethodGet, path, s.key, query, &stripego.Params{Context: ctx}, &page); err != nil {
		return nil, worded(err)
	}
	return page.Data, nil
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
