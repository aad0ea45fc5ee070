package tests

import (
	"fmt"
	"net/http"
	"testing"

	"hourbank/tests/harness"
)

// inVersions runs the test once for each API version, on one program.
func inVersions(t *testing.T, app *harness.App, test func(t *testing.T, p *harness.Purchase, in harness.Version)) {
	t.Helper()
	for _, version := range harness.Versions {
		t.Run(string(version), func(t *testing.T) { test(t, app.NewPurchase(t), version) })
	}
}

// deliver sends events in one version, whatever they change.
func deliver(t *testing.T, app *harness.App, in harness.Version, events ...*harness.Event) {
	t.Helper()
	for _, event := range events {
		app.Deliver(t, event.In(in)).Want(t, http.StatusOK).WantFields(t, fields{"status": "processed"})
	}
}

func TestRefundEventsOfEveryType(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, eventType := range []string{"refund.created", "refund.updated", "charge.refund.updated", "charge.refunded"} {
			inVersions(t, app, func(t *testing.T, p *harness.Purchase, in harness.Version) {
				event := p.ChargeRefunded(1250).At(5)
				if eventType != "charge.refunded" {
					event = p.Refund(eventType, "re_1", 1250, "succeeded", 5).At(5)
				}
				deliver(t, app, in, p.Succeeded(), event)
				app.WantPurchase(t, p, fields{"payment_status": "partially_refunded", "amount_refunded": "1250", "hours_reversed": "2.50"})
				app.WantBalance(t, p.Student, fields{"hours_available": "7.50", "balance_amount": "3750"})
			})
		}
		app.MustAudit(t)
	})
}

func TestRefundThatFailsGivesTheHoursBack(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, eventType := range []string{"refund.failed", "refund.updated", "charge.refund.updated"} {
			inVersions(t, app, func(t *testing.T, p *harness.Purchase, in harness.Version) {
				deliver(t, app, in, p.Succeeded(), p.ChargeRefunded(5000).At(5), p.Refund("refund.created", "re_1", 5000, "pending", 5).At(5))
				app.WantPurchase(t, p, fields{"payment_status": "refunded", "hours_reversed": "10.00"})
				deliver(t, app, in, p.Refund(eventType, "re_1", 5000, "failed", 5).At(9))
				app.WantPurchase(t, p, fields{"payment_status": "completed", "hours_reversed": "0.00", "amount_refunded": "0"})
				app.Get(t, api+"/students/"+p.Student+"/ledger/").WantFields(t, fields{"data.0.kind": "reinstatement", "data.0.hours": "10.00", "data.#": "3"})
			})
		}
		app.MustAudit(t)
	})
}

// The charge itself, with its captured amount, is evidence of the success.
func TestRefundBeforeItsPayment(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		inVersions(t, app, func(t *testing.T, p *harness.Purchase, in harness.Version) {
			deliver(t, app, in, p.Refund("refund.created", "re_1", 1000, "succeeded", 5).At(5))
			app.WantPurchase(t, p, fields{"payment_status": "pending", "hours_reversed": "0.00"})
			deliver(t, app, in, p.ChargeRefunded(1000).At(5))
			app.WantPurchase(t, p, fields{"payment_status": "partially_refunded", "hours_credited": "10.00", "hours_reversed": "2.00"})
			deliver(t, app, in, p.Succeeded().At(9))
			app.Get(t, api+"/students/"+p.Student+"/ledger/").WantFields(t, fields{"data.#.kind": `["reversal","credit"]`})
		})
		app.MustAudit(t)
	})
}

// Versions before 2022-11-15 list a charge's refunds, later ones don't.
func TestRefundsListedInTheCharge(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		inVersions(t, app, func(t *testing.T, p *harness.Purchase, in harness.Version) {
			charge := p.ChargeRefunded(2500).At(6).Listing(p.Listed("re_1", 1000, "succeeded", 4), p.Listed("re_2", 1500, "pending", 6))
			deliver(t, app, in, p.Succeeded(), charge, p.Refund("refund.updated", "re_2", 1500, "failed", 6).At(8), p.Refund("refund.created", "re_3", 500, "succeeded", 7).At(7))
			app.WantPurchase(t, p, fields{"amount_refunded": "1500", "hours_reversed": "3.00"})
		})
		app.MustAudit(t)
	})
}

// One charge lists more refunds than anybody keeps by their ids: its total says
// what went back.
func TestThousandsOfRefundsListedInTheCharge(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t, "MAX_WEBHOOK_BYTES=4194304")
		p := app.NewPurchase(t)
		refunds := make([]map[string]any, 5000)
		for i := range refunds {
			refunds[i] = p.Listed(fmt.Sprint("re_", i), 1, "succeeded", 4)
		}
		charge := p.ChargeRefunded(4500).At(6).In(harness.V2020).Listing(refunds...)
		app.MustProcess(t, p.Succeeded(), charge)
		app.WantPurchase(t, p, fields{"payment_status": "partially_refunded", "amount_refunded": "4500", "hours_reversed": "9.00"})
		app.Deliver(t, charge.Again()).WantFields(t, fields{"status": "processed", "reason": "stale"})
		app.MustAudit(t)
	})
}

func TestRefundsRoundOnTheRunningTotal(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := harness.NewPurchase(t).Of(100, 300).Create(app.Database)
		app.MustProcess(t, p.Succeeded(), p.ChargeRefunded(100).At(1), p.ChargeRefunded(200).At(2), p.ChargeRefunded(300).At(3))
		app.WantPurchase(t, p, fields{"payment_status": "refunded", "hours_reversed": "1.00"})
		app.Get(t, api+"/students/"+p.Student+"/ledger/").WantFields(t, fields{"data.#.hours": `["-0.33","-0.34","-0.33","1.00"]`})
		app.MustAudit(t)
	})
}
