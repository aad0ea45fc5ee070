package tests

import (
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hourbank/tests/harness"
)

type (
	object = harness.Object
	events = []*harness.Told
	line   = harness.Line
	asked  = harness.Asked
)

// story is a row of the table: what Stripe told, and how it must end, in
// whatever order it was told. Endings are patterns in which * is anything and +
// is something.
type story struct {
	name     string
	sold     func(*harness.Purchase) *harness.Purchase // before the telling; nil: Stripe begins
	late     bool                                      // sold only when all was told; the events then name no purchase
	versions []harness.Version                         // in which Stripe tells such a story; nil: all
	told     func(s *harness.Teller) events
	ends     string // the student's purchases as summary has them, sorted, with "; " between
	balance  string // hours available and money; "none": the student has no account
	cases    string // kinds of the open ones, sorted
	nobodys  string // a kind of those cases that may have no student
	closed   string // a kind that opens and closes on the way when told in order
	merges   bool   // a purchase that was left with nothing, as it turned out to be another, may stay
	check    func(t *testing.T, app *harness.App, s *harness.Teller)
}

// Ways to have sold before.
var (
	tenHours      = func(p *harness.Purchase) *harness.Purchase { return p }                    // for 5000, by pi_1
	withoutIntent = func(p *harness.Purchase) *harness.Purchase { return p.WithoutIntent() }    // a session's, or an invoice's
	oneHour       = func(p *harness.Purchase) *harness.Purchase { return p.Of(100, 300) }       // 1.00 h for 300
	manyHours     = func(p *harness.Purchase) *harness.Purchase { return p.Of(12_345, 70_007) } // 123.45 h for 70007
)

// Versions by where they keep things, or what they do.
var (
	beforeBasil = []harness.Version{harness.V2020, harness.V2022, harness.V2023}
	sinceBasil  = []harness.Version{harness.VBasil, harness.V2026}
	newest      = []harness.Version{harness.V2026}
	unlisted    = []harness.Version{harness.V2023, harness.VBasil, harness.V2026} // no charges in a PaymentIntent
)

// Hours follow the money that is kept, in any order, any repeats, on both
// engines. All stories of an engine are told at once to one program.
func TestMoney(t *testing.T) {
	stories := slices.Concat(paymentStories, begunStories, refundStories, disputeStories, sessionStories, mergeStories,
		invoiceStories, lineStories, oddStories, unreadable(), keyStories)
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		app := db.Serve(t)
		sellPlans(t, db)
		db.Models(t) // opened here, it outlives every story
		t.Run("stories", func(t *testing.T) {
			for _, row := range stories {
				t.Run(row.name, func(t *testing.T) {
					t.Parallel()
					row.tellInEveryWay(t, app)
				})
			}
		})
		db.MustAudit(t)
	})
}

// sellPlans puts on sale what the stories buy.
func sellPlans(t *testing.T, db *harness.Database) {
	t.Helper()
	for id, plan := range map[string][]string{
		"hours10":   {"--hours", "10.00", "--amount", "5000", "--type", "package"},
		"monthly8":  {"--hours", "8.00", "--amount", "12000", "--type", "subscription"},
		"monthly16": {"--hours", "16.00", "--amount", "22000", "--type", "subscription"},
	} {
		db.MustRun(t, append([]string{"plans", "add", "--id", id, "--name", id, "--currency", "eur", "--stripe-price-id", "price_" + id}, plan...)...)
	}
}

// tellInEveryWay tells the story in order, reversed, and shuffled with
// repeats; each time of a fresh student, in the next version. A way that ends
// wrongly is the last one.
func (row story) tellInEveryWay(t *testing.T, app *harness.App) {
	versions := row.versions
	if versions == nil {
		versions = harness.MoneyVersions
	}
	name := fnv.New32a()
	_, _ = name.Write([]byte(row.name)) // never fails
	for i, way := range []string{"in order", "reversed", "shuffled 1", "shuffled 2", "shuffled 3"} {
		version := versions[(int(name.Sum32()%97)+i)%len(versions)]
		if !t.Run(way+" in "+string(version), func(t *testing.T) {
			chance := rand.New(rand.NewPCG(uint64(i), uint64(name.Sum32())))
			row.tell(t, app, harness.NewTeller(version), way, chance)
		}) {
			return
		}
	}
}

func (row story) tell(t *testing.T, app *harness.App, s *harness.Teller, way string, chance *rand.Rand) {
	if row.sold != nil && !row.late {
		row.sell(t, app, s)
	}
	told := slices.DeleteFunc(row.told(s), func(e *harness.Told) bool { return e == nil })
	var parked events
	arranged := arrange(told, way, chance)
	t.Cleanup(func() { explain(t, s, arranged, parked) })
	for _, e := range arranged {
		answer, err := app.Tell(e)
		if err != nil || answer.Status != http.StatusOK && answer.Status != http.StatusAccepted {
			t.Fatalf("%s was answered %d (%v): %.500s", e.Type, answer.Status, err, answer.Body)
		}
		if answer.Status == http.StatusAccepted && e.Status == "" {
			parked = append(parked, e)
		}
	}
	if row.sold != nil && row.late {
		row.sell(t, app, s)
	}
	harness.Within(t, 20*time.Second, "no event is parked that can be applied", func() bool {
		parked = slices.DeleteFunc(parked, func(e *harness.Told) bool { return fate(t, app, e).Get("status").String() != "parked" })
		return len(parked) == 0
	})
	row.compare(t, app, s, way, told)
}

// explain shows what was told where that ended wrongly.
func explain(t *testing.T, s *harness.Teller, told, parked events) {
	if !t.Failed() {
		return
	}
	var names []string
	for _, e := range told {
		name := e.Type + " " + e.ID
		if slices.Contains(parked, e) {
			name += " (parked)"
		}
		names = append(names, name)
	}
	t.Logf("of %s, purchase %q, was told:\n%s", s.Student, s.Purchase, strings.Join(names, "\n"))
}

func (row story) sell(t *testing.T, app *harness.App, s *harness.Teller) {
	s.Purchase = row.sold(harness.NewPurchase(t).For(s.Student).WithIntent(s.ID("pi_1"))).Create(app.Database).ID
}

// arrange is the order in which events are told.
func arrange(told events, way string, chance *rand.Rand) events {
	told = slices.Clone(told)
	switch way {
	case "in order":
	case "reversed":
		slices.Reverse(told)
	default:
		for _, e := range slices.Clone(told) {
			if repeat := chance.IntN(3); repeat == 0 {
				told = append(told, e)
			} else if repeat == 1 && way == "shuffled 3" {
				told = append(told, e.Again())
			}
		}
		chance.Shuffle(len(told), func(i, j int) { told[i], told[j] = told[j], told[i] })
	}
	return told
}

var anything = strings.NewReplacer(`\*`, ".*", `\+`, ".+")

func (row story) compare(t *testing.T, app *harness.App, s *harness.Teller, way string, told events) {
	want := func(what, got, pattern string) {
		if !regexp.MustCompile("^" + anything.Replace(regexp.QuoteMeta(pattern)) + "$").MatchString(got) {
			t.Errorf("%s:\n got %q\nwant %q", what, got, pattern)
		}
	}
	want("purchases", row.purchases(t, app, s), row.ends)
	want("balance", balance(t, app, s.Student), row.balance)
	want("open cases", kinds(row.openCases(t, app, s, told)), row.cases)
	for _, e := range told {
		if e.Status+e.Reason != "" {
			got := fate(t, app, e)
			want(e.Type+" became", got.Get("status").String()+" "+got.Get("reason").String(), orAny(e.Status)+" "+orAny(e.Reason))
		}
	}
	if row.closed != "" && way == "in order" {
		want("closed cases", kinds(read(t, app, "/cases/?status=closed&limit=100&student_id="+s.Student).Get("data").Array()), "*"+row.closed+"*")
	}
	if row.check != nil {
		row.check(t, app, s)
	}
}

func orAny(pattern string) string {
	if pattern == "" {
		return "*"
	}
	return pattern
}
