package faults

import (
	"net/http"
	"testing"

	"hourbank/tests/harness"
)

// A synchronous standby is silent. PostgreSQL commits all the same once a commit's time is
// over, with a warning; an event or a sale is not acknowledged for that, the first time or
// again, because it would be lost with the primary.
func TestSilentStandby(t *testing.T) {
	t.Parallel()
	primary := harness.NewCluster(t)
	standby := primary.NewStandby(t)
	db := primary.NewDatabase(t)
	event := harness.NewPurchase(t).Create(db).Succeeded()
	app := db.ServeProcess(t, harness.NewStripe(t).Settings()...).App
	sell := func() harness.Response {
		return app.Post(t, harness.WriteKey, "/api/finances/purchases/", `{"student_id":"ada","hours":"1.00","amount":1000,"currency":"eur"}`, "Idempotency-Key", "once")
	}
	standby.Freeze(t)
	for range 2 {
		app.Deliver(t, event).WantProblem(t, http.StatusServiceUnavailable, "unavailable")
		sell().WantProblem(t, http.StatusServiceUnavailable, "unavailable")
	}
	primary.Exec(t, "ALTER SYSTEM RESET synchronous_standby_names") // as Patroni does, where it isn't strict
	primary.Exec(t, "SELECT pg_reload_conf()")
	harness.Eventually(t, "the event is acknowledged", func() bool {
		answer, err := app.TryDeliver(event)
		return err == nil && answer.Status == http.StatusOK
	})
	sell().Want(t, http.StatusCreated)
	db.MustAudit(t)
}
