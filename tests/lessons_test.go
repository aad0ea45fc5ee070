package tests

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"hourbank/tests/harness"
)

// Lessons that arrive at the same time share transactions: each is booked once, as long
// as there are hours, whoever else books, and whatever their accounts have.
func TestLessonsAtOnceAreEachBookedOnce(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		const students, references, repeats = 6, 20, 3
		type asked struct{ student, reference int }
		var orders []asked
		for student := range students {
			ends := ""
			if student%2 == 0 {
				ends = `,"expires_at":"2199-01-01T00:00:00Z"`
			}
			path := fmt.Sprintf("%s/students/student_%d/grants/", api, student)
			app.Post(t, harness.AdminKey, path, `{"hours":"10.00","reason":"trial","reference":"trial"`+ends+`}`).Want(t, http.StatusCreated)
			for n := range references * repeats {
				orders = append(orders, asked{student, n % references})
			}
		}
		rand.Shuffle(len(orders), func(i, j int) { orders[i], orders[j] = orders[j], orders[i] })
		var booked [students]atomic.Int64
		var group errgroup.Group
		group.SetLimit(64)
		for _, o := range orders {
			group.Go(func() error {
				answer, err := harness.Patiently(func() (harness.Response, error) {
					return app.Try(http.MethodPost, fmt.Sprintf("%s/students/student_%d/consumptions/", api, o.student),
						fmt.Sprintf(`{"hours":"1.00","reference":"lesson_%d"}`, o.reference), "Authorization", "Bearer "+harness.WriteKey)
				})
				switch {
				case err != nil:
					return err
				case answer.Status == http.StatusCreated:
					booked[o.student].Add(1)
				case answer.Status != http.StatusOK && answer.Get("code").String() != "insufficient_hours":
					return fmt.Errorf("answered %d %s", answer.Status, answer.Body)
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		for student := range students {
			name := fmt.Sprint("student_", student)
			if n := booked[student].Load(); n != 10 {
				t.Errorf("%d lessons of %s were booked, want 10", n, name)
			}
			app.WantBalance(t, name, fields{"hours_available": "0.00", "hours_consumed": "10.00"})
		}
		app.MustAudit(t)
	})
}
