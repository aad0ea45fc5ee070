package tests

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// An id is the same however its path is escaped, plus signs included.
func TestAnIDInAPathIsTheSameHoweverItIsEscaped(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		p := harness.NewPurchase(t).For("d+e@x/y z").Create(app.Database)
		app.MustProcess(t, p.Succeeded())
		for _, escaped := range []string{"d+e@x%2Fy%20z", "d%2Be@x%2Fy%20z", "d+e%40x%2Fy%20z", "d%2Be%40x%2Fy%20z"} {
			app.Get(t, api+"/students/"+escaped+"/balance/").Want(t, http.StatusOK).WantFields(t, fields{"student_id": p.Student})
		}
		app.As(t, harness.ReadKey, http.MethodGet, api+"/students/d%20e@x%2Fy%20z/balance/").WantProblem(t, http.StatusNotFound, "not_found")
	})
}

// Methods that nobody knows are one to the metrics and the log: a sender may
// not choose how many there are, nor how long.
func TestMadeUpMethodsAreOneToTheMetrics(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		for _, method := range []string{"QX17", "FORGE" + strings.Repeat("X", 10_000)} {
			answer := app.Request(t, method, "/healthz", "").WantProblem(t, http.StatusMethodNotAllowed, "method_not_allowed")
			if len(app.Log.Lines("request_id", answer.Get("request_id").String())) != 1 {
				t.Errorf("%.5s: no line of the log", method)
			}
		}
		for _, told := range []string{app.Request(t, http.MethodGet, "/metrics", "").Body, app.Log.String()} {
			if strings.Contains(told, "QX17") || strings.Contains(told, "FORGE") {
				t.Error("a made-up method is kept")
			}
		}
	})
}

// Every response carries its X-Request-Id, "OPTIONS *" included.
func TestOptionsOfTheWholeServerCarryARequestID(t *testing.T) {
	harness.ForEachEngine(t, func(t *testing.T, app *harness.App) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(app.BaseURL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // it was read from
		if _, err := conn.Write([]byte("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		var answer strings.Builder
		buffer := make([]byte, 4096)
		for n, err := conn.Read(buffer); err == nil; n, err = conn.Read(buffer) {
			answer.Write(buffer[:n])
		}
		if !strings.Contains(answer.String(), "X-Request-Id: ") {
			t.Errorf("answered %s", answer.String())
		}
	})
}
