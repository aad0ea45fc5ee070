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

// TestBookings books lessons with 64 clients on 1,000 students, in turns with events,
// whose hours never expire and whose all do; then on a student with ten old lessons, in
// turns with one who has ten thousand.
func TestBookings(t *testing.T) {
	asked(t, "bookings")
	const rounds = 5
	cluster := harness.NewDurableCluster(t)
	var table strings.Builder
	fmt.Fprintf(&table, "| students' hours | lessons/s, 64 clients on 1,000 students | events/s in the same run | one client's median lesson after 10 | after 10,000 |\n|---|---|---|---|---|\n")
	for _, kind := range []struct{ name, ends string }{{"never expire", ""}, {"expire", `,"expires_at":"2199-01-01T00:00:00Z"`}} {
		db := cluster.NewDatabase(t)
		b := booker{db.Serve(t)}
		students := make([]string, 1000)
		for i := range students {
			students[i] = fmt.Sprint("student_", i)
			b.grant(t, students[i], kind.ends)
		}
		var lessons []float64
		var events []bench.Result
		for range rounds { // in turns, because others use the machine too
			events, lessons = append(events, load(t, db).Results[0]), append(lessons, b.many(t, students))
		}
		b.grant(t, "young", kind.ends)
		b.grant(t, "old", kind.ends)
		b.old(t, "young", 10)
		b.old(t, "old", 10_000)
		var young, old []float64
		for range rounds {
			young, old = append(young, b.one(t, "young", 40)...), append(old, b.one(t, "old", 40)...)
		}
		slices.Sort(lessons)
		slices.Sort(young)
		slices.Sort(old)
		fmt.Fprintf(&table, "| %s | %.0f | %.0f | %.2f ms | %.2f ms |\n", kind.name, lessons[rounds/2],
			middleOf(events, func(r bench.Result) float64 { return r.PerSecond }), young[len(young)/2], old[len(old)/2])
	}
	record(t, "bookings", table.String())
}

type booker struct{ *harness.App }

func (b booker) grant(t *testing.T, student, ends string) {
	t.Helper()
	b.Post(t, harness.AdminKey, "/api/finances/students/"+student+"/grants/", `{"hours":"9999999.00","reason":"measure","reference":"m"`+ends+`}`).Want(t, http.StatusCreated)
}

// book books a lesson of a hundredth of an hour.
func (b booker) book(student string) error {
	answer, err := b.Try(http.MethodPost, "/api/finances/students/"+student+"/consumptions/",
		fmt.Sprintf(`{"hours":"0.01","reference":"lesson_%d"}`, rand.Uint64()), "Authorization", "Bearer "+harness.WriteKey)
	if err == nil && answer.Status != http.StatusCreated {
		err = fmt.Errorf("answered %d %s", answer.Status, answer.Body)
	}
	return err
}

// many gives how many lessons a second 64 clients book, in five seconds.
func (b booker) many(t *testing.T, students []string) float64 {
	t.Helper()
	const clients, duration = 64, 5 * time.Second
	booked := make([]int, clients)
	begin := time.Now()
	var group errgroup.Group
	for i := range clients {
		group.Go(func() error {
			for time.Since(begin) < duration {
				if err := b.book(students[rand.IntN(len(students))]); err != nil {
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
func (b booker) old(t *testing.T, student string, lessons int) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(16)
	for range lessons {
		group.Go(func() error { return b.book(student) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// one gives how long each of so many lessons took, one after the other, in milliseconds.
func (b booker) one(t *testing.T, student string, lessons int) []float64 {
	t.Helper()
	took := make([]float64, lessons)
	for i := range took {
		begin := time.Now()
		if err := b.book(student); err != nil {
			t.Fatal(err)
		}
		took[i] = float64(time.Since(begin).Microseconds()) / 1000
	}
	return took
}
