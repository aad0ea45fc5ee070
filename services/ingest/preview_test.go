package ingest

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"hourbank/database"
	"hourbank/models"
	"hourbank/services/metrics"
	"hourbank/services/owner"
	"hourbank/services/stripe"
	"hourbank/tests/law/telling"
)

// What a preview says that an event would do is what it then does.
func TestPreviewEqualsApply(t *testing.T) {
	db := emptyDatabase(t)
	service := NewPaymentService(db, stripe.NewStripeService(stripe.Options{}), owner.New(db, owner.Program{}), zap.NewNop(), metrics.New(), nil, Options{ParkFor: 1})
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- service.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	for n := range 60 {
		history := rapid.Custom(func(rt *rapid.T) telling.History { return telling.DrawWith(rt, telling.All, fmt.Sprintf("h%dx", n)) })
		for _, payload := range history.Example(n).Events {
			previewThenApply(t, db, service, payload)
		}
	}
}

func previewThenApply(t *testing.T, db *database.DB, service *PaymentService, payload string) {
	t.Helper()
	decode := func() *stripe.Event {
		event, err := service.stripe.Decode([]byte(payload), "")
		if err != nil {
			t.Fatal(err)
		}
		return event
	}
	preview, err := service.Preview(t.Context(), decode())
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := service.Handle(t.Context(), decode())
	if err != nil {
		t.Fatal(err)
	}
	if (preview == nil) != (outcome.TransactionID == nil) {
		t.Fatalf("preview %+v, but %+v of\n%s", preview, outcome, payload)
	}
	if preview == nil {
		return
	}
	var p models.Purchase
	if err := db.Where("id = ?", *outcome.TransactionID).Take(&p).Error; err != nil {
		t.Fatal(err)
	}
	after := [...]any{p.ID, p.PaymentStatus, p.HoursCredited, p.HoursReversed, wordOf(outcome.Reason)}
	if said := [...]any{preview.TransactionID, preview.StatusAfter, preview.CreditedAfter, preview.ReversedAfter, wordOf(preview.Reason)}; said != after {
		t.Fatalf("the preview says %v, it became %v, of\n%s", said, after, payload)
	}
}

func wordOf(reason *models.Reason) models.Reason {
	if reason == nil {
		return ""
	}
	return *reason
}

// emptyDatabase is a migrated SQLite file with the histories' price list.
func emptyDatabase(t *testing.T) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "hourbank.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, plan := range telling.PriceList() {
		row := models.Plan{
			ID: plan.ID, Name: plan.ID, TransactionType: models.TypePackage, Hours: models.Hours(plan.Hours), Amount: plan.Amount,
			Currency: plan.Currency, StripePriceID: &plan.StripePriceID, Active: true, CreatedAt: db.NowFunc(), UpdatedAt: db.NowFunc(),
		}
		if err := db.Create(&row).Error; err != nil {
			t.Fatal(err)
		}
	}
	return db
}
