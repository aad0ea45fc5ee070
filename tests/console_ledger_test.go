package tests

import (
	"net/http"
	"slices"
	"testing"

	"hourbank/models"
	"hourbank/models/hours"
	"hourbank/tests/harness"
)

func TestTheConsolesLedgerSaysWhyAndWhatWasLeft(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		var days []harness.History
		for i := range 12 {
			days = append(days, harness.History{Student: "anna", DaysAgo: 12 - i, Bought: models.Hours(500 + 100*i), Refund: 100, Used: 725})
		}
		db.WriteHistory(t, days...)
		ofSandbox(t, db)
		app, b := db.ServeSandbox(t), harness.NewBrowser(t)
		app.Post(t, harness.WriteKey, api+"/students/anna/consumptions/", `{"hours":"1.50","reference":"algebra_7"}`).Want(t, http.StatusCreated)

		var want []string // from the oldest on, as the API tells
		var left models.Hours
		told := app.Get(t, api+"/students/anna/ledger/?limit=100").Get("data.#.hours").Array()
		for _, moved := range slices.Backward(told) {
			delta, err := hours.ParseSigned(moved.String())
			if err != nil {
				t.Fatal(err)
			}
			left += delta
			want = append(want, left.String())
		}
		slices.Reverse(want)

		signIn(b, app, harness.AdminKey)
		b.Open(app.BaseURL + "/console/students/anna/")
		b.WantText("lesson algebra_7", "16.00 hours for €448.00")
		shown := b.Texts(`td[data-label="Balance"]`)
		b.Open(app.BaseURL + "/console/students/anna/" + b.Attribute(`a[href^="?ledger="]`, "href"))
		if shown = append(shown, b.Texts(`td[data-label="Balance"]`)...); !slices.Equal(shown, want) {
			t.Errorf("the balances on both pages are\n%v, want\n%v", shown, want)
		}
	})
}

// filled says whether the balance's area covers today at the height of a label
// of the value axis.
const filled = `((label) => {
	const line = Array.from(document.querySelectorAll('text')).find(text => text.textContent === label);
	const area = Array.from(document.querySelectorAll('path')).filter(path => path.style.fill !== 'none').at(-1);
	return area.isPointInFill(new DOMPoint(690, line.getAttribute('y') - 6));
})`

// An area that ends elsewhere than at zero would show 29 of 30 hours as none,
// or 5 that are owed as 5 that are there.
func TestTheConsolesBalanceChartIsFilledToZero(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, harness.Engines[0])
	db.WriteHistory(t, harness.History{Student: "anna", DaysAgo: 60, Bought: 3000}, harness.History{Student: "anna", DaysAgo: 3, Used: 100},
		harness.History{Student: "felix", DaysAgo: 20, Bought: 300}, harness.History{Student: "felix", DaysAgo: 3, Used: 800})
	ofSandbox(t, db)
	app, b := db.ServeSandbox(t), harness.NewBrowser(t)
	signIn(b, app, harness.AdminKey)
	for student, want := range map[string]map[string]bool{
		"anna": {"8 h": true, "24 h": true, "32 h": false}, "felix": {"2.5 h": false, "-2.5 h": true},
	} {
		b.Open(app.BaseURL + "/console/students/" + student + "/balance.svg?width=720&theme=light")
		if labels := b.Texts("text"); !slices.Contains(labels, "0 h") {
			t.Errorf("the value axis of %s has no zero: %v", student, labels)
		}
		for label, want := range want {
			if got := b.Run(filled + `("` + label + `")`); got != want {
				t.Errorf("the chart of %s is filled at %s: %t, want %t", student, label, got, want)
			}
		}
	}
}

// ofSandbox says that a history that was written by hand is a sandbox's.
func ofSandbox(t *testing.T, db *harness.Database) {
	t.Helper()
	db.Exec(t, "INSERT INTO database_owner (singleton, mode, created_at) VALUES (true, 'sandbox', '2026-01-01 00:00:00+00:00')")
}
