package law

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"hourbank/models"
	"hourbank/tests/harness"
	"hourbank/tests/law/lots"
)

const (
	databaseLives = 200 // of accounts whose hours expire
	quarter       = 25  // hundredths of an hour: all here are in quarters
	livesAtOnce   = 4
)

// Whole lives of accounts: packs and grants that expire or don't, months of a subscription
// that keep some of what was before, refunds, lessons, holds, and what undoes them, told and booked in any order, with repeats. Whenever one
// looks, of now and of times to come, the account is what a naive replay says.
func TestLivesOfAccountsThroughTheDatabase(t *testing.T) {
	for _, engine := range harness.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			db := harness.NewDatabase(t, engine)
			db.MustRun(t, "plans", "add", "--id", "monthly8", "--name", "8 hours a month", "--type", "subscription", "--hours", "8.00",
				"--amount", "12000", "--currency", "eur", "--stripe-price-id", "price_monthly8", "--rollover-hours", "2.00")
			app := db.Serve(t)
			var group errgroup.Group
			group.SetLimit(livesAtOnce)
			lives := databaseLives
			if testing.Short() {
				lives /= 4
			}
			for n := range lives {
				l := &life{
					app: app, random: rand.New(rand.NewPCG(uint64(n), 3)), months: []int64{1, 2, 3, 4},
					teller: harness.NewTeller(harness.Versions[n%len(harness.Versions)]),
					begin:  time.Now().UTC().Truncate(time.Second).Add(30 * time.Minute), booked: map[string]lots.Booking{},
				}
				l.student = l.teller.Student
				for range 3 {
					l.stock = append(l.stock, l.pack(t))
				}
				group.Go(func() error {
					if err := l.live(); err != nil {
						return fmt.Errorf("life %d: %w\n%s", n, err, strings.Join(l.story, "\n"))
					}
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				t.Error(err)
			}
			app.MustAudit(t)
		})
	}
}

// life is an account's, and what a naive model has to know of it.
type life struct {
	app     *harness.App
	random  *rand.Rand
	student string
	teller  *harness.Teller
	begin   time.Time
	story   []string

	stock  []sale // not paid yet
	paid   []sale
	months []int64        // of a subscription, not paid yet
	told   []func() error // again
	packs  []lots.Pack
	booked map[string]lots.Booking // in force, by reference
	held   []string                // those that are only held
	count  int
}

// sale is ten hours for 5000, which will end when Stripe says that they were paid.
type sale struct {
	*harness.Purchase
	place    int       // in packs, once it is paid
	came     time.Time // zero: when it is told
	days     int       // for which it is valid; 0: it never ends
	refunded int64
}

// moment is one of nine, an hour apart, four of them over.
func (l *life) moment() time.Time {
	return l.begin.Add(time.Duration(l.random.IntN(9)-4) * time.Hour)
}

// lesson is when a lesson may be.
func (l *life) lesson() time.Time {
	if l.random.IntN(6) == 0 {
		return l.begin.AddDate(0, 0, 3)
	}
	return l.moment()
}

// hours shows quarters.
func hours(quarters int64) string { return models.Hours(quarters * quarter).String() }

func (l *life) pack(t *testing.T) sale {
	t.Helper()
	s := sale{Purchase: harness.NewPurchase(t).For(l.student)}
	switch l.random.IntN(5) {
	case 0: // it never ends
	case 1:
		s.came = l.begin.AddDate(0, 0, -1)
	case 2: // it is paid as it is told
		s.days = 2
	default:
		s.days, s.came = 10, l.moment().AddDate(0, 0, -10)
	}
	if s.days > 0 {
		s.ValidFor(s.days)
	}
	s.Create(l.app.Database)
	return s
}

func (l *life) live() error {
	steps := []func() error{l.buy, l.renew, l.renew, l.grant, l.refund, l.repeat, l.book, l.book, l.book, l.undo, l.undo}
	for n := range 15 {
		step := l.buy
		if n > 0 {
			step = steps[l.random.IntN(len(steps))]
		}
		if err := errors.Join(step(), l.look()); err != nil {
			return err
		}
	}
	return nil
}

func (l *life) say(format string, args ...any) {
	l.story = append(l.story, fmt.Sprintf(format, args...))
}

func (l *life) tell(e *harness.Event) error {
	return l.deliver(func() (harness.Response, error) { return l.app.TryDeliver(e) }, func() (harness.Response, error) { return l.app.TryDeliver(e.Again()) })
}

func (l *life) deliver(first, again func() (harness.Response, error)) error {
	l.told = append(l.told, func() error { return processed(again) })
	return processed(first)
}

func processed(deliver func() (harness.Response, error)) error {
	answer, err := harness.Patiently(deliver)
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("answered %d %s", answer.Status, answer.Body)
	}
	return err
}

func (l *life) buy() error {
	if len(l.stock) == 0 {
		return nil
	}
	s := l.stock[0]
	l.stock = l.stock[1:]
	s.place = len(l.packs)
	if s.came.IsZero() {
		s.came = time.Now().UTC().Truncate(time.Second)
	}
	pack := lots.Pack{ID: s.ID, Hours: 1000 / quarter, Came: s.came}
	if s.days > 0 {
		pack.Ends = s.came.AddDate(0, 0, s.days)
	}
	l.packs = append(l.packs, pack)
	l.paid = append(l.paid, s)
	l.say("%s is paid at %s, ends %s", s.ID, s.came, pack.Ends)
	return l.tell(s.Succeeded().At(s.came.Unix() - harness.Epoch))
}

// renew pays a month of the subscription, in any order.
func (l *life) renew() error {
	if len(l.months) == 0 {
		return nil
	}
	n := l.random.IntN(len(l.months))
	month, came, keeps := l.months[n], l.begin.Add(time.Duration(-1-l.random.IntN(4))*time.Hour), int64(200/quarter)
	l.months = slices.Delete(l.months, n, n+1)
	invoice := fmt.Sprint("in_", month)
	told := l.teller.Invoice("paid", invoice, harness.Line{Price: "price_monthly8", Unit: 12_000, Amount: 12_000}).
		With("created", harness.Epoch+month).At(came.Unix() - harness.Epoch)
	pack := lots.Pack{ID: models.IDOf(l.teller.ID(invoice)), Hours: 800 / quarter, Came: came, Subscription: "sub_1", Invoiced: month}
	if month == 1 {
		told.With("billing_reason", "subscription_create")
	} else {
		pack.Keeps = &keeps
	}
	l.packs = append(l.packs, pack)
	l.say("%s is paid at %s", invoice, came)
	return l.deliver(func() (harness.Response, error) { return l.app.Tell(told) }, func() (harness.Response, error) { return l.app.Tell(told.Again()) })
}

// refund gives back all that was refunded before, and a fifth more.
func (l *life) refund() error {
	if len(l.paid) == 0 {
		return nil
	}
	s := &l.paid[l.random.IntN(len(l.paid))]
	if s.refunded == 5000 {
		return nil
	}
	s.refunded += 1000
	l.packs[s.place].Hours -= 200 / quarter
	l.say("%s is refunded by 1000", s.ID)
	return l.tell(s.ChargeRefunded(s.refunded).At(s.came.Unix() - harness.Epoch + s.refunded))
}

func (l *life) repeat() error {
	n := l.random.IntN(len(l.told))
	l.say("event %d again", n)
	return l.told[n]()
}

// ask does something under a reference, and says whether it was done.
func (l *life) ask(method, path, body string) (harness.Response, bool, error) {
	key := harness.AdminKey
	answer, err := harness.Patiently(func() (harness.Response, error) {
		return l.app.Try(method, l.path(path), body, "Authorization", "Bearer "+key)
	})
	done := answer.Status == http.StatusCreated || answer.Status == http.StatusOK
	if err == nil && !done && answer.Get("code").String() != "insufficient_hours" {
		err = fmt.Errorf("%s %s %s: answered %d %s", method, path, body, answer.Status, answer.Body)
	}
	l.say("%s %s %s: %d", method, path, body, answer.Status)
	if err == nil && done {
		err = l.answered(answer)
	}
	return answer, done, err
}

// answered wants a booking's answer to have the account as whoever asks next sees it.
func (l *life) answered(booking harness.Response) error {
	account, err := harness.Patiently(func() (harness.Response, error) {
		return l.app.Try(http.MethodGet, l.path("/balance/"), "", "Authorization", "Bearer "+harness.ReadKey)
	})
	expiry := booking.Get("account.next_expiry")
	if err != nil || (expiry.String() != "" && expiry.Time().Before(time.Now())) { // it has expired meanwhile
		return err
	}
	if answered := booking.Get("account").Raw; answered != account.Body {
		return fmt.Errorf("a booking was answered with the account as %s, which is %s", answered, account.Body)
	}
	return nil
}

func (l *life) path(under string) string { return "/api/finances/students/" + l.student + under }

func (l *life) grant() error {
	l.count++
	pack := lots.Pack{Hours: int64(2 * (1 + l.random.IntN(6)))}
	expires := ""
	if ends := l.moment(); ends.After(time.Now().Add(time.Minute)) {
		pack.Ends, expires = ends, `,"expires_at":"`+ends.Format(time.RFC3339)+`"`
	}
	answer, _, err := l.ask(http.MethodPost, "/grants/", fmt.Sprintf(`{"hours":"%s","reason":"gift","reference":"g%d"%s}`, hours(pack.Hours), l.count, expires))
	pack.ID, pack.Came = answer.Get("id").String(), answer.Get("created_at").Time()
	l.packs = append(l.packs, pack)
	return err
}

// book holds or books up to five hours for a lesson; what is refused must be more
// than what is left at that time.
func (l *life) book() error {
	l.count++
	reference, booked, lesson := fmt.Sprint("r", l.count), int64(1+l.random.IntN(20)), l.lesson()
	kind := []string{"/holds/", "/consumptions/"}[l.random.IntN(2)]
	answer, done, err := l.ask(http.MethodPost, kind, fmt.Sprintf(`{"hours":"%s","reference":"%s","lesson_at":"%s"}`, hours(booked), reference, lesson.Format(time.RFC3339)))
	if err != nil {
		return err
	}
	if room := lots.Replay(l.packs, l.bookings()).Available(lesson); (room >= booked) != done {
		return fmt.Errorf("%d quarters are left at %s, and %d were booked: %t", room, lesson, booked, done)
	}
	if done {
		l.booked[reference] = lots.Booking{Hours: booked, At: lesson, BookedAt: answer.Get("created_at").Time()}
		if kind == "/holds/" {
			l.held = append(l.held, reference)
		}
	}
	return nil
}

// undo gives a lesson back, or captures or releases a hold.
func (l *life) undo() error {
	if len(l.booked) == 0 {
		return nil
	}
	references := slices.Sorted(maps.Keys(l.booked))
	reference := references[l.random.IntN(len(references))]
	place := slices.Index(l.held, reference)
	if place < 0 {
		delete(l.booked, reference)
		_, _, err := l.ask(http.MethodDelete, "/consumptions/"+reference+"/", "")
		return err
	}
	l.held = slices.Delete(l.held, place, place+1)
	b := l.booked[reference]
	if l.random.IntN(3) == 0 {
		delete(l.booked, reference)
		_, _, err := l.ask(http.MethodDelete, "/holds/"+reference+"/", "")
		return err
	}
	b.Hours -= l.random.Int64N(b.Hours)
	l.booked[reference] = b
	_, _, err := l.ask(http.MethodPost, "/holds/"+reference+"/capture/", `{"hours":"`+hours(b.Hours)+`"}`)
	return err
}

func (l *life) bookings() []lots.Booking {
	return slices.SortedFunc(maps.Values(l.booked), func(a, b lots.Booking) int { return a.BookedAt.Compare(b.BookedAt) })
}

// look compares what the account says of now and of a time to come.
func (l *life) look() error {
	for _, query := range []string{"", "?at=" + url.QueryEscape(l.begin.Add(time.Duration(l.random.IntN(5))*time.Hour).Format(time.RFC3339))} {
		at := time.Now()
		if query != "" {
			values, err := url.ParseQuery(query[1:])
			if err != nil {
				return err
			}
			if at, err = time.Parse(time.RFC3339, values.Get("at")); err != nil || at.Before(time.Now()) {
				continue
			}
		}
		answer, err := harness.Patiently(func() (harness.Response, error) {
			return l.app.Try(http.MethodGet, l.path("/balance/"+query), "", "Authorization", "Bearer "+harness.ReadKey)
		})
		if err != nil {
			return err
		}
		available := lots.Replay(l.packs, l.bookings()).Available(at)
		if got, want := answer.Get("hours_available").String(), hours(available); got != want {
			return fmt.Errorf("at %s %s are available, a naive replay says %s: %s", at, got, want, answer.Body)
		}
	}
	return nil
}
