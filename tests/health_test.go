package tests

import (
	"net/http"
	"sync"
	"testing"

	"hourbank/tests/harness"
)

func TestAnyNumberOfProbesAtOnceFindTheServiceReady(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		var wait sync.WaitGroup
		for range 40 {
			wait.Go(func() {
				if got := app.Request(t, http.MethodGet, "/readyz", ""); got.Status != http.StatusOK {
					t.Errorf("answered %d: %s", got.Status, got.Body)
				}
			})
		}
		wait.Wait()
	})
}
