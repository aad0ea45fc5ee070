package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"
	"github.com/tidwall/gjson"
	"golang.org/x/time/rate"

	"hourbank/services/stripe/dashboard"
)

const (
	// readsPerSecond stays under Stripe's limit of 25 reads a second in
	// test mode (100 live). https://docs.stripe.com/rate-limits
	readsPerSecond = 20
	callTimeout    = 10 * time.Second
	readPatience   = 2 * time.Minute // for 429 and 5xx

	// PageSize is as many objects as Stripe lists at once.
	PageSize = 100
)

// newBackend makes stripe-go's client for an API base address; empty is
// Stripe's own.
func newBackend(apiBase string, transport http.RoundTripper) stripego.Backend {
	cfg := &stripego.BackendConfig{
		HTTPClient:        &http.Client{Timeout: callTimeout, Transport: transport},
		LeveledLogger:     &stripego.LeveledLogger{Level: stripego.LevelNull}, // errors are returned
		MaxNetworkRetries: stripego.Int64(0),                                  // Read does its own waiting
	}
	if apiBase != "" {
		cfg.URL = &apiBase
	}
	return stripego.GetBackendWithConfig(stripego.APIBackend, cfg)
}

// HasKey says whether Stripe's API can be asked anything.
func (s *StripeService) HasKey() bool { return s.key != "" }

// Dashboard is our account's, in the mode of our key.
func (s *StripeService) Dashboard() dashboard.Dashboard {
	return dashboard.Dashboard{Account: s.account, Live: s.live}
}

// Live says whether money is real.
func (s *StripeService) Live() bool { return s.live }

// Read gets one resource of Stripe's API into result. It keeps to the read
// limit, and waits 429, 5xx and network failures out with growing delays.
func (s *StripeService) Read(ctx context.Context, path string, query *form.Values, result stripego.LastResponseSetter) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if err := s.limit.Wait(ctx); err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		err := s.backend.CallRaw(http.MethodGet, path, s.key, query, &stripego.Params{Context: ctx}, result)
		if refused, ok := errors.AsType[*stripego.Error](err); ok &&
			refused.HTTPStatusCode != http.StatusTooManyRequests && refused.HTTPStatusCode < http.StatusInternalServerError {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewExponentialBackOff()), backoff.WithMaxElapsedTime(readPatience))
	if err != nil {
		return fmt.Errorf("ask Stripe for %s: %w", path, err)
	}
	return nil
}

// rawList is a page of any list, its objects unread.
// https://docs.stripe.com/api/pagination
type rawList struct {
	stripego.APIResource
	Data    []json.RawMessage `json:"data"`
	HasMore bool              `json:"has_more"`
}

// RawObject is any object, unread.
type RawObject struct {
	stripego.APIResource
	json.RawMessage
}

// UnmarshalJSON keeps the object as it is.
func (o *RawObject) UnmarshalJSON(data []byte) error { return o.RawMessage.UnmarshalJSON(data) }

// List yields every page of a list of objects created in [since, until],
// newest first.
func (s *StripeService) List(ctx context.Context, path string, since, until time.Time) iter.Seq2[[]json.RawMessage, error] {
	return func(yield func([]json.RawMessage, error) bool) {
		after := ""
		for {
			query := &form.Values{}
			query.Add("limit", fmt.Sprint(PageSize))
			query.Add("created[gte]", fmt.Sprint(since.Unix()))
			query.Add("created[lte]", fmt.Sprint(until.Unix()))
			if after != "" {
				query.Add("starting_after", after)
			}
			var page rawList
			err := s.Read(ctx, path, query, &page)
			if !yield(page.Data, err) || err != nil || !page.HasMore || len(page.Data) == 0 {
				return
			}
			after = ObjectID(page.Data[len(page.Data)-1])
		}
	}
}

func newLimiter() *rate.Limiter { return rate.NewLimiter(readsPerSecond, readsPerSecond) }

// IsMissing says that Stripe knows no such object.
func IsMissing(err error) bool {
	refused, ok := errors.AsType[*stripego.Error](err)
	return ok && refused.HTTPStatusCode == http.StatusNotFound
}

// ObjectID is the id of any object of Stripe's.
func ObjectID(object json.RawMessage) string { return gjson.GetBytes(object, "id").Str }

// FieldID is the id in an object's field, which may have been expanded.
func FieldID(object json.RawMessage, field string) string { return id(gjson.GetBytes(object, field)) }

// APIVersion is the version in which Stripe's API answers us.
const APIVersion = stripego.APIVersion
