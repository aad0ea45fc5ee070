package faults

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// Two thousand clients at once, in the short form one, while somebody else
// holds the database up and then while nobody does: every answer is 2xx or
// 503, none hangs, memory stays bounded.
func TestOverload(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		const mostMemory = 512 << 20
		clients := 10 * rounds(t, 100, 1)
		process := db.ServeProcess(t, "TRUSTED_PROXIES=127.0.0.1") // one address may have a thousand connections
		d := newDriver(t, db)
		d.add(clients / 2)
		d.to(process.App)
		release := db.HoldUp(t, "purchase_transactions")
		d.sendAtOnce(clients)
		if n := d.answered(http.StatusServiceUnavailable); n != clients {
			t.Errorf("%d of %d were refused while nothing could be committed", n, clients)
		}
		release()
		d.sendAtOnce(clients)
		d.settle()
		peak := peakMemory(t, process)
		if peak > mostMemory {
			t.Errorf("the service took %d MiB", peak>>20)
		}
		t.Logf("%d clients at once, at most %d MiB", clients, peak>>20)
	})
}

// sendAtOnce sends from so many connections, and waits for all the answers.
func (d *driver) sendAtOnce(clients int) {
	var group sync.WaitGroup
	for range clients {
		group.Go(func() { d.sendOne() })
	}
	group.Wait()
}

// peakMemory is the most that the process ever held, in bytes, where the
// system tells.
func peakMemory(t *testing.T, process *harness.Process) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process.PID()))
	if err != nil {
		t.Logf("memory is not checked: %v", err)
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// Senders that never come to an end hold nobody else, are cut off, and get no
// memory for what they only promise.
func TestSlowSenders(t *testing.T) {
	harness.ForEachDatabase(t, func(t *testing.T, db *harness.Database) {
		process := db.ServeProcess(t)
		d := newDriver(t, db)
		d.to(process.App)
		const slow, promised, memory = 600, 1 << 20, 200 << 20
		var group sync.WaitGroup
		for i := range slow {
			conn, err := net.Dial("tcp", strings.TrimPrefix(process.BaseURL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			beginning := "POST " + harness.WebhookPath + " HTTP/1.1\r\nHost: hourbank\r\n"
			if i%2 == 0 {
				beginning += fmt.Sprintf("Stripe-Signature: t=1,v1=0\r\nContent-Length: %d\r\n\r\n{", promised)
			}
			if _, err := io.WriteString(conn, beginning); err != nil {
				t.Fatal(err)
			}
			group.Go(func() { dribble(t, conn) })
		}
		d.add(40)
		d.settle() // beside them
		group.Wait()
		peak := peakMemory(t, process)
		if peak > memory {
			t.Errorf("the process took %d MiB", peak>>20)
		}
		t.Logf("%d slow senders were cut off; the process took at most %d MiB", slow, peak>>20)
	})
}

// dribble sends a byte now and then until the server has had enough, and
// wants no success.
func dribble(t *testing.T, conn net.Conn) {
	defer conn.Close() //nolint:errcheck // the server closed it
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return // closed without an answer
		}
		defer response.Body.Close() //nolint:errcheck // only the status counts
		if response.StatusCode < http.StatusBadRequest {
			t.Errorf("a sender that never ended was answered %d", response.StatusCode)
		}
	}()
	byteNowAndThen := time.NewTicker(500 * time.Millisecond)
	defer byteNowAndThen.Stop()
	for deadline := time.After(time.Minute); ; {
		select {
		case <-answered:
			return
		case <-deadline:
			t.Error("a sender that never ended was not cut off")
			return
		case <-byteNowAndThen.C:
			_, _ = io.WriteString(conn, "a") // the reader sees the end
		}
	}
}
