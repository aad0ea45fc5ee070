package tests

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"hourbank/tests/harness"
)

// receivers are the examples, each as a program to run.
func receivers(t *testing.T) map[string][]string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "receiver")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./examples/receiver")
	build.Dir = harness.ModuleRoot(t)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	return map[string][]string{"Go": {binary}, "Node": {"node", filepath.Join(harness.ModuleRoot(t), "examples", "receiver", "node", "receiver.mjs")}}
}

// startReceiver starts one, and gives its address and what it prints.
func startReceiver(t *testing.T, program []string) (string, *harness.Output) {
	t.Helper()
	var log harness.Output
	command := exec.Command(program[0], program[1:]...)
	command.Env = append(os.Environ(), "LISTEN_ADDR=127.0.0.1:0", "WEBHOOK_SECRET="+harness.EventsSecret)
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGKILL) // it may be gone already
		_ = command.Wait()                          // it was killed
	})
	address := ""
	harness.Eventually(t, "the receiver listens", func() bool {
		if found := regexp.MustCompile(`listening at (\S+)`).FindStringSubmatch(log.String()); found != nil {
			address = "http://" + found[1]
		}
		return address != ""
	})
	return address, &log
}

// The receivers in examples/ take what the program sends, once, and nothing else.
func TestTheExampleReceiversKnowWhoseEventsAreWhose(t *testing.T) {
	t.Parallel()
	for name, program := range receivers(t) {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(program[0]); err != nil {
				t.Skip("examples/receiver/node needs Node: apt-get install nodejs")
			}
			address, log := startReceiver(t, program)
			db := harness.NewDatabase(t, harness.Engines[0])
			// Signed with two secrets, of which it knows the second.
			app := db.Serve(t, "EVENTS_URLS="+address+"/hours "+harness.EventsOldSecret+" "+harness.EventsSecret, "EVENTS_ALLOW_PRIVATE=true")
			app.MustProcess(t, harness.NewPurchase(t).For("student_1").Create(db).Succeeded())
			delivered := func() bool {
				return db.Count(t, "SELECT count(*) FROM event_deliveries WHERE delivered_at IS NOT NULL") == 2
			}
			harness.Eventually(t, "both are taken", delivered)
			harness.Eventually(t, "both are printed", func() bool { return strings.Count(log.String(), "student_1") == 2 })
			wantContains(t, log.String(), "purchase.completed {", "hours.credited {", `"student_id":"student_1"`)

			ids := queryStrings(t, db, "SELECT id FROM event_deliveries")
			db.MustRun(t, append([]string{"deliveries", "retry"}, ids...)...)
			harness.Eventually(t, "both are taken again", delivered)
			if printed := strings.Count(log.String(), "student_1"); printed != 2 {
				t.Errorf("it did %d things, want 2:\n%s", printed, log.String())
			}
			forge(t, address)
			breakOff(t, address)
			forge(t, address)
			wantNone(t, log.String(), "forged")
		})
	}
}

// breakOff begins a request, and is gone.
func breakOff(t *testing.T, address string) {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close() //nolint:errcheck // it is closed below
	if _, err := fmt.Fprint(connection, "POST /hours HTTP/1.1\r\nHost: receiver\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(connection).ReadString('\n'); err != nil { // it reads now
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(connection, "abc"); err != nil {
		t.Fatal(err)
	}
	if err := connection.Close(); err != nil {
		t.Fatal(err)
	}
}

// forge sends what is not ours, or not of now.
func forge(t *testing.T, address string) {
	t.Helper()
	const body = `{"type":"hours.forged","data":{}}`
	signed := func(secret string, at time.Time, id string) http.Header {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := signer.Sign(id, at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		headers := http.Header{}
		headers.Set("webhook-id", id)
		headers.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
		headers.Set("webhook-signature", signature)
		return headers
	}
	other := signed(harness.EventsSecret, time.Now(), "a")
	other.Set("webhook-id", "b")
	for why, headers := range map[string]http.Header{
		"no signature": {}, "another secret": signed(harness.EventsOldSecret, time.Now(), "a"),
		"an hour ago": signed(harness.EventsSecret, time.Now().Add(-time.Hour), "a"), "another event's": other,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = headers
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close() // nothing of it is read
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: answered %d, want 401", why, answer.StatusCode)
		}
	}
}
