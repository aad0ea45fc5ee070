// Package faults breaks things on purpose while a driver plays Stripe, and
// then holds Hourbank to the driver's books: every acknowledged event is
// stored, every hour is right, nothing was done twice. One file a fault.
package faults

import (
	"os"
	"strconv"
	"testing"

	"hourbank/tests/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// rounds is how often a fault strikes: a handful of times, or, where
// HOURBANK_FAULT_ROUNDS asks for more as make soak does, that number divided
// by what one round costs.
func rounds(t *testing.T, few, cost int) int {
	t.Helper()
	asked := os.Getenv("HOURBANK_FAULT_ROUNDS")
	if asked == "" {
		return few
	}
	n, err := strconv.Atoi(asked)
	if err != nil {
		t.Fatalf("HOURBANK_FAULT_ROUNDS: %v", err)
	}
	return max(few, n/cost)
}

// progress says every tenth round how far a long run is.
func progress(t *testing.T, round, of int, d *driver) {
	t.Helper()
	if (round+1)%10 == 0 {
		t.Logf("round %d of %d: %s", round+1, of, d)
	}
}
