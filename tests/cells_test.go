package tests

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

// cell is one Hourbank of several in one PostgreSQL database.
type cell struct {
	*harness.App
	secret string // of its webhook
	key    string // of its API
}

// Two cells, made as docs/scaling.md says, word by word: two schemas of one database, two
// programs. Stripe tells both of the same ids, and neither sees what the other has.
func TestTwoCellsInOneDatabase(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("psql"); err != nil {
		t.Skip("no psql on this machine: apt-get install postgresql-client")
	}
	db := harness.NewEmptyDatabase(t, database.Postgres)
	first, second := newCell(t, db), newCell(t, db)
	first.MustRun(t, "plans", "add", "--id", "pack", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
	second.MustRun(t, "plans", "add", "--id", "pack", "--name", "4 hours", "--hours", "4.00", "--amount", "5000", "--currency", "usd")

	first.pay(t, "eur").Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "duplicate": "false"})
	second.pay(t, "usd").Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "duplicate": "false"})
	first.pay(t, "eur").Want(t, http.StatusOK).WantFields(t, fields{"duplicate": "true"})
	first.lesson(t, "9.00").Want(t, http.StatusCreated)
	second.lesson(t, "9.00").WantProblem(t, http.StatusConflict, "insufficient_hours")
	second.lesson(t, "1.00").Want(t, http.StatusCreated)

	first.wantBalance(t, fields{"hours_available": "1.00", "currency": "eur"})
	second.wantBalance(t, fields{"hours_available": "3.00", "currency": "usd"})
	for _, c := range []cell{first, second} {
		c.MustAudit(t)
		if n := c.Count(t, "SELECT count(*) FROM webhook_events"); n != 1 {
			t.Errorf("a cell has %d events, want its own one", n)
		}
	}
	wantApart(t, first, second)
	wantApart(t, second, first)
}

// wantApart wants the one's secrets, key and role to be nothing to the other.
func wantApart(t *testing.T, one, other cell) {
	t.Helper()
	body := paymentOfCell(t, "eur").Body()
	other.Request(t, http.MethodPost, harness.WebhookPath, body, "Stripe-Signature", harness.Sign(body, one.secret)).
		WantProblem(t, http.StatusBadRequest, "invalid_signature")
	other.As(t, one.key, http.MethodGet, api+"/students/anna/balance/").Want(t, http.StatusUnauthorized)
	var schema string
	if err := other.SQL(t).QueryRowContext(t.Context(), "SELECT current_schema()").Scan(&schema); err != nil {
		t.Fatal(err)
	}
	if _, err := one.SQL(t).ExecContext(t.Context(), "SELECT FROM "+schema+".webhook_events"); err == nil {
		t.Error("a cell's role reads another cell's tables")
	}
}

// A cell of a schema that Citus distributes as a whole. As docs/scaling.md says, this
// version is not expected to pass.
func TestACellOnCitus(t *testing.T) {
	t.Parallel()
	address := os.Getenv("CITUS_URL")
	if address == "" {
		t.Skip("no CITUS_URL, of a superuser in a database with the extension citus")
	}
	db := &harness.Database{Engine: database.Postgres, URL: address}
	schema := "hourbank_" + harness.RandomName()
	db.Exec(t, "CREATE SCHEMA "+schema)
	db.Exec(t, "SELECT citus_schema_distribute('"+schema+"')")
	db.Finally(t, "DROP SCHEMA "+schema+" CASCADE")
	c := cell{App: db.With("search_path=" + schema).Serve(t), secret: harness.WebhookSecret, key: harness.WriteKey}
	c.MustRun(t, "plans", "add", "--id", "pack", "--name", "10 hours", "--hours", "10.00", "--amount", "5000", "--currency", "eur")
	c.pay(t, "eur").Want(t, http.StatusOK).WantFields(t, fields{"status": "processed", "duplicate": "false"})
	c.lesson(t, "9.00").Want(t, http.StatusCreated)
	c.wantBalance(t, fields{"hours_available": "1.00", "currency": "eur"})
	c.MustAudit(t)
}

// newCell follows the page, and serves the cell with secrets of its own.
func newCell(t *testing.T, db *harness.Database) cell {
	t.Helper()
	name, password := "hourbank_"+harness.RandomName(), harness.RandomName()
	db.Finally(t, fmt.Sprintf("DROP OWNED BY %s_serve, %[1]s; DROP ROLE %[1]s_serve, %[1]s", name))
	serve := harness.RandomName()
	file := t.TempDir() + "/serve"
	if err := os.WriteFile(file, []byte(serve), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, commands := range harness.Commands(t, "scaling.md", "Making a cell") {
		harness.RunSh(t, map[string]string{
			"ADMIN_URL": db.URL, "CELL": name, "CELL_URL": db.As(name, password).URL, "CELL_PASSWORD": password, "SERVE_PASSWORD_FILE": file,
		}, commands)
	}
	c := cell{secret: "whsec_" + harness.RandomName() + harness.RandomName(), key: harness.RandomName() + harness.RandomName()}
	c.App = db.As(name+"_serve", serve).Serve(t, "STRIPE_WEBHOOK_SECRET="+c.secret, "API_KEYS=cell:write:"+c.key)
	return c
}

// paymentOfCell is the same event, but for its currency, in each cell.
func paymentOfCell(t *testing.T, currency string) *harness.Event {
	t.Helper()
	return harness.NewEvent(t, "payment_intent.succeeded", "payment_intent").Named("evt_of_both").
		Set("id", "pi_of_both").Set("status", "succeeded").Set("amount", 5000).Set("amount_received", 5000).Set("currency", currency).
		Set("metadata", map[string]any{"student_id": "anna", "plan": "pack"})
}

func (c cell) pay(t *testing.T, currency string) harness.Response {
	t.Helper()
	body := paymentOfCell(t, currency).Body()
	return c.Request(t, http.MethodPost, harness.WebhookPath, body, "Stripe-Signature", harness.Sign(body, c.secret))
}

func (c cell) lesson(t *testing.T, hours string) harness.Response {
	t.Helper()
	return c.Post(t, c.key, api+"/students/anna/consumptions/", `{"hours":"`+hours+`","reference":"lesson `+hours+`"}`)
}

func (c cell) wantBalance(t *testing.T, want map[string]string) {
	t.Helper()
	c.As(t, c.key, http.MethodGet, api+"/students/anna/balance/").Want(t, http.StatusOK).WantFields(t, want)
}
