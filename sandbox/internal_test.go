package sandbox

import (
	"net/url"
	"reflect"
	"testing"
)

// TestHeldUntilOvertaken shows that a reordered webhook goes once a later one
// was sent, and no earlier one lets it go.
func TestHeldUntilOvertaken(t *testing.T) {
	s := New(Config{})
	to := newEndpoint(Endpoint{URL: "http://127.0.0.1:1"}, 0)
	event := func(number int) *event { return &event{number: number} }
	s.within(func(st *state) {
		st.chaos = Chaos{Reorder: 1}
		c := s.newCall(st)
		held := c.upset(event(2), to)[0]
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
		s := New(Config{})
		to := newEndpoint(Endpoint{}, 0)
		s.within(func(st *state) {
			_ = st.keepChaos(Chaos{Duplicate: 0.3, Drop: 0.3, Reorder: 0.3, DelayMS: 10, Seed: 42})
			for range 50 {
				for _, d := range s.newCall(st).upset(&event{}, to) {
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

func TestDifferences(t *testing.T) {
	before := map[string]any{"same": 1, "was": "a", "gone": true, "deep": map[string]any{"x": 1, "y": 2}, "list": []any{1}}
	after := map[string]any{"same": 1, "was": "b", "new": 5, "deep": map[string]any{"x": 1, "y": 3}, "list": []any{1, 2}}
	want := map[string]any{"was": "a", "gone": true, "new": nil, "deep": map[string]any{"y": 2}, "list": []any{1}}
	if got := differences(before, after); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestForm(t *testing.T) {
	f, err := newForm(url.Values{
		"amount": {"12"}, "metadata[a]": {"1"}, "metadata[b]": {""}, "expand[]": {"x", "y"},
		"items[0][price]": {"p0"}, "items[1][price]": {"p1"}, "confirm": {"maybe"}, "limit": {"ten"},
	}, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	if n := f.number("amount", 0); n != 12 {
		t.Errorf("amount: %d", n)
	}
	if got, want := f.metadata(map[string]string{"b": "2", "c": "3"}), map[string]string{"a": "1", "c": "3"}; !reflect.DeepEqual(got, want) {
		t.Errorf("metadata: %v", got)
	}
	if got := f.texts("expand"); !reflect.DeepEqual(got, []string{"x", "y"}) {
		t.Errorf("expand: %v", got)
	}
	if items := f.elements("items"); len(items) != 2 || items[1].text("price") != "p1" {
		t.Errorf("items: %v", items)
	}
	f.flag("confirm", false)
	f.number("limit", 0)
	if err := f.end(); err == nil || err.Error() != "Invalid boolean: maybe" {
		t.Errorf("the first mistake: %v", err)
	}
}
