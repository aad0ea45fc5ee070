package services

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v76/form"
	"github.com/tidwall/gjson"

	"hourbank/models"
	"hourbank/models/money"
	"hourbank/services/stripe"
)

// Purchase asks Stripe for the PaymentIntents and Checkout Sessions of one
// purchase, and applies what was never told; it gives what that corrected. It
// returns a *models.Error with code invalid_request where there is no secret
// key, or one of Stripe's.
func (s *ReconcileService) Purchase(ctx context.Context, p *models.Purchase) ([]Correction, error) {
	if !s.stripe.HasKey() {
		return nil, errNoKey
	}
	r := &reconciliation{ReconcileService: s, report: &ReconcileReport{Corrections: []Correction{}}}
	for _, id := range slices.Sorted(maps.Keys(p.Evidence.Sessions)) {
		if err := r.object(ctx, "checkout_session", "/v1/checkout/sessions/"+id); err != nil {
			return nil, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.Evidence.Payments)) {
		if err := r.openPurchase(ctx, id); err != nil {
			return nil, err
		}
	}
	return r.report.Corrections, nil
}

// openPurchases asks for the PaymentIntents of purchases that should have
// been paid, or given up, by now.
func (r *reconciliation) openPurchases(ctx context.Context) error {
	now := r.db.NowFunc()
	oldest := now.Add(-abandonedAge)
	if r.options.Since.Before(oldest) {
		oldest = r.options.Since
	}
	for after := ""; ; {
		var open []models.Purchase
		err := r.db.Reader.WithContext(ctx).
			Where("payment_status IN ('pending', 'processing', 'failed') AND stripe_payment_intent_id IS NOT NULL").
			Where("created_at BETWEEN ? AND ? AND id > ?", oldest.UTC(), now.Add(-openAge), after).
			Order("id").Limit(stripe.PageSize).Find(&open).Error
		if err != nil {
			return fmt.Errorf("list open purchases: %w", err)
		}
		err = together(ctx, open, func(p models.Purchase) string { return p.ID },
			func(ctx context.Context, p models.Purchase) error {
				return r.openPurchase(ctx, *p.StripePaymentIntentID)
			})
		if err != nil || len(open) < stripe.PageSize {
			return err
		}
		after = open[len(open)-1].ID
	}
}

func (r *reconciliation) openPurchase(ctx context.Context, intentID string) error {
	return r.object(ctx, "payment_intent", "/v1/payment_intents/"+intentID)
}

// object compares one object as it is at Stripe.
func (r *reconciliation) object(ctx context.Context, source, path string) error {
	asked := r.db.NowFunc()
	var object stripe.RawObject
	err := r.stripe.Read(ctx, path, &form.Values{}, &object)
	if stripe.IsMissing(err) {
		return nil // a made-up or another account's object
	}
	if err != nil {
		return err
	}
	eventType := stripe.TypeAsItIs("", gjson.ParseBytes(object.RawMessage))
	return r.compare(ctx, source, eventType, object.RawMessage, asked)
}

func (r *reconciliation) refunds(ctx context.Context) error {
	return r.compareList(ctx, "/v1/refunds", r.refund)
}

// refund compares one refund. One that failed doesn't say when, and the total
// of its charge may have been told since: the charge tells both, as of now.
func (r *reconciliation) refund(ctx context.Context, refund json.RawMessage, asked time.Time) error {
	status, chargeID := gjson.GetBytes(refund, "status").Str, stripe.FieldID(refund, "charge")
	if (status != money.RefundFailed && status != money.RefundCanceled) || chargeID == "" {
		return r.compare(ctx, "refund", "refund.updated", refund, asked)
	}
	var charge stripe.RawObject
	if err := r.stripe.Read(ctx, "/v1/charges/"+chargeID, &form.Values{}, &charge); err != nil {
		return err
	}
	object := map[string]json.RawMessage{}
	if err := json.Unmarshal(charge.RawMessage, &object); err != nil {
		return fmt.Errorf("decode charge %s: %w", chargeID, err)
	}
	object["refunds"] = slices.Concat(json.RawMessage(`{"data":[`), refund, json.RawMessage(`]}`))
	told, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode charge %s: %w", chargeID, err)
	}
	return r.compare(ctx, "refund", "charge.refunded", told, asked)
}

func (r *reconciliation) disputes(ctx context.Context) error {
	return r.compareList(ctx, "/v1/disputes", func(ctx context.Context, dispute json.RawMessage, asked time.Time) error {
		return r.compare(ctx, "dispute", "charge.dispute.updated", dispute, asked)
	})
}

func (r *reconciliation) compareList(ctx context.Context, path string, compare func(context.Context, json.RawMessage, time.Time) error) error {
	asked := r.db.NowFunc()
	for page, err := range r.stripe.List(ctx, path, r.options.Since, r.options.Until) {
		if err != nil {
			return err
		}
		err = together(ctx, page, func(object json.RawMessage) string {
			return cmp.Or(stripe.FieldID(object, "payment_intent"), stripe.FieldID(object, "charge"), stripe.ObjectID(object))
		}, func(ctx context.Context, object json.RawMessage) error {
			if err := compare(ctx, object, asked); err != nil {
				return err
			}
			return r.unpaid(ctx, object)
		})
		if err != nil {
			return err
		}
		asked = r.db.NowFunc()
	}
	return nil
}

// unpaid looks at the payment itself where money is said to go back that we
// never knew to have come, however old the purchase is.
func (r *reconciliation) unpaid(ctx context.Context, moneyBack json.RawMessage) error {
	intentID := stripe.FieldID(moneyBack, "payment_intent")
	var known int64
	err := r.db.Reader.WithContext(ctx).Model(&models.Purchase{}).
		Where("id = (SELECT purchase_id FROM purchase_keys WHERE key = ?) AND hours_credited = 0", intentID).Count(&known).Error
	if err != nil {
		return fmt.Errorf("look for an unpaid purchase: %w", err)
	}
	if intentID == "" || known == 0 {
		return nil
	}
	return r.openPurchase(ctx, intentID)
}

// compare puts an object, as it was when we asked, into the form of the event
// that would have told of it, and applies it where it tells something new.
func (r *reconciliation) compare(ctx context.Context, source, eventType string, object json.RawMessage, asked time.Time) error {
	r.compared(source + "s")
	if eventType == "" {
		return nil
	}
	event, err := r.stripe.Decode(standIn(eventType, object, asked, r.stripe.Live()), "")
	if err != nil {
		return fmt.Errorf("decode %s %s: %w", source, stripe.ObjectID(object), err)
	}
	change, err := r.payments.Preview(ctx, event)
	if err != nil || change == nil || change.Reason != nil && *change.Reason == models.ReasonStale {
		return err // nothing of ours, or nothing new
	}
	// A contradiction is found again every time, but told once.
	if known, err := r.stored(ctx, []string{event.ID}); err != nil || known[event.ID] {
		return err
	}
	return r.correct(ctx, source, stripe.ObjectID(object), event)
}

// standIn is the event that an object stands for. Its id follows from the
// object's content, so that the same finding is the same event every time.
func standIn(eventType string, object json.RawMessage, asked time.Time, live bool) []byte {
	hash := sha256.Sum256(append([]byte(eventType), object...))
	event, err := json.Marshal(map[string]any{
		"id": "reconcile_" + hex.EncodeToString(hash[:12]), "object": "event", "type": eventType, "api_version": stripe.APIVersion,
		"created": asked.Unix(), "livemode": live,
		"data": map[string]any{"object": object},
	})
	if err != nil {
		panic(fmt.Sprintf("encode a stand-in event: %v", err)) // the object is JSON already
	}
	return event
}
