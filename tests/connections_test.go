package tests

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"hourbank/tests/harness"
)

// Who holds connections open is hung up on beyond a thousand, and nobody else is.
func TestNobodyHoldsMoreThanAThousandConnections(t *testing.T) {
	t.Parallel()
	const most, some = 1000, 50 // the harness has connections of its own
	db := harness.NewDatabase(t, harness.Engines[0])
	app := db.Serve(t)
	held := connectFrom(t, app, "127.0.0.1", most+some)
	if len(held) > most || len(held) < most-some {
		t.Fatalf("one address holds %d connections", len(held))
	}
	if others := connectFrom(t, app, "127.0.0.2", some); len(others) != some {
		t.Errorf("another address was given %d connections of %d", len(others), some)
	}
	for _, connection := range held[:some] {
		if err := connection.Close(); err != nil {
			t.Error(err)
		}
	}
	harness.Eventually(t, "who let go is served again", func() bool { return len(connectFrom(t, app, "127.0.0.1", 1)) == 1 })
	if lines := app.Log.Lines("peer", "127.0.0.1"); !strings.Contains(fmt.Sprint(lines), "TRUSTED_PROXIES") {
		t.Error("the log doesn't say so")
	}

	behind := db.Serve(t, "TRUSTED_PROXIES=127.0.0.1")
	if held := connectFrom(t, behind, "127.0.0.1", most+some); len(held) != most+some {
		t.Errorf("a proxy was given %d connections", len(held))
	}
}

// connectFrom opens connections from an address until one is not answered, and gives
// those that were.
func connectFrom(t *testing.T, app *harness.App, from string, most int) (held []net.Conn) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	for len(held) < most {
		connection, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(app.BaseURL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = connection.Close() }) // it may be closed already
		_, err = fmt.Fprint(connection, "GET /healthz HTTP/1.1\r\nHost: hourbank\r\n\r\n")
		if err != nil {
			break
		}
		answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			break
		}
		_ = answer.Body.Close() // nobody reads it
		held = append(held, connection)
	}
	return held
}
