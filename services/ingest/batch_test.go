package ingest

import (
	"testing"
	"time"
)

// A parked event is tried soon, then ever more rarely, as docs/operation.md says.
func TestRetryDelays(t *testing.T) {
	for attempts, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 9: 256 * time.Second, 1000: 4 * time.Hour} {
		if got := retryDelay(attempts); got != want {
			t.Errorf("after %d attempts: %s, want %s", attempts, got, want)
		}
	}
}
