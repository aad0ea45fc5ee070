package tests

import (
	"net/http"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

func TestFailure8CumulativeRefundsAddedUp(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		inVersions(t, app, func(t *testing.T, p *harness.Purchase, in harness.Version) {
			one, two := p.Listed("re_1", 1000, "succeeded", 3), p.Listed("re_2", 1500, "succeeded", 5)
			for _, event := range []*harness.Event{
				p.Succeeded(), p.Refund("refund.created", "re_1", 1000, "succeeded", 3).At(3), p.ChargeRefunded(1000).At(3),
				p.ChargeRefunded(1000).At(4).Listing(one), p.Refund("charge.refund.updated", "re_1", 1000, "succeeded", 3).At(4),
				p.ChargeRefunded(2500).At(5).Listing(one, two), p.Refund("refund.updated", "re_2", 1500, "succeeded", 5).At(6), p.ChargeRefunded(2500).At(6),
			} {
				app.Deliver(t, event.In(in)).Want(t, http.StatusOK)
			}
			app.WantPurchase(t, p, fields{"payment_status": "partially_refunded", "amount_refunded": "2500", "hours_reversed": "5.00"})
			app.Get(t, api+"/students/"+p.Student+"/ledger/").WantFields(t, fields{"data.#.amount": "[-1500,-1000,5000]"})
		})
		app.MustAudit(t)
	})
}

// Since 2022-11-15 a charge lists no refunds and a PaymentIntent no charges.
func TestFailure9RefundsAndChargesNoLongerListed(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		inVersions(t, app, func(t *testing.T, p *harness.Purchase, in harness.Version) {
			deliver(t, app, in, p.Succeeded().Unset("charges").Unset("latest_charge"), p.ChargeRefunded(1000).At(3).Unset("refunds"))
			app.WantPurchase(t, p, fields{"payment_status": "partially_refunded", "amount_refunded": "1000", "hours_reversed": "2.00"})
		})
		app.MustAudit(t)
	})
}

func TestFailure10DisputesNotActedOn(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded(), p.Dispute(disputeCreated, "dp_1", 2000, "needs_response").At(1))
		app.WantBalance(t, p.Student, fields{"hours_available": "6.00", "balance_amount": "3000"})
		app.MustAudit(t)
	})
}

func TestFailure10DisputeWonButNeverGivenBackOrInTheWrongUnit(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, told := range []string{disputeClosed, reinstated} {
			p := harness.NewPurchase(t).Of(750, 12_000).Create(app.Database)
			app.MustProcess(t, p.Succeeded(), p.Dispute(withdrawn, "dp_1", 8000, "needs_response").At(1), p.Dispute(told, "dp_1", 8000, "won").At(2))
			app.WantBalance(t, p.Student, fields{"hours_available": "7.50", "balance_amount": "12000"})
			app.Get(t, api+"/students/"+p.Student+"/ledger/").WantFields(t, fields{
				"data.0.kind": "reinstatement", "data.0.hours": "5.00", "data.0.amount": "8000", "data.1.hours": "-5.00", "data.1.amount": "-8000",
			})
		}
		app.MustAudit(t)
	})
}

func TestFailure10RefundAfterAWonDisputeTakesTooLittle(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		app.MustProcess(t, p.Succeeded(), p.Dispute(disputeCreated, "dp_1", 5000, "needs_response").At(1),
			p.Dispute(disputeClosed, "dp_1", 5000, "won").At(2), p.ChargeRefunded(5000).At(3))
		app.WantPurchase(t, p, fields{"payment_status": "refunded", "hours_reversed": "10.00", "amount_refunded": "5000", "amount_disputed": "0"})
		app.WantBalance(t, p.Student, fields{"hours_available": "0.00", "balance_amount": "0"})
		app.MustAudit(t)
	})
}

// A parser or a proxy that writes JSON anew changes bytes, and so the
// signature; ours is over the bytes as they came.
func TestFailure12SignatureOverAChangedBody(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for name, change := range map[string]func(string) string{
			"indented by hand":  func(body string) string { return strings.ReplaceAll(body, "\n", "\r\n\t") },
			"with odd escapes":  func(body string) string { return strings.Replace(body, "Tutoring", `Tut\u006fring \/ ☂`, 1) },
			"with a trailer":    func(body string) string { return body + "\n\n" },
			"with a key twice":  func(body string) string { return strings.Replace(body, `"livemode"`, `"zzz": 1.0e0, "livemode"`, 1) },
			"of another length": func(body string) string { return body + strings.Repeat(" ", 300_000) },
		} {
			p := app.NewPurchase(t)
			body := change(p.Succeeded().Body())
			app.Send(t, body).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "transaction_id": p.ID})
			if t.Failed() {
				t.Fatalf("a body %s", name)
			}
		}
	})
}

func TestFailure12RedirectOnTheTrailingSlash(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, at := range webhookPaths {
			body := app.NewPurchase(t).Succeeded().Body()
			app.Request(t, http.MethodPost, at.path, body, "Stripe-Signature", harness.Sign(body, at.secret)).Want(t, http.StatusOK)
		}
	})
}

// stripe-go's ConstructEvent refuses events of another API version than its
// own.
func TestFailure12AnotherAPIReleaseIsRejected(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, version := range []string{"2011-01-01", "2019-12-03", "2022-11-15", "2023-10-16", "2024-09-30.acacia", "2025-03-31.basil", "2099-01-01.unheard", ""} {
			p := app.NewPurchase(t)
			body := strings.Replace(p.Succeeded().Body(), `"2023-10-16"`, `"`+version+`"`, 1)
			app.Send(t, body).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "transaction_id": p.ID})
		}
		p := app.NewPurchase(t)
		app.Send(t, strings.Replace(p.Succeeded().Body(), `"2023-10-16"`, `null`, 1)).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed"})
	})
}

func TestFailure12AnotherEndpointsSecret(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, at := range webhookPaths {
			p := app.NewPurchase(t)
			body := p.Succeeded().Body()
			app.Request(t, http.MethodPost, at.path, body, "Stripe-Signature", harness.Sign(body, at.otherSecret)).
				WantProblem(t, http.StatusBadRequest, "invalid_signature")
			app.WantBalance(t, p.Student, fields{"hours_available": "0.00"})
		}
	})
}
