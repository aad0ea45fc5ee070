package faults

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

// A migration beside a serving program changes what its prepared statements
// give: they are prepared again, and nobody is told.
func TestTablesAlteredBesideLoad(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	app := db.Serve(t)
	students := make([]*harness.Purchase, 8)
	for i := range students {
		students[i] = app.NewPurchase(t)
		app.MustProcess(t, students[i].Succeeded())
	}
	for round := range 6 {
		kind := []string{"varchar(255)", "text"}[round%2]
		db.Exec(t, "ALTER TABLE purchase_transactions ALTER stripe_customer_id TYPE "+kind)
		db.Exec(t, fmt.Sprintf("ALTER TABLE student_account_balances ADD extra_%d integer", round))
		var group sync.WaitGroup
		for _, p := range students {
			group.Go(func() {
				want := func(status int, answer harness.Response, err error) {
					if err != nil || answer.Status != status {
						t.Errorf("round %d: %v %d %s", round, err, answer.Status, answer.Body)
					}
				}
				answer, err := app.TryDeliver(p.ChargeRefunded(int64(100 * (round + 1))).At(int64(round + 1)))
				want(http.StatusOK, answer, err)
				bearer := []string{"Authorization", "Bearer " + harness.WriteKey}
				answer, err = app.Try(http.MethodPost, api+"/students/"+p.Student+"/consumptions/", fmt.Sprintf(`{"hours":"0.10","reference":"lesson_%d"}`, round), bearer...)
				want(http.StatusCreated, answer, err)
				answer, err = app.Try(http.MethodGet, api+"/students/"+p.Student+"/balance/", "", bearer...)
				want(http.StatusOK, answer, err)
			})
		}
		group.Wait()
	}
	db.MustAudit(t)
}
