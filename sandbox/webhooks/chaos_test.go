package webhooks

import (
	"reflect"
	"testing"
	"time"

	"hourbank/sandbox/api"
)

// TestHeldUntilOvertaken shows that a reordered webhook goes once a later one
// was sent, and no earlier one lets it go.
func TestHeldUntilOvertaken(t *testing.T) {
	s := (&Webhooks{}).Serve(api.NewStore(time.Now, 0))
	to := newEndpoint(Endpoint{URL: "http://127.0.0.1:1"}, "we_1")
	event := func(number int) *api.Event { return &api.Event{Number: number} }
	s.store.Within(func() {
		s.Chaos = Chaos{Reorder: 1}
		held := s.upset(event(2), to)[0]
		let := func() bool {
			select {
			case <-held.overtaken:
				return true
			default:
				return false
			}
		}
		to.letOvertake(newDelivery(event(1), to))
		if let() {
			t.Error("an earlier event let it go")
		}
		to.letOvertake(newDelivery(event(3), to))
		if !let() {
			t.Error("a later event did not let it go")
		}
		if len(to.held) != 0 {
			t.Error("it is still held")
		}
	})
}

// TestSameSeedSameChaos shows that chaos can be repeated.
func TestSameSeedSameChaos(t *testing.T) {
	decisions := func() (all []string) {
		s := (&Webhooks{}).Serve(api.NewStore(time.Now, 0))
		to := newEndpoint(Endpoint{}, "we_1")
		s.store.Within(func() {
			_ = s.SetChaos(Chaos{Duplicate: 0.3, Drop: 0.3, Reorder: 0.3, DelayMS: 10, Seed: 42})
			for range 50 {
				for _, d := range s.upset(&api.Event{}, to) {
					all = append(all, d.Chaos+d.delay.String())
				}
			}
		})
		return all
	}
	if first, again := decisions(), decisions(); !reflect.DeepEqual(first, again) {
		t.Errorf("got %v, then %v", first, again)
	}
}
