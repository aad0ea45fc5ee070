package telling

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"
)

// The law: any order and any repeats end the same.
func TestAnyOrderAndAnyRepeatsEndTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := DrawWith(t, All|Shared, "")
		want := Expect(h, h.Events)
		for range 3 {
			shuffled := Tell(t, h)
			if got := Expect(h, shuffled); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s\nin order %+v\nshuffled %+v", h, want, got)
			}
		}
	})
}

// Where everything was told, and nothing leaves open what it means, the model
// knows what the simulation knows.
func TestWhereAllIsToldTheModelKnowsWhatStripeKnows(t *testing.T) {
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		s := simulate(t, All&^Omissions, "")
		h := s.history()
		if s.cut {
			return
		}
		got := Expect(h, h.Events)
		for _, truth := range s.truths {
			if truth.vague {
				continue
			}
			p := find(got, truth.anchor)
			if p == nil {
				if truth.kept() != 0 {
					t.Fatalf("%s\nno purchase of %s; Stripe kept %d\n%+v", h, truth.anchor, truth.kept(), got)
				}
				continue
			}
			compared++
			if p.Kept != truth.kept() {
				t.Fatalf("%s\n%s: kept %d, Stripe knows %d\n%+v", h, truth.anchor, p.Kept, truth.kept(), got)
			}
		}
	})
	t.Logf("%d purchases compared", compared)
}

func find(o Outcome, anchor string) *Purchase {
	for i, p := range o.Purchases {
		if p.ID == anchor && anchor != "" || slices.Contains(p.Keys, anchor) {
			return &o.Purchases[i]
		}
	}
	return nil
}

// What must hold of any outcome.
func TestEveryOutcomeIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Draw(t)
		got := Expect(h, h.Events)
		owner := map[string]bool{}
		for _, p := range got.Purchases {
			fail := func(what string) { t.Fatalf("%s\n%s: %+v", h, what, p) }
			for _, key := range p.Keys {
				if owner[key] {
					fail("a key of two purchases")
				}
				owner[key] = true
			}
			switch {
			case p.StudentID == "":
				fail("nobody's")
			case p.Received-p.Refunded-p.Disputed != p.Kept:
				fail("money doesn't add up")
			case min(p.Received, p.Refunded, p.Disputed, p.Kept, p.Due) < 0:
				fail("negative money")
			case p.HoursCredited != 0 && p.HoursCredited != p.Hours:
				fail("credited in part")
			case p.HoursReversed < 0 || p.HoursReversed > p.HoursCredited:
				fail("reversed too much")
			case p.HoursCredited > 0 && p.Kept >= p.Due && p.HoursReversed != 0:
				fail("all is kept and hours are gone")
			case p.HoursCredited > 0 && p.Due > 0 && p.Kept == 0 && p.HoursReversed != p.HoursCredited:
				fail("nothing is kept and hours are left")
			}
		}
	})
}

// TestStatistics prints with -v how often what occurs.
func TestStatistics(t *testing.T) {
	if testing.Short() {
		t.Skip("it only prints")
	}
	const histories = 10_000
	counts := map[string]int{}
	random := rand.New(rand.NewPCG(1, 2))
	generator := rapid.Custom(Draw)
	for range histories {
		h := generator.Example(int(random.Int32()))
		seen := map[string]bool{}
		for _, tag := range h.Tags {
			seen["tag    "+tag] = true
		}
		got := Expect(h, h.Events)
		for _, p := range got.Purchases {
			seen["status "+p.Status] = true
			for _, c := range p.Cases {
				seen["case   "+c.Kind] = true
			}
			if p.HoursReversed > 0 && p.HoursReversed < p.HoursCredited {
				seen["hours  reversed in part"] = true
			}
			if p.Due != p.Price {
				seen["due    differs from the price"] = true
			}
			if p.ID == "" {
				seen["begun by Stripe"] = true
			}
		}
		if len(got.Unmatched) > 0 {
			seen["unmatched"] = true
		}
		if len(got.Unexplained) > 0 {
			seen["unexplained"] = true
		}
		if len(got.Adjustments) > 0 {
			seen["adjustment"] = true
		}
		seen[fmt.Sprintf("length %2d–%2d", len(h.Events)/5*5, len(h.Events)/5*5+4)] = true
		for what := range seen {
			counts[what]++
		}
	}
	var names []string
	for name := range counts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Logf("%6d %s", counts[name], name)
	}
}

// String shows a history to people.
func TestHistoriesShowThemselves(t *testing.T) {
	h := rapid.Custom(Draw).Example(7)
	if len(h.Events) != len(h.Note) || !strings.Contains(h.String(), "evt_1") {
		t.Fatal(h)
	}
	for _, e := range h.Events {
		if !gjson.Valid(e) {
			t.Fatal(e)
		}
	}
}
