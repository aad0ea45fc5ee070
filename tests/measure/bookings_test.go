package measure

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"hourbank/bench"
	"hourbank/tests/harness"
)

// TestBookings books lessons with 64 clients on 1,000 students, and sends events, of
// students whose hours never expire in turns with others whose all do; then on a student
// with ten old lessons, in turns with one who has ten thousand.
func TestBookings(t *testing.T) {
	asked(t, "bookings")
	const rounds = 5
	cluster := harness.NewDurableCluster(t)
	schools := []*school{newSchool(t, cluster.NewDatabase(t), ""), newSchool(t, cluster.NewDatabase(t), `,"expires_at":"2199-01-01T00:00:00Z"`)}
	schools[1].db.Exec(t, "CREATE FUNCTION live_a_month() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.valid_days := 30; RETURN NEW; END'")
	schools[1].db.Exec(t, "CREATE TRIGGER live_a_month BEFORE INSERT ON purchase_transactions FOR EACH ROW EXECUTE FUNCTION live_a_month()")
	for round := range rounds { // in turns, because others use the machine too
		for _, s := range schools {
			t.Logf("round %d of %d", round+1, rounds)
			s.events, s.lessons = append(s.events, load(t, s.db).Results[0]), append(s.lessons, s.many(t))
		}
	}
	for _, s := range schools {
		s.old(t, "young", 10)
		s.old(t, "old", 10_000)
		for range rounds {
			s.afterTen, s.afterMany = append(s.afterTen, s.one(t, "young", 40)...), append(s.afterMany, s.one(t, "old", 40)...)
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| students' hours | events/s, 64 clients | lessons/s, 64 clients on 1,000 students | one client's median lesson after 10 | after 10,000 |\n|---|---|---|---|---|\n")
	for i, s := range schools {
		slices.Sort(s.lessons)
		slices.Sort(s.afterTen)
		slices.Sort(s.afterMany)
		fmt.Fprintf(&table, "| %s | %.0f | %.0f | %.2f ms | %.2f ms |\n", []string{"never expire", "expire"}[i],
			middleOf(s.events, func(r bench.Result) float64 { return r.PerSecond }), s.lessons[rounds/2], s.afterTen[len(s.afterTen)/2], s.afterMany[len(s.afterMany)/2])
	}
	record(t, "bookings", table.String())
}

// school is a service with students who have hours for as many lessons as are booked.
type school struct {
	*harness.App
	db                           *harness.Database
	students                     []string
	events                       []bench.Result
	lessons, afterTen, afterMany []float64
}

// newSchool grants hours; ends is of the requests' JSON.
func newSchool(t *testing.T, db *harness.Database, ends string) *school {
	t.Helper()
	s := &school{App: db.Serve(t), db: db, students: make([]string, 1000)}
	for i := range s.students {
		s.students[i] = fmt.Sprint("student_", i)
	}
	for _, student := range append([]string{"young", "old"}, s.students...) {
		s.Post(t, harness.AdminKey, "/api/finances/students/"+student+"/grants/",
			`{"hours":"9999999.00","reason":"measure","reference":"m"`+ends+`}`).Want(t, http.StatusCreated)
	}
	return s
}

// book books a lesson of a hundredth of an hour.
func (s *school) book(student string) error {
	answer, err := s.Try(http.MethodPost, "/api/finances/students/"+student+"/consumptions/",
		fmt.Sprintf(`{"hours":"0.01","reference":"lesson_%d"}`, rand.Uint64()), "Authorization", "Bearer "+harness.WriteKey)
	if err == nil && answer.Status != http.StatusCreated {
		err = fmt.Errorf("answered %d %s", answer.Status, answer.Body)
	}
	return err
}

// many gives how many lessons a second 64 clients book, in five seconds.
func (s *school) many(t *testing.T) float64 {
	t.Helper()
	const clients, duration = 64, 5 * time.Second
	booked := make([]int, clients)
	begin := time.Now()
	var group errgroup.Group
	for i := range clients {
		group.Go(func() error {
			for time.Since(begin) < duration {
				if err := s.book(s.students[rand.IntN(len(s.students))]); err != nil {
					return err
				}
				booked[i]++
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, n := range booked {
		sum += n
	}
	return float64(sum) / time.Since(begin).Seconds()
}

// old gives a student so many lessons from before.
func (s *school) old(t *testing.T, student string, lessons int) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(16)
	for range lessons {
		group.Go(func() error { return s.book(student) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// one gives how long each of so many lessons took, one after the other, in milliseconds.
func (s *school) one(t *testing.T, student string, lessons int) []float64 {
	t.Helper()
	took := make([]float64, lessons)
	for i := range took {
		begin := time.Now()
		if err := s.book(student); err != nil {
			t.Fatal(err)
		}
		took[i] = float64(time.Since(begin).Microseconds()) / 1000
	}
	return took
}
