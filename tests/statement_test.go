package tests

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"hourbank/models"
	"hourbank/models/hours"
	"hourbank/tests/harness"
)

// booked is an entry with what a statement needs to know of its purchase.
type booked struct {
	models.LedgerEntry
	purchase models.Purchase
}

// drawBooks makes the entries of a few students in 2026, as they may come:
// several purchases, money that moves no hours, refunds, disputes that refunds
// take the place of, merged purchases, test data, lessons, grants, adjustments.
func drawBooks(t *rapid.T, n int) (accounts []models.Account, all []booked) {
	for s := range rapid.IntRange(1, 3).Draw(t, "students") {
		student := fmt.Sprintf("s%d_%d", n, s)
		account := models.Account{StudentID: student, UpdatedAt: time.Now()}
		if currency := rapid.SampledFrom([]string{"eur", "jpy", ""}).Draw(t, "currency"); currency != "" {
			account.Currency = &currency
		}
		accounts = append(accounts, account)
		serial := 0
		post := func(p models.Purchase, kind models.EntryKind, hours models.Hours, received, refunded, disputed int64) {
			serial++
			at := time.Date(2026, 1, 1, 0, 0, rapid.IntRange(0, 12*30*24*3600).Draw(t, "at"), 0, time.UTC)
			e := models.LedgerEntry{
				ID: fmt.Sprintf("%s_%03d", student, serial), StudentID: student, Kind: kind, Hours: hours, Amount: received - refunded - disputed,
				AmountRefunded: refunded, AmountDisputed: disputed, Currency: account.Currency, OccurredAt: at, CreatedAt: time.Now(),
			}
			if p.ID != "" {
				e.TransactionID = &p.ID
			} else {
				e.Reference = &e.ID
			}
			all = append(all, booked{e, p})
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "purchases") {
			if account.Currency == nil {
				break
			}
			p := models.Purchase{
				ID: fmt.Sprintf("%s_p%d", student, i), StudentID: student, TransactionType: models.TypePackage, PaymentStatus: models.StatusPending, Metadata: map[string]string{},
				Amount: 5000, AmountDue: 5000, Hours: models.Hours(rapid.IntRange(1, 1000).Draw(t, "hours")), Currency: *account.Currency, CreatedAt: time.Now(), UpdatedAt: time.Now(),
			}
			if rapid.Bool().Draw(t, "plan") {
				p.PlanID = new("pack8")
			}
			switch rapid.IntRange(0, 5).Draw(t, "odd") {
			case 0:
				p.MergedInto = new("another")
			case 1:
				p.Metadata["made_by"] = models.MadeByTest
			}
			price := rapid.Int64Range(0, 9999).Draw(t, "price")
			post(p, models.EntryCredit, p.Hours, price, 0, 0)
			if rapid.Bool().Draw(t, "pays more") {
				post(p, models.EntryPayment, 0, 700, 0, 0)
			}
			if rapid.Bool().Draw(t, "returns") {
				back, half := rapid.Int64Range(0, price).Draw(t, "back"), models.Hours(rapid.IntRange(1, int(p.Hours)).Draw(t, "reversed"))
				if rapid.Bool().Draw(t, "disputed") {
					post(p, models.EntryReversal, -half, 0, 0, back)
					if back > 0 && rapid.Bool().Draw(t, "refunded after") {
						post(p, models.EntryReversal, 0, 0, back, -back)
					} else if rapid.Bool().Draw(t, "won") {
						post(p, models.EntryReinstatement, half, 0, 0, -back)
					}
				} else {
					post(p, models.EntryReversal, -half, 0, back, 0)
				}
			}
		}
		for range rapid.IntRange(0, 6).Draw(t, "bookings") {
			h := models.Hours(rapid.IntRange(1, 700).Draw(t, "booked"))
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				post(models.Purchase{}, models.EntryGrant, h, 0, 0, 0)
			case 1:
				post(models.Purchase{}, models.EntryAdjustment, h, 0, 0, 0)
			case 2:
				post(models.Purchase{}, models.EntryAdjustment, -h, 0, 0, 0)
			default:
				post(models.Purchase{}, models.EntryConsumption, -h, 0, 0, 0)
			}
		}
	}
	return accounts, all
}

func writeBooks(tx *gorm.DB, accounts []models.Account, all []booked) error {
	if err := tx.Create(&accounts).Error; err != nil {
		return err
	}
	made := map[string]bool{}
	for _, b := range all {
		if b.purchase.ID != "" && !made[b.purchase.ID] {
			made[b.purchase.ID] = true
			if err := tx.Create(&b.purchase).Error; err != nil {
				return err
			}
		}
		if err := tx.Create(&b.LedgerEntry).Error; err != nil {
			return err
		}
	}
	return nil
}

// naive makes a statement's line the slow way. Its money is in minor units.
func naive(all []booked, currency string, from, to time.Time) map[string]string {
	hours, money := map[string]models.Hours{}, map[string]int64{}
	for _, b := range all {
		if b.purchase.IsTest() || orNone(b.Currency) != currency || !b.OccurredAt.Before(to) {
			continue
		}
		hours["hours_closing"] += b.Hours
		if b.OccurredAt.Before(from) {
			hours["hours_opening"] += b.Hours
			continue
		}
		money["amount_kept"] += b.Amount
		money["amount_refunded"] += b.AmountRefunded
		money["amount_disputed"] += b.AmountDisputed
		money["amount_received"] += b.Amount + b.AmountRefunded + b.AmountDisputed
		switch {
		case b.Kind == models.EntryCredit || b.purchase.MergedInto != nil:
			hours["hours_sold"] += b.Hours
		case b.TransactionID != nil:
			hours["hours_reversed"] -= b.Hours
		case b.Kind == models.EntryConsumption:
			hours["hours_used"] -= b.Hours
		case b.Kind == models.EntryGrant:
			hours["hours_granted"] += b.Hours
		default:
			hours["hours_adjusted"] += b.Hours
		}
	}
	hours["hours_unused"], money["liability"] = naiveOwed(all, currency, to)
	hours["hours_overdrawn"] = hours["hours_unused"] - hours["hours_closing"]
	line := map[string]string{}
	for _, column := range []string{"opening", "sold", "granted", "adjusted", "reversed", "used", "closing", "unused", "overdrawn"} {
		line["hours_"+column] = hours["hours_"+column].String()
	}
	for _, column := range []string{"amount_received", "amount_refunded", "amount_disputed", "amount_kept", "liability"} {
		line[column] = strconv.FormatInt(money[column], 10)
		line[column+"_decimal"] = models.FormatDecimal(money[column], currency)
	}
	return line
}

type naiveLot struct {
	id    string
	at    time.Time
	hours models.Hours
	kept  int64
}

// naiveOwed takes used hours from the lots, a hundredth of an hour at a time.
func naiveOwed(all []booked, currency string, to time.Time) (unused models.Hours, liability int64) {
	lots, used := map[string]map[string]*naiveLot{}, map[string]models.Hours{}
	for _, b := range all {
		if b.purchase.IsTest() || orNone(b.Currency) != currency || !b.OccurredAt.Before(to) {
			continue
		}
		if b.TransactionID == nil && b.Hours < 0 {
			used[b.StudentID] -= b.Hours
			continue
		}
		id := cmp.Or(b.purchase.ID, b.ID)
		if lots[b.StudentID] == nil {
			lots[b.StudentID] = map[string]*naiveLot{}
		}
		if lots[b.StudentID][id] == nil {
			lots[b.StudentID][id] = &naiveLot{id: id}
		}
		l := lots[b.StudentID][id]
		l.hours, l.kept = l.hours+b.Hours, l.kept+b.Amount
		if b.TransactionID == nil || b.Kind == models.EntryCredit {
			l.at = b.OccurredAt
		}
	}
	for student, of := range lots {
		oldest := slices.SortedFunc(maps.Values(of), func(a, b *naiveLot) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
		for _, l := range oldest {
			if l.hours <= 0 {
				continue
			}
			left := l.hours
			for ; left > 0 && used[student] > 0; left-- {
				used[student]--
			}
			unused += left
			worth := new(big.Rat).Add(big.NewRat(max(l.kept, 0)*int64(left), int64(l.hours)), big.NewRat(1, 2))
			liability += new(big.Int).Div(worth.Num(), worth.Denom()).Int64()
		}
	}
	return unused, liability
}

func orNone(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// exported runs hourbank export and reads what it wrote, a map a row.
func exported(t *testing.T, db *harness.Database, args ...string) []map[string]string {
	t.Helper()
	return readCSV(t, db.MustRun(t, append([]string{"export"}, args...)...))
}

func readCSV(t *testing.T, text string) []map[string]string {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(records) == 0 {
		t.Fatalf("not CSV with a header: %v\n%s", err, text)
	}
	var rows []map[string]string
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[name] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// Whatever was booked: each line is what the naive way says; opening and what
// happened is closing, which the next month opens with; and the months add up
// to the ledger.
func TestStatementsAddUp(t *testing.T) {
	const histories = 25
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		db.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur")
		db.WithoutGuards(t) // these books add up by chance alone
		var all []booked
		for n := range histories {
			type drawn struct {
				accounts []models.Account
				all      []booked
			}
			history := rapid.Custom(func(rt *rapid.T) drawn {
				accounts, all := drawBooks(rt, n)
				return drawn{accounts, all}
			}).Example(n)
			if err := db.Models(t).Transaction(func(tx *gorm.DB) error { return writeBooks(tx, history.accounts, history.all) }); err != nil {
				t.Fatal(err)
			}
			all = append(all, history.all...)
			wantStatements(t, db, all, n)
		}
		wantSales(t, db, all)
	})
}

func wantStatements(t *testing.T, db *harness.Database, all []booked, n int) {
	t.Helper()
	day := func(s string) time.Time {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	from := time.Date(2026, 1, 1+n*9%300, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	closing := map[string]string{}
	total := map[string]int64{}
	lines := exported(t, db, "statement", "--from", "2026-01-01", "--to", "2026-12-31", "--by", "month")
	for _, row := range append(lines, exported(t, db, "statement", "--from", from, "--to", "2026-11-05")...) {
		want := naive(all, row["currency"], day(row["from"]), day(row["to"]).AddDate(0, 0, 1))
		for column, value := range want {
			if row[column] != value {
				t.Errorf("%s–%s %s: %s is %s, want %s", row["from"], row["to"], row["currency"], column, row[column], value)
			}
		}
	}
	for _, row := range lines {
		of := func(column string) models.Hours {
			h, err := hours.ParseSigned(row["hours_"+column])
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		if before, known := closing[row["currency"]]; known && before != row["hours_opening"] {
			t.Errorf("%s opens with %s after %s", row["from"], row["hours_opening"], before)
		}
		closing[row["currency"]] = row["hours_closing"]
		moved := of("sold") + of("granted") + of("adjusted") - of("reversed") - of("used")
		if of("opening")+moved != of("closing") {
			t.Errorf("doesn't add up: %v", row)
		}
		kept, _ := strconv.ParseInt(row["amount_kept"], 10, 64)
		total["hours"], total["kept"] = total["hours"]+int64(moved), total["kept"]+kept
	}
	for what, column := range map[string]string{"hours": "hours", "kept": "amount"} {
		inLedger := db.Count(t, "SELECT sum(l."+column+`) FROM hour_ledger_entries l LEFT JOIN purchase_transactions p ON p.id = l.transaction_id
			WHERE p.id IS NULL OR CAST(p.metadata AS text) NOT LIKE '%test-stripe-webhook%'`)
		if total[what] != inLedger {
			t.Errorf("%s of all months are %d, of the ledger %d", what, total[what], inLedger)
		}
	}
}

func wantSales(t *testing.T, db *harness.Database, all []booked) {
	t.Helper()
	received := map[string]int64{}
	for _, b := range all {
		if b.TransactionID != nil && !b.purchase.IsTest() && b.OccurredAt.Month() == time.October {
			received[orNone(b.purchase.PlanID)+" "+orNone(b.Currency)] += b.Received()
		}
	}
	rows := exported(t, db, "sales", "--from", "2026-10-01", "--to", "2026-10-31")
	for _, row := range rows {
		if want := strconv.FormatInt(received[row["plan"]+" "+row["currency"]], 10); row["amount_received"] != want {
			t.Errorf("sales of %q in %s brought %s, want %s", row["plan"], row["currency"], row["amount_received"], want)
		}
	}
	if len(rows) != len(received) {
		t.Errorf("%d rows of sales, want %d", len(rows), len(received))
	}
}
