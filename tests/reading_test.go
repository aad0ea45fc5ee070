package tests

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

const api = "/api/finances"

func TestPurchaseIsShownByBothIds(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		want := fields{
			"id": p.ID, "student_id": p.Student, "transaction_type": "package", "payment_status": "pending",
			"amount": "5000", "currency": "eur", "hours": "10.00", "hours_credited": "0.00", "hours_reversed": "0.00",
			"amount_received": "0", "amount_refunded": "0", "amount_disputed": "0", "stripe_payment_intent_id": p.PaymentIntent,
			"stripe_customer_id": "", "failure": "", "metadata": "{}", "expires_at": "", "completed_at": "",
		}
		for _, path := range []string{p.ID, p.ID + "/", p.PaymentIntent, p.PaymentIntent + "/"} {
			shown := app.Get(t, api+"/purchases/"+path).WantFields(t, want)
			for field := range want {
				if !shown.Get(field).Exists() {
					t.Errorf("%s is missing", field)
				}
			}
			if shown.Get("created_at").Time().IsZero() || shown.Get("updated_at").Time().IsZero() || shown.Get("amount").Type != gjson.Number {
				t.Errorf("odd fields in %s", shown.Body)
			}
		}
		app.As(t, harness.ReadKey, http.MethodGet, api+"/purchases/nothing/").WantProblem(t, http.StatusNotFound, "not_found")
	})
}

// follow reads a list page by page and gives a field of each of its rows.
func follow(t *testing.T, app *harness.App, path, field string, limit int) []string {
	t.Helper()
	var all []string
	for cursor := ""; ; {
		if len(all) > 1000 {
			t.Fatalf("%s has no end", path)
		}
		page := app.Get(t, fmt.Sprintf("%slimit=%d&cursor=%s", path, limit, cursor))
		rows := page.Get("data").Array()
		for _, row := range rows {
			all = append(all, row.Get(field).String())
		}
		cursor = page.Get("next_cursor").String()
		if cursor == "" {
			if page.Get("next_cursor").Type != gjson.Null {
				t.Errorf("next_cursor of the last page is %s", page.Get("next_cursor").Raw)
			}
			return all
		}
		if len(rows) != limit {
			t.Fatalf("a page of %d rows, not the last, has %d", limit, len(rows))
		}
	}
}

func wantSame(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestPurchasesAreListedNewestFirstPageByPage(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		var all, own, completed []string
		for i := range 7 {
			p := harness.NewPurchase(t)
			if i%2 == 0 {
				p.For("student_list")
			}
			p.Create(app.Database)
			all = append([]string{p.ID}, all...)
			if i%2 == 0 {
				own = append([]string{p.ID}, own...)
			}
			if i%3 == 0 {
				app.MustProcess(t, p.Succeeded())
				completed = append([]string{p.ID}, completed...)
			}
		}
		for _, limit := range []int{1, 2, 3, 7, 100} {
			wantSame(t, "all", follow(t, app, api+"/purchases/?", "id", limit), all)
		}
		wantSame(t, "of a student", follow(t, app, api+"/purchases?student_id=student_list&", "id", 2), own)
		wantSame(t, "completed", follow(t, app, api+"/purchases/?payment_status=completed&", "id", 2), completed)
		wantSame(t, "both", follow(t, app, api+"/purchases/?payment_status=completed&student_id=student_list&", "id", 1),
			[]string{all[0], all[6]})
		wantSame(t, "nobody's", follow(t, app, api+"/purchases/?student_id=nobody&", "id", 2), nil)
	})
}

// Rows made in the same instant must not be skipped or shown twice.
func TestPagingThroughRowsOfOneInstant(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for range 6 {
			app.NewPurchase(t)
		}
		instant := "2026-01-01 00:00:00+00:00"
		app.Exec(t, "UPDATE purchase_transactions SET created_at = '"+instant+"'")
		seen := follow(t, app, api+"/purchases/?", "id", 2)
		slices.Sort(seen)
		if len(slices.Compact(seen)) != 6 {
			t.Errorf("saw %q", seen)
		}
	})
}

func TestListsRefuseBadCursorsLimitsAndFilters(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		for _, list := range []string{api + "/purchases/", api + "/events/", api + "/students/" + p.Student + "/ledger/"} {
			for _, limit := range []string{"0", "-1", "x", "1.5", "99999999999999999999"} {
				app.As(t, harness.ReadKey, http.MethodGet, list+"?limit="+limit).WantProblem(t, http.StatusBadRequest, "invalid_request")
			}
			for _, cursor := range []string{"x", "e30", "bm90IGpzb24", "%20", "eyJ0IjoiMTAwMDAtMDEtMDFUMDA6MDA6MDBaIiwiaSI6IngifQ"} {
				app.As(t, harness.ReadKey, http.MethodGet, list+"?cursor="+cursor).WantProblem(t, http.StatusBadRequest, "invalid_cursor")
			}
			app.Get(t, list+"?limit=100000")
		}
		app.As(t, harness.ReadKey, http.MethodGet, api+"/purchases/?payment_status=nonsense").WantProblem(t, http.StatusBadRequest, "invalid_request")
		app.As(t, harness.ReadKey, http.MethodGet, api+"/events/?status=nonsense").WantProblem(t, http.StatusBadRequest, "invalid_request")
	})
}

func TestBalanceAndLedgerTellTheSameStory(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.Get(t, api+"/students/"+p.Student+"/balance").WantFields(t, fields{
			"student_id": p.Student, "currency": "eur", "hours_purchased": "0.00", "hours_reversed": "0.00", "hours_consumed": "0.00",
			"hours_available": "0.00", "balance_amount": "0", "overdrawn": "false",
		})
		paid, refunded := p.Succeeded(), p.ChargeRefunded(1250).At(5)
		app.MustProcess(t, paid, refunded)
		app.WantBalance(t, p.Student, fields{"hours_purchased": "10.00", "hours_reversed": "2.50", "hours_available": "7.50", "balance_amount": "3750"})
		ledger := app.Get(t, api+"/students/"+p.Student+"/ledger/").WantFields(t, fields{
			"data.#": "2", "next_cursor": "",
			"data.0.kind": "reversal", "data.0.hours": "-2.50", "data.0.amount": "-1250", "data.0.event_id": refunded.ID,
			"data.1.kind": "credit", "data.1.hours": "10.00", "data.1.amount": "5000", "data.1.event_id": paid.ID,
			"data.1.transaction_id": p.ID, "data.1.currency": "eur", "data.1.reference": "", "data.1.student_id": p.Student,
		})
		wantSame(t, "paged", follow(t, app, api+"/students/"+p.Student+"/ledger?", "id", 1),
			[]string{ledger.Get("data.0.id").String(), ledger.Get("data.1.id").String()})
		for _, path := range []string{"/students/nobody/balance/", "/students/nobody/ledger/"} {
			app.As(t, harness.ReadKey, http.MethodGet, api+path).WantProblem(t, http.StatusNotFound, "not_found")
		}
	})
}
