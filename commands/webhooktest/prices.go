package webhooktest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/stripe"
)

// At most so many prices are looked at, and for so long.
const (
	maxPrices     = 100
	priceCheckFor = 30 * time.Second
)

// readPlans remembers the plans on sale that have a price at Stripe.
func (t *webhookTest) readPlans(ctx context.Context, db *database.DB) error {
	err := db.Reader.WithContext(ctx).Where("active AND stripe_price_id IS NOT NULL").Order("id").Limit(maxPrices).Find(&t.plans).Error
	if err != nil {
		return fmt.Errorf("read plans: %w", err)
	}
	return nil
}

// checkPrices warns of plans whose price at Stripe is none, costs something else, or is one
// of which a part of a period can't be told: in tiers, or for packages of units.
func (t *webhookTest) checkPrices(ctx context.Context, service *stripe.StripeService) {
	const name = "plans' prices"
	if len(t.plans) == 0 {
		t.skip(name, "no plan on sale has one at Stripe")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, priceCheckFor)
	defer cancel()
	odd := false
	for _, plan := range t.plans {
		price, err := service.Price(ctx, *plan.StripePriceID)
		switch {
		case errors.Is(err, stripe.ErrNotPermitted):
			t.skip(name, "the key may not read prices")
			return
		case err != nil && !stripe.IsMissing(err):
			t.skip(name, "they could not be read: "+err.Error())
			return
		}
		if why := oddOf(&plan, price); why != "" {
			odd = true
			t.warn(name, fmt.Sprintf("plan %s: %s", plan.ID, why))
		}
	}
	if !odd {
		t.pass(name, fmt.Sprintf("%d cost what their plans do", len(t.plans)))
	}
}

func oddOf(plan *models.Plan, price *stripe.Price) string {
	switch {
	case price == nil:
		return "Stripe knows no price " + *plan.StripePriceID
	case !price.PerUnit:
		return *plan.StripePriceID + " is in tiers, or for packages of units: a part of a period would give wrong hours. Use a price of one amount a unit."
	case price.UnitAmount != plan.Amount || price.Currency != plan.Currency:
		return fmt.Sprintf("it costs %s, and %s costs %s", models.FormatMoney(plan.Amount, plan.Currency), *plan.StripePriceID, models.FormatMoney(price.UnitAmount, price.Currency))
	}
	return ""
}
