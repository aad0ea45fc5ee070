package tests

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

func TestTheConsoleSendsEventsAgain(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		r, refuse := refusing(t)
		app := db.Serve(t, r.Settings()...)
		for _, student := range []string{"student_1", "student_2"} {
			app.MustProcess(t, harness.NewPurchase(t).For(student).Create(db).Succeeded())
		}
		harness.Eventually(t, "one was tried", func() bool {
			return db.Count(t, "SELECT count(*) FROM event_deliveries WHERE last_error = 'answered 418' AND ordered_by = 'student_1'") == 1
		})
		v := visit(t, app, harness.AdminKey)
		list := v.open(t, "/console/deliveries/?student=student_1&status=due&type=purchase.completed").Body
		wantContains(t, list, "answered 418", "student_1", "purchase.<wbr>completed")
		wantNone(t, list, "student_2", "hours.<wbr>credited")
		v.open(t, "/console/deliveries/?status=odd").Want(t, http.StatusBadRequest)
		wantContains(t, v.open(t, "/console/students/student_1/").Body, "/console/deliveries/?student=student_1")

		// Nobody waits for the next attempt: it is given up, as after three days.
		db.Exec(t, "UPDATE event_deliveries SET failed_at = created_at, next_attempt_at = NULL")
		refuse.Store(false)
		id := gjson.Get(db.MustRun(t, "deliveries", "list", "--student", "student_1", "--type", "purchase.completed", "--json"), "data.0.id").String()
		page := "/console/deliveries/" + id + "/"
		wantContains(t, v.open(t, page).Body, "answered 418", "Given up", r.URL, "transaction_id")
		asked := v.open(t, page+"retry/")
		wantContains(t, asked.Body, "is sent to "+r.URL, "Send it again")
		form := url.Values{"since": {regexp.MustCompile(`name="since" value="([^"]+)"`).FindStringSubmatch(asked.Body)[1]}}
		v.post(t, page+"retry/", form).Want(t, http.StatusSeeOther)
		r.WantTold(t, "student_1", "purchase.completed")
		wantContains(t, v.post(t, page+"retry/", form).Want(t, http.StatusSeeOther).Header.Get("Location"), "done=before")
		v.post(t, page+"retry/", url.Values{}).Want(t, http.StatusBadRequest)
		v.post(t, "/console/deliveries/nothing/retry/", form).Want(t, http.StatusNotFound)
		v.open(t, "/console/deliveries/nothing/").Want(t, http.StatusNotFound)
		visit(t, app, harness.ReadKey).post(t, page+"retry/", form).Want(t, http.StatusForbidden)
		wantContains(t, v.open(t, "/console/audit-log/?action=delivery_retried").Body, page, "boss")
		app.As(t, harness.AdminKey, http.MethodGet, api+"/audit-log/?action=delivery_retried").WantFields(t, fields{"data.#": "1", "data.0.subject": id})
		r.WantTold(t, "student_1", "purchase.completed")
	})
}
