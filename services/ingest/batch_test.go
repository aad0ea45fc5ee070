package ingest

import (
	"fmt"
	"testing"
	"time"

	"hourbank/models"
	"hourbank/services/owner"
	"hourbank/services/stripe"
	"hourbank/tests/law/telling"
)

// A parked event is tried soon, then ever more rarely, as docs/operation.md says.
func TestRetryDelays(t *testing.T) {
	for attempts, want := range map[int]time.Duration{1: time.Second, 2: 4 * time.Second, 3: 16 * time.Second, 7: 4096 * time.Second, 1000: 12 * time.Hour} {
		if got := retryDelay(attempts); got != want {
			t.Errorf("after %d attempts: %s, want %s", attempts, got, want)
		}
	}
}

// What is found out within one batch leaves no case, whichever event comes first.
func TestWhatABatchFindsOutIsNoCase(t *testing.T) {
	plan := telling.PriceList()[0]
	paid := fmt.Sprintf(`{"id": "evt_paid", "type": "invoice.paid", "created": 1750000000, "data": {"object": {"id": "in_1", "object": "invoice",
		"subscription": "sub_1", "currency": %q, "total": %d, "amount_paid": %[2]d, "lines": {"data": [{"amount": %[2]d, "quantity": 1, "price": {"id": %[3]q}}]}}}}`,
		plan.Currency, plan.Amount, plan.StripePriceID)
	begun := `{"id": "evt_begun", "type": "customer.subscription.created", "created": 1750000000, "data": {"object": {"id": "sub_1", "object": "subscription",
		"metadata": {"student_id": "student_1"}}}}`
	for _, order := range [][]string{{paid, begun}, {begun, paid}} {
		db := emptyDatabase(t)
		decoder := stripe.NewStripeService(stripe.Options{})
		var jobs []*job
		for _, payload := range order {
			event, err := decoder.Decode([]byte(payload), "")
			if err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, &job{event: event})
		}
		if err := newBatch(db, owner.New(db, owner.Program{}), jobs, Options{ParkFor: time.Hour}).run(t.Context()); err != nil {
			t.Fatal(err)
		}
		var cases []models.Case
		if err := db.Where("closed_at IS NULL").Find(&cases).Error; err != nil || len(cases) > 0 {
			t.Errorf("open: %+v (%v)", cases, err)
		}
		var account models.Account
		if err := db.Where("student_id = 'student_1'").Take(&account).Error; err != nil || account.HoursPurchased != models.Hours(plan.Hours) {
			t.Errorf("hours: %+v (%v)", account, err)
		}
	}
}
