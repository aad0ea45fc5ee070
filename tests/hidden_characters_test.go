package tests

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"hourbank/tests/harness"
)

// turned reads as another id: what follows the character runs backwards.
const turned = "anna\u202Egnpexe"

func TestIDsThatTurnTheDirectionOfTextAreRefused(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, _ *harness.Stripe) {
		const named = `{"student_id":"s","hours":"1.00","amount":100,"currency":"eur"}`
		for _, r := range "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u2060\ufeff\u00ad\u0085\u001b" {
			id := "a" + string(r)
			if r > 0x1f { // which JSON itself refuses
				app.Post(t, harness.WriteKey, api+"/purchases/", strings.Replace(named, `"s"`, `"`+id+`"`, 1)).WantProblem(t, http.StatusBadRequest, "invalid_request")
				app.Post(t, harness.WriteKey, api+"/students/s/consumptions/", `{"hours":"1.00","reference":"`+id+`"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
			}
			app.Post(t, harness.AdminKey, api+"/students/"+url.PathEscape(id)+"/grants/", `{"hours":"1.00","reason":"r","reference":"r"}`).
				WantProblem(t, http.StatusBadRequest, "invalid_request")
		}
		// Nobody sees these either, or tells the id from another, or a path that ends here.
		hidden := "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u2065\u2800\u3164\ufe00\ufe0f\uffa0\ufff0\U000e0001\U000e0061\U000e0100\U000e0fff"
		ids := []string{".", "..", " a", "a ", "a\u00a0", "\u2003a", "a\u3000", "a\u2028", " "}
		for _, r := range hidden {
			ids = append(ids, "a"+string(r)+"b")
		}
		for _, id := range ids {
			app.Post(t, harness.WriteKey, api+"/purchases/", strings.Replace(named, `"s"`, `"`+id+`"`, 1)).WantProblem(t, http.StatusBadRequest, "invalid_request")
			app.Post(t, harness.WriteKey, api+"/students/s/consumptions/", `{"hours":"1.00","reference":"`+id+`"}`).WantProblem(t, http.StatusBadRequest, "invalid_request")
		}
		for _, id := range []string{"a b", "a.b", "...", "ａ", "né", "क्षि", "学生"} { // all of which are seen
			app.Post(t, harness.WriteKey, api+"/purchases/", strings.Replace(named, `"s"`, `"`+id+`"`, 1)).Want(t, http.StatusCreated)
		}
		app.Post(t, harness.WriteKey, api+"/purchases/", named, "Idempotency-Key", turned).WantProblem(t, http.StatusBadRequest, "invalid_request")
		// Words are written in scripts that need such characters.
		app.Post(t, harness.AdminKey, api+"/students/s/grants/", `{"hours":"1.00","reason":"שיעור\u200f (נוסף)","reference":"r"}`).Want(t, http.StatusCreated)
	})
}

// What Stripe's data hold is kept, and shown instead of obeyed.
func TestHiddenCharactersAreShownOnPagesAndTerminals(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := app.NewPurchase(t)
		const escape = "\u009b"
		event := p.Succeeded().Set("description", turned+escape)
		event.Type = "custom." + turned + escape
		app.Deliver(t, event)
		v := visit(t, app, harness.ReadKey)
		for what, shown := range map[string]string{
			"list":    v.open(t, "/console/events/").Want(t, http.StatusOK).Body,
			"page":    v.open(t, "/console/events/"+event.ID+"/").Want(t, http.StatusOK).Body,
			"table":   app.MustRun(t, "events", "list"),
			"command": app.MustRun(t, "events", "show", event.ID),
		} {
			if strings.Contains(shown, "\u202e") || strings.Contains(shown, escape) || !strings.Contains(shown, `anna\u202egnpexe\u009b`) {
				t.Errorf("the %s obeys what is hidden in\n%s", what, shown)
			}
		}
		encoded := app.MustRun(t, "events", "show", event.ID, "--json")
		if got := gjson.Get(encoded, "type").String(); got != event.Type {
			t.Errorf("for programs, the type is %q", got)
		}
		if result := app.Run(t, "events", "show", turned); strings.Contains(result.Stderr, "\u202e") || result.Code != 1 {
			t.Errorf("got %+v", result)
		}
	})
}
