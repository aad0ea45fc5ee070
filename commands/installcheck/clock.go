package installcheck

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hourbank/database"
)

const (
	// Signatures are refused when they are more than five minutes off. A clock that
	// is kept by NTP is right within milliseconds, so that a minute is no clock at all.
	mostSkew   = time.Minute
	enoughSkew = 5 * time.Second

	stripesAPI = "https://api.stripe.com"
)

// checkDatabasesClock compares with a reading in the middle of ours.
func (i *installation) checkDatabasesClock(ctx context.Context, db *database.DB) {
	const name = "database's clock"
	var theirs time.Time
	before := time.Now()
	if err := db.WithContext(ctx).Raw("SELECT clock_timestamp()").Row().Scan(&theirs); err != nil {
		i.add(name, skipped, err.Error(), "")
		return
	}
	i.compareClock(name, theirs.Sub(before.Add(time.Since(before)/2)))
}

// checkStripesClock reads the time in any answer of Stripe's: no key is sent for it.
func (i *installation) checkStripesClock(ctx context.Context) {
	const name = "Stripe's clock"
	if i.cfg.StripeSecretKey == "" || i.mistakes["STRIPE_API_BASE"] {
		i.add(name, skipped, "needs STRIPE_SECRET_KEY", "")
		return
	}
	base := i.cfg.StripeAPIBase
	if base == "" {
		base = stripesAPI
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base, "/")+"/v1/account", nil)
	if err != nil {
		i.add(name, skipped, err.Error(), "")
		return
	}
	before := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		i.add(name, fail, err.Error(), "Let this machine reach Stripe's API: sales, refunds and reconcile ask it.")
		return
	}
	defer response.Body.Close() //nolint:errcheck // nothing is read from it
	theirs, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		i.add(name, skipped, "its answer names no time", "")
		return
	}
	// A date is whole seconds: it was half a second later, more or less.
	i.compareClock(name, theirs.Add(time.Second/2).Sub(before.Add(time.Since(before)/2)))
}

func (i *installation) compareClock(name string, skew time.Duration) {
	way := "behind"
	if skew < 0 {
		way = "ahead"
	}
	skew = skew.Abs().Round(time.Second / 10)
	seen := fmt.Sprintf("ours is %s %s", skew, way)
	const do = "Keep this machine's clock by NTP (\"timedatectl\"): signatures are refused when they are five minutes off."
	switch {
	case skew > mostSkew:
		i.add(name, fail, seen, do)
	case skew > enoughSkew:
		i.add(name, warning, seen, do)
	default:
		i.add(name, pass, seen, "")
	}
}
