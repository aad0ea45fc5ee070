package ingest

import (
	"testing"
	"time"
)

// A parked event is tried soon, then ever more rarely, as docs/operation.md says.
func TestRetryDelays(t *testing.T) {
	for attempts, want := range map[int]time.Duration{1: time.Second, 2: 4 * time.Second, 3: 16 * time.Second, 7: 4096 * time.Second, 1000: 12 * time.Hour} {
		if got := retryDelay(attempts); got != want {
			t.Errorf("after %d attempts: %s, want %s", attempts, got, want)
		}
	}
}
