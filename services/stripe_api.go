package services

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"
	"golang.org/x/time/rate"
)

const (
	// stripeReadsPerSecond stays under Stripe's limit of 25 reads a second in
	// test mode (100 live). https://docs.stripe.com/rate-limits
	stripeReadsPerSecond = 20
	stripeCallTimeout    = 10 * time.Second
	stripeReadPatience   = 2 * time.Minute // for 429 and 5xx
	stripePageSize       = 100
)

// newStripeBackend makes stripe-go's client for an API base address; empty is
// Stripe's own.
func newStripeBackend(apiBase string) stripe.Backend {
	cfg := &stripe.BackendConfig{
		HTTPClient:        &http.Client{Timeout: stripeCallTimeout},
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // errors are returned
		MaxNetworkRetries: stripe.Int64(0),                                // read does its own waiting
	}
	if apiBase != "" {
		cfg.URL = &apiBase
	}
	return stripe.GetBackendWithConfig(stripe.APIBackend, cfg)
}

// HasKey says whether Stripe's API can be asked anything.
func (s *StripeService) HasKey() bool { return s.key != "" }

// live says whether the key is of live mode.
func (s *StripeService) live() bool { return s.livemode != nil && *s.livemode }

// read gets one resource of Stripe's API into result. It keeps to the read
// limit, and waits 429, 5xx and network failures out with growing delays.
func (s *StripeService) read(ctx context.Context, path string, query *form.Values, result stripe.LastResponseSetter) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if err := s.limit.Wait(ctx); err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		err := s.backend.CallRaw(http.MethodGet, path, s.key, query, &stripe.Params{Context: ctx}, result)
		if refused, ok := errors.AsType[*stripe.Error](err); ok &&
			refused.HTTPStatusCode != http.StatusTooManyRequests && refused.HTTPStatusCode < http.StatusInternalServerError {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewExponentialBackOff()), backoff.WithMaxElapsedTime(stripeReadPatience))
	if err != nil {
		return fmt.Errorf("ask Stripe for %s: %w", path, err)
	}
	return nil
}

// rawList is a page of any list, its objects unread.
// https://docs.stripe.com/api/pagination
type rawList struct {
	stripe.APIResource
	Data    []json.RawMessage `json:"data"`
	HasMore bool              `json:"has_more"`
}

// rawObject is any object, unread.
type rawObject struct {
	stripe.APIResource
	json.RawMessage
}

func (o *rawObject) UnmarshalJSON(data []byte) error { return o.RawMessage.UnmarshalJSON(data) }

// list yields every page of a list of objects created in [since, until],
// newest first.
func (s *StripeService) list(ctx context.Context, path string, since, until time.Time) iter.Seq2[[]json.RawMessage, error] {
	return func(yield func([]json.RawMessage, error) bool) {
		after := ""
		for {
			query := &form.Values{}
			query.Add("limit", fmt.Sprint(stripePageSize))
			query.Add("created[gte]", fmt.Sprint(since.Unix()))
			query.Add("created[lte]", fmt.Sprint(until.Unix()))
			if after != "" {
				query.Add("starting_after", after)
			}
			var page rawList
			err := s.read(ctx, path, query, &page)
			if !yield(page.Data, err) || err != nil || !page.HasMore || len(page.Data) == 0 {
				return
			}
			after = objectID(page.Data[len(page.Data)-1])
		}
	}
}

func newLimiter() *rate.Limiter { return rate.NewLimiter(stripeReadsPerSecond, stripeReadsPerSecond) }

// isMissing says that Stripe knows no such object.
func isMissing(err error) bool {
	refused, ok := errors.AsType[*stripe.Error](err)
	return ok && refused.HTTPStatusCode == http.StatusNotFound
}
