package harness

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/tidwall/gjson"
)

// Secrets of a receiver: EVENTS_URLS signs with both.
const (
	EventsSecret    = "whsec_b2ZfdGhlX3Rlc3RzX2FuZF90aGVpcl9yZWNlaXZlcg=="
	EventsOldSecret = "whsec_b2ZfdGhlX3Rlc3RzX2JlZm9yZV9pdF93YXNfcm9sbGVk"
)

// Receiver is the platform's own backend, which is told events.
type Receiver struct {
	*httptest.Server
	answer func(Received) int

	mu   sync.Mutex
	took []Received
}

// Received is an attempt that was signed as it must be.
type Received struct {
	ID     string
	Body   string
	Status int // what it was answered
}

// Get reads one value of the event.
func (r *Received) Get(path string) string { return gjson.Get(r.Body, path).String() }

// NewReceiver answers each event as told; nil: 204 to all.
func NewReceiver(tb testing.TB, answer func(Received) int) *Receiver {
	tb.Helper()
	if answer == nil {
		answer = func(Received) int { return http.StatusNoContent }
	}
	r := &Receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) { r.take(tb, w, request) }))
	tb.Cleanup(r.Close)
	return r
}

func (r *Receiver) take(tb testing.TB, w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the sender went away
	}
	for _, secret := range []string{EventsSecret, EventsOldSecret} {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			tb.Error(err)
			return
		}
		if err := signer.Verify(body, request.Header); err != nil {
			tb.Errorf("%s of %s: %v", body, request.Header, err)
		}
	}
	received := Received{ID: request.Header.Get("webhook-id"), Body: string(body)}
	received.Status = r.answer(received)
	r.mu.Lock()
	r.took = append(r.took, received)
	r.mu.Unlock()
	w.WriteHeader(received.Status)
}

// Settings have a program send it events.
func (r *Receiver) Settings() []string {
	return []string{"EVENTS_URLS=" + r.URL + "/hours " + EventsSecret + " " + EventsOldSecret, "EVENTS_ALLOW_PRIVATE=true"}
}

// Took is all that it was sent, in order.
func (r *Receiver) Took() []Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.took)
}

// Told is which types it took, of a student, in order.
func (r *Receiver) Told(student string) string {
	var types []string
	for _, received := range r.Took() {
		if received.Status < 300 && received.Get("data.student_id") == student {
			types = append(types, received.Get("type"))
		}
	}
	return strings.Join(types, " ")
}

// WantTold waits until it took just these types of a student, in order.
func (r *Receiver) WantTold(tb testing.TB, student string, types ...string) {
	tb.Helper()
	want := strings.Join(types, " ")
	Eventually(tb, student+"'s events are "+want, func() bool { return len(r.Told(student)) >= len(want) })
	if told := r.Told(student); told != want {
		tb.Errorf("%s: told %s, want %s", student, told, want)
	}
}
