package openapi_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"go.uber.org/zap"

	"hourbank/config"
	"hourbank/openapi"
	"hourbank/openapi/openapitest"
	"hourbank/routes"
	"hourbank/services"
	"hourbank/services/metrics"
)

// get asks the whole program but for its database.
func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	server := routes.New(&config.Config{}, &services.Services{Metrics: metrics.New()}, zap.NewNop())
	request := httptest.NewRequest(method, path, nil)
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, request)
	openapitest.Check(t, request, nil, recorder.Result(), recorder.Body.Bytes())
	return recorder
}

func TestWhatNeedsNoDatabaseAnswersAsDescribed(t *testing.T) {
	t.Parallel()
	for _, call := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/openapi.json", http.StatusOK},
		{"GET", "/openapi.json/", http.StatusOK},
		{"GET", "/docs", http.StatusOK},
		{"GET", "/docs/", http.StatusOK},
		{"GET", "/docs/style.css", http.StatusOK},
		{"GET", "/healthz", http.StatusOK},
		{"GET", "/metrics", http.StatusOK},
		{"GET", "/api/finances/stripe/config", http.StatusOK},
		{"GET", "/healthz?a=%00", http.StatusBadRequest},
		{"GET", "/api/finances/events/", http.StatusUnauthorized},
		{"POST", "/api/finances/purchases", http.StatusUnauthorized},
		{"GET", "/nowhere", http.StatusNotFound},
		{"GET", "/api/finances/plans//", http.StatusNotFound},
		{"DELETE", "/docs", http.StatusMethodNotAllowed},
		{"PUT", "/api/finances/purchases/", http.StatusMethodNotAllowed},
	} {
		if answer := get(t, call.method, call.path); answer.Code != call.status {
			t.Errorf("%s %s is answered %d, want %d", call.method, call.path, answer.Code, call.status)
		}
	}
}

func TestAProblemHasTheFieldsOfItsSchema(t *testing.T) {
	t.Parallel()
	var described, answered []string
	for _, property := range parse(t).Components.Schemas.Get("Problem").Properties {
		described = append(described, property.Name)
	}
	gjson.Parse(get(t, "GET", "/nowhere").Body.String()).ForEach(func(key, _ gjson.Result) bool {
		answered = append(answered, key.String())
		return true
	})
	same(t, "Problem", described, answered)
}

func TestThePageShowsEverything(t *testing.T) {
	t.Parallel()
	document, page := parse(t), html.UnescapeString(get(t, "GET", "/docs").Body.String())
	for _, path := range document.Paths {
		for _, operation := range path.Value.Operations() {
			for _, part := range []string{operation.Value.ID, operation.Value.Summary, path.Name} {
				if !strings.Contains(page, part) {
					t.Errorf("%s %s: the page lacks %q", operation.Name, path.Name, part)
				}
			}
		}
	}
	for _, schema := range document.Components.Schemas {
		if schema.Name != "PathText" && !strings.Contains(page, `id="schema-`+schema.Name+`"`) {
			t.Errorf("the page lacks the schema %s", schema.Name)
		}
	}
	for _, code := range document.Components.Schemas.Get("Code").OneOf {
		if !strings.Contains(page, `id="error-`+code.Const.(string)+`"`) {
			t.Errorf("the page lacks the code %s", code.Const)
		}
	}
}

var attribute = regexp.MustCompile(`\s(?:href|src)="([^"]*)"`)

func TestThePageKeepsToItsPolicy(t *testing.T) {
	t.Parallel()
	answer := get(t, "GET", "/docs")
	page := answer.Body.String()
	if policy := answer.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") {
		t.Errorf("the policy is %q", policy)
	}
	for _, forbidden := range []string{"<script", "<style", " style=", "ZgotmplZ", "<no value>"} {
		if strings.Contains(page, forbidden) {
			t.Errorf("the page has %q", forbidden)
		}
	}
	for _, link := range attribute.FindAllStringSubmatch(page, -1) {
		anchor, within := strings.CutPrefix(link[1], "#")
		switch {
		case within && !strings.Contains(page, `id="`+anchor+`"`):
			t.Errorf("a link leads to #%s, which isn't there", anchor)
		case !within && !strings.HasPrefix(link[1], "/"):
			t.Errorf("the page names %s", link[1])
		}
	}
	if strings.Contains(string(openapi.Style()), "url(") {
		t.Error("the stylesheet loads something")
	}
}
