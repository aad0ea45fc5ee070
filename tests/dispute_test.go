package tests

import (
	"net/http"
	"testing"

	"hourbank/tests/harness"
)

const (
	disputeCreated = "charge.dispute.created"
	disputeUpdated = "charge.dispute.updated"
	disputeClosed  = "charge.dispute.closed"
	withdrawn      = "charge.dispute.funds_withdrawn"
	reinstated     = "charge.dispute.funds_reinstated"
)

func TestDisputeHoldsAndGivesBack(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		inVersions(t, app, func(t *testing.T, p *harness.Purchase, in harness.Version) {
			held := fields{"payment_status": "disputed", "amount_disputed": "5000", "hours_reversed": "10.00"}
			free := fields{"payment_status": "completed", "amount_disputed": "0", "hours_reversed": "0.00"}
			deliver(t, app, in, p.Succeeded(), p.Dispute(disputeCreated, "dp_1", 5000, "warning_needs_response").At(1))
			app.WantPurchase(t, p, free)
			deliver(t, app, in, p.Dispute(disputeUpdated, "dp_1", 5000, "needs_response").At(2), p.Dispute(withdrawn, "dp_1", 5000, "needs_response").At(2))
			app.WantPurchase(t, p, held)
			deliver(t, app, in, p.Dispute(disputeUpdated, "dp_1", 5000, "under_review").At(3))
			app.WantPurchase(t, p, held)
			deliver(t, app, in, p.Dispute(disputeClosed, "dp_1", 5000, "won").At(4), p.Dispute(reinstated, "dp_1", 5000, "won").At(5))
			app.WantPurchase(t, p, free)
			app.WantBalance(t, p.Student, fields{"hours_available": "10.00", "balance_amount": "5000"})
		})
		app.MustAudit(t)
	})
}

func TestDisputeEventsOfEveryTypeAlone(t *testing.T) {
	rows := []struct{ eventType, status, wantStatus, wantHeld string }{
		{disputeCreated, "needs_response", "disputed", "5000"},
		{disputeUpdated, "under_review", "disputed", "5000"},
		{withdrawn, "needs_response", "disputed", "5000"},
		{disputeClosed, "lost", "disputed", "5000"},
		{disputeClosed, "won", "completed", "0"},
		{disputeClosed, "warning_closed", "completed", "0"},
		{reinstated, "under_review", "completed", "0"},
	}
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, row := range rows {
			inVersions(t, app, func(t *testing.T, p *harness.Purchase, in harness.Version) {
				deliver(t, app, in, p.Dispute(row.eventType, "dp_1", 5000, row.status).At(5), p.Succeeded().At(1)) // it waits for the success
				app.WantPurchase(t, p, fields{"payment_status": row.wantStatus, "amount_disputed": row.wantHeld})
			})
		}
		app.MustAudit(t)
	})
}

func TestDisputeBesideARefundTakesNoMoreThanThereIs(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		inVersions(t, app, func(t *testing.T, p *harness.Purchase, in harness.Version) {
			deliver(t, app, in, p.Succeeded(), p.ChargeRefunded(2000).At(2), p.Dispute(disputeCreated, "dp_1", 5000, "needs_response").At(3))
			app.WantPurchase(t, p, fields{"payment_status": "disputed", "amount_refunded": "2000", "amount_disputed": "3000", "hours_reversed": "10.00"})
			app.WantBalance(t, p.Student, fields{"hours_available": "0.00", "balance_amount": "0"})
			deliver(t, app, in, p.Dispute(disputeClosed, "dp_1", 5000, "won").At(9))
			app.WantPurchase(t, p, fields{"payment_status": "partially_refunded", "amount_disputed": "0", "hours_reversed": "4.00"})
		})
		app.MustAudit(t)
	})
}

// An inquiry that staff closed and that becomes a dispute has another last day, or one at all:
// it is open again.
func TestAnInquiryThatBecomesADisputeIsOpenAgain(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, first := range []any{1_900_000_000, 1_900_900_000, nil} {
			s := soldTo(t, app)
			tell(t, app, s.Paid("pi_1", 5000), s.Dispute("created", "dp_1", "pi_1", 5000, "warning_needs_response").With("evidence_details", object{"due_by": first}))
			open := api + "/cases/?status=open&kind=dispute&student_id=" + s.Student
			id := app.Get(t, open).WantFields(t, fields{"data.#": "1"}).Get("data.0.id").String()
			app.Post(t, harness.AdminKey, api+"/cases/"+id+"/close/", `{"note":"answered by mail"}`).Want(t, http.StatusOK)
			tell(t, app, s.Dispute("updated", "dp_1", "pi_1", 5000, "needs_response", -5000).With("evidence_details", object{"due_by": 1_900_500_000}).At(1000))
			app.Get(t, open).WantFields(t, fields{"data.#": "1", "data.0.due_by": "2030-03-23T12:40:00Z", "data.0.note": ""})
		}
	})
}
