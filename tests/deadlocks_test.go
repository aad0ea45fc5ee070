package tests

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// asking posts an order with the admin key.
func asking(app *harness.App, path, body string, values ...any) func() (harness.Response, error) {
	return func() (harness.Response, error) {
		return app.Try(http.MethodPost, api+path, fmt.Sprintf(body, values...), "Authorization", "Bearer "+harness.AdminKey)
	}
}

// Grants open accounts without a currency; the first sales, and gifts that are paid,
// give them one. Whatever comes at once, nobody waits in a circle.
func TestReplicasDontDeadlockOverAccountsWithoutACurrency(t *testing.T) {
	t.Parallel()
	db, standIn := harness.NewDatabase(t, "postgres"), harness.NewStripe(t)
	apps := []*harness.App{db.Serve(t, standIn.Settings()...), db.Serve(t, standIn.Settings()...)}
	addPlan(t, apps[0])
	var grants, sales []func() (harness.Response, error)
	for i := range 32 {
		student, app := fmt.Sprintf("trial_%d", i%4), apps[i/4%2]
		grants = append(grants, asking(app, "/students/"+student+"/grants/", `{"hours":"1.00","reason":"a trial","reference":"trial_%d"}`, i))
		sales = append(sales, asking(app, "/purchases/", `{"student_id":"%s","plan":"pack8"}`, student))
	}
	atOnce(t, grants)
	atOnce(t, sales)
	wantNoDeadlocks(t, db, apps)
	for i := range 4 {
		if opened := db.Count(t, "SELECT count(*) FROM student_account_balances WHERE student_id = $1 AND currency = 'eur' AND hours_available = 800", fmt.Sprintf("trial_%d", i)); opened != 1 {
			t.Errorf("trial_%d is not in eur", i)
		}
	}
	db.MustAudit(t)
}

// Four students buy gifts for each other; their webhooks come at once, beside those of
// gifts that Stripe began, and lessons.
func TestReplicasDontDeadlockOverGiftsToEachOther(t *testing.T) {
	t.Parallel()
	db, standIn := harness.NewDatabase(t, "postgres"), harness.NewStripe(t)
	apps := []*harness.App{db.Serve(t, standIn.Settings()...), db.Serve(t, standIn.Settings()...)}
	addPlan(t, apps[0])
	var grants, gifts, all []func() (harness.Response, error)
	students := []string{"a", "b", "c", "d"}
	for i, student := range students {
		grants = append(grants, asking(apps[i%2], "/students/"+student+"/grants/", `{"hours":"90.00","reason":"a trial","reference":"trial"}`))
	}
	for i := range 48 {
		buyer, friend := students[i%4], students[(i+1+i/4%3)%4]
		gifts = append(gifts, asking(apps[i%2], "/purchases/", `{"student_id":"%s","beneficiary_id":"%s","plan":"pack8"}`, buyer, friend))
	}
	atOnce(t, grants)
	for i, sold := range atOnce(t, gifts) {
		paid := harness.NewPurchase(t).For(sold.Get("student_id").String())
		paid.ID, paid.Amount, paid.PaymentIntent = sold.Get("id").String(), 12000, sold.Get("stripe_payment_intent_id").String()
		began := harness.NewTeller(harness.V2026)
		metadata := object{"student_id": students[(i+2)%4], "beneficiary_id": students[(i+3)%4], "plan": "pack8"}
		told := began.Paid("pi_1", 12000).With("metadata", metadata)
		all = append(all,
			func() (harness.Response, error) { return apps[i%2].TryDeliver(paid.Succeeded()) },
			func() (harness.Response, error) { return apps[(i+1)%2].Tell(told) },
			asking(apps[i%2], "/students/"+students[i%4]+"/consumptions/", `{"hours":"1.00","reference":"lesson_%d"}`, i),
			asking(apps[(i+1)%2], "/students/"+students[(i+1)%4]+"/grants/", `{"hours":"1.00","reason":"goodwill","reference":"more_%d"}`, i))
	}
	atOnce(t, all)
	wantNoDeadlocks(t, db, apps)
	if credits := db.Count(t, "SELECT count(*) FROM hour_ledger_entries WHERE kind = 'credit' AND currency = 'eur' AND student_id IN ('"+strings.Join(students, "','")+"')"); credits != 96 {
		t.Errorf("%d credits, want 96", credits)
	}
	db.MustAudit(t)
}
