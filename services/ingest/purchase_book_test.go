package ingest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hourbank/models"
)

// What a batch writes of a purchase, it has read or derives: a column that it
// writes without knowing it would be erased.
func TestABatchErasesNoColumnOfAPurchase(t *testing.T) {
	known := append(strings.Split(decisive, ", "), "amount_received", "failure", "expires_at", "completed_at", "updated_at")
	for _, column := range purchaseColumns([]*models.Purchase{}, time.Time{}) {
		if !slices.Contains(known, column.Name) {
			t.Errorf("%s is written, but neither read before nor derived", column.Name)
		}
	}
}
