package openapitest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hourbank/openapi/openapitest"
)

// recorder is a test that keeps what it is told.
type recorder struct {
	testing.TB
	told []string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.told = append(r.told, fmt.Sprintf(format, args...))
}

const (
	account = `{"student_id":"s","currency":"eur","hours_purchased":"10.00","hours_granted":"0.00","hours_reversed":"0.00","hours_consumed":"0.00","hours_expired":"0.00","hours_held":"0.00","hours_available":"10.00","balance_amount":5000,"overdrawn":false,"next_expiry":null,"created_at":"2026-01-31T12:00:00Z","updated_at":"2026-01-31T12:00:00Z"}`
	booking = `{"id":"l","student_id":"s","transaction_id":null,"kind":"consumption","hours":"-1.50","amount":0,"amount_refunded":0,"amount_disputed":0,"currency":"eur","actor":"k","event_id":null,"reference":"r","occurred_at":"2026-01-31T12:00:00Z","created_at":"2026-01-31T12:00:00Z","account":` + account + `}`
	problem = `{"type":"about:blank","title":"Not Found","status":404,"code":"not_found","detail":"x","request_id":"x"}`
	balance = "/api/finances/students/s/balance"
	consume = "/api/finances/students/s/consumptions/"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, exchange := range []struct {
		name, method, path, body string
		status                   int
		answer, want             string // want is "" where all is well
	}{
		{"an account", "GET", balance + "/", "", 200, account, ""},
		{"an account with a field too many", "GET", balance, "", 200, strings.Replace(account, "{", `{"more":1,`, 1), "more"},
		{"an account with a field too few", "GET", balance, "", 200, strings.Replace(account, `"overdrawn":false,`, "", 1), "overdrawn"},
		{"hours as a number", "GET", balance, "", 200, strings.Replace(account, `"10.00"`, "10", 1), "hours_purchased"},
		{"hours with one decimal", "GET", balance, "", 200, strings.Replace(account, `"10.00"`, `"10.0"`, 1), "hours_purchased"},
		{"a time that is none", "GET", balance, "", 200, strings.Replace(account, "2026-01-31T", "31.1.2026 ", 1), "updated_at"},
		{"a status that is not described", "GET", balance, "", 418, problem, "418"},
		{"a code that is not described", "GET", balance, "", 404, strings.Replace(problem, "not_found", "forbidden", 1), "code"},
		{"a refusal", "GET", balance, "", 404, problem, ""},
		{"a booking", "POST", consume, `{"hours":"1.50","reference":"r"}`, 201, booking, ""},
		{"a granted request that is not as described", "POST", consume, `{"hours":1.5,"reference":"r"}`, 201, booking, "hours"},
		{"a granted request with a field too many", "POST", consume, `{"hours":"1.50","reference":"r","x":1}`, 201, booking, "x"},
		{"a refused request that is not as described", "POST", consume, `{"hours":1.5}`, 404, problem, ""},
		{"a granted query that is not as described", "GET", balance + "?at=now", "", 200, account, "at"},
		{"an unknown address", "GET", "/nowhere", "", 404, problem, ""},
		{"an unknown address that answers", "GET", "/nowhere", "", 200, account, "404"},
		{"a page of the console", "GET", "/console/", "", 200, "<!doctype html>", ""},
	} {
		t.Run(exchange.name, func(t *testing.T) {
			request := httptest.NewRequest(exchange.method, exchange.path, strings.NewReader(exchange.body))
			request.Header.Set("Authorization", "Bearer key")
			response := &http.Response{StatusCode: exchange.status, Header: http.Header{"X-Request-Id": {"x"}, "Content-Type": {"application/json; charset=utf-8"}}}
			if exchange.status >= 400 {
				response.Header.Set("Content-Type", "application/problem+json")
			}
			r := &recorder{TB: t}
			openapitest.Check(r, request, []byte(exchange.body), response, []byte(exchange.answer))
			told := strings.Join(r.told, "\n")
			if (exchange.want == "") != (told == "") || !strings.Contains(told, exchange.want) {
				t.Errorf("told %q, want something about %q", told, exchange.want)
			}
		})
	}
}
