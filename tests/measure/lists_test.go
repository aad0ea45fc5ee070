package measure

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"hourbank/database"
	"hourbank/services"
	"hourbank/services/paging"
	"hourbank/services/sales"
	"hourbank/tests/harness"
)

const api = "/api/finances"

// lists are all lists, with each way to narrow them down.
var lists = []string{
	"/purchases/?", "/purchases/?student_id=student_00000002", "/purchases/?payment_status=completed", "/purchases/?payment_status=pending",
	"/purchases/?payment_status=disputed", "/purchases/?student_id=student_00000002&payment_status=completed",
	"/purchases/?created_to=2025-12-01", "/students/?", "/students/?created_to=2025-12-01",
	"/students/student_00000002/ledger/?", "/events/?", "/events/?status=rejected", "/events/?status=processed",
	"/events/?type=charge.refunded", "/events/?status=rejected&type=payment_intent.succeeded",
}

// TestLists compares a page of each list, the first, one in the middle and
// the last, at a million purchases and three million ledger rows with the
// first page at a thousand purchases.
func TestLists(t *testing.T) {
	asked(t, "lists")
	cluster := harness.NewDurableCluster(t)
	small, large := cluster.NewDatabase(t), cluster.NewDatabase(t)
	fill(t, small, 1000)
	fill(t, large, 1_000_000)
	few, many := small.Serve(t), large.Serve(t)
	var table strings.Builder
	fmt.Fprintf(&table, "| list | first page of 1,000 | first | middle | last page of 1,000,000 | worst ratio |\n|---|---|---|---|---|---|\n")
	for _, list := range lists {
		base := median(t, few, list)
		times := []time.Duration{median(t, many, list), median(t, many, list+cursor("2025-01-01")), median(t, many, list+cursor("2024-01-02"))}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s | %.1f |\n", strings.TrimSuffix(list, "?"), millis(base),
			millis(times[0]), millis(times[1]), millis(times[2]), float64(slices.Max(times))/float64(base))
	}
	record(t, "lists", table.String()+"\n"+plans(t, large))
}

// cursor stands in the middle of a list, as its own would.
func cursor(day string) string {
	return "&cursor=" + base64.RawURLEncoding.EncodeToString([]byte(`{"t":"`+day+`T00:00:00Z","i":"x"}`))
}

// median is how long a page of twenty takes, through HTTP.
func median(t *testing.T, app *harness.App, list string) time.Duration {
	t.Helper()
	took := make([]time.Duration, 31)
	for i := range took {
		start := time.Now()
		page, err := app.Try("GET", api+list, "", "Authorization", "Bearer "+harness.ReadKey)
		if err != nil || page.Status != http.StatusOK {
			t.Fatalf("%s: %v %d %s", list, err, page.Status, page.Body)
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[len(took)/2]
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }

var planned = regexp.MustCompile(`(?:Index(?: Only)? Scan|Seq Scan)[^(]*`)

// plans shows how PostgreSQL reads the last page of each list, in a session
// like the service's own. A sequential scan fails the measurement.
func plans(t *testing.T, db *harness.Database) string {
	t.Helper()
	var out strings.Builder
	out.WriteString("How PostgreSQL reads the last page of each (`EXPLAIN`, in a session of the service's own settings):\n\n```\n")
	explained := explainer(t, db)
	s := sales.NewPurchaseService(explained.db)
	page := paging.PageRequest{Limit: 20, Cursor: strings.TrimPrefix(cursor("2024-01-02"), "&cursor=")}
	for _, status := range []string{"", "completed", "pending", "disputed"} {
		_, err := s.List(t.Context(), sales.PurchaseFilter{Status: status}, page)
		fmt.Fprintf(&out, "purchases, payment_status %-10q %s\n", status, explained.last(t, err))
	}
	_, err := s.List(t.Context(), sales.PurchaseFilter{StudentID: "student_00000002", Status: "completed"}, page)
	fmt.Fprintf(&out, "purchases of a student, completed      %s\n", explained.last(t, err))
	_, err = sales.NewAccountService(explained.db).Ledger(t.Context(), "student_00000002", page)
	fmt.Fprintf(&out, "ledger of a student                    %s\n", explained.last(t, err))
	events := services.NewEventService(explained.db, nil, nil)
	for _, of := range [][2]string{{"", ""}, {"rejected", ""}, {"processed", ""}, {"", "charge.refunded"}, {"rejected", "payment_intent.succeeded"}} {
		_, err := events.List(t.Context(), of[0], of[1], page)
		fmt.Fprintf(&out, "events, status %-11q type %-26q %s\n", of[0], of[1], explained.last(t, err))
	}
	out.WriteString("```\n")
	return out.String()
}

// explaining notes the statements that services send.
type explaining struct {
	db         *database.DB
	statements []string
}

func explainer(t *testing.T, db *harness.Database) *explaining {
	t.Helper()
	e := &explaining{db: db.Models(t)}
	err := e.db.Reader.Callback().Query().After("gorm:query").Register("explain", func(tx *gorm.DB) {
		e.statements = append(e.statements, tx.Explain(tx.Statement.SQL.String(), tx.Statement.Vars...))
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// last is the scans of the last statement, which err came of.
func (e *explaining) last(t *testing.T, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	if err := e.db.Reader.Raw("EXPLAIN " + e.statements[len(e.statements)-1]).Scan(&lines).Error; err != nil {
		t.Fatal(err)
	}
	scans := planned.FindAllString(strings.Join(lines, "\n"), -1)
	for i, scan := range scans {
		if scans[i] = strings.TrimSpace(scan); strings.Contains(scan, "Seq Scan") {
			t.Errorf("a sequential scan: %s\n%s", e.statements[len(e.statements)-1], strings.Join(lines, "\n"))
		}
	}
	return strings.Join(scans, ", then ")
}
