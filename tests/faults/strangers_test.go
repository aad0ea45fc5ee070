package faults

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hourbank/tests/harness"
)

// Two thousand connections of strangers, who know that a signature has a time
// and what it looks like, each with 1 MiB: the service takes no more memory
// than it would for anybody, and Stripe's own events get through.
func TestStrangersTakeNoMemory(t *testing.T) {
	const (
		strangers  = 2000
		mostMemory = 200 << 20
		length     = 1 << 20
	)
	db := harness.NewDatabase(t, harness.Engines[0])
	process := db.ServeProcess(t, "TRUSTED_PROXIES=127.0.0.1") // as from many addresses: one may have a thousand
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: hourbank\r\nStripe-Signature: t=%d,v1=%s\r\nContent-Length: %d\r\n\r\n",
		harness.WebhookPath, time.Now().Unix(), strings.Repeat("a", 64), length)
	part := append([]byte(head), bytes.Repeat([]byte("x"), 48<<10)...) // more than is read of all, less than any waits to send
	connections := make([]net.Conn, strangers)
	for i := range connections {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(process.BaseURL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close() //nolint:errcheck // it was only held
		connections[i] = connection
		if _, err := connection.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	p := db.NewPurchase(t)
	process.MustProcess(t, p.Succeeded())
	refused := 0
	for _, connection := range slices.Backward(connections) { // the first ones may still send
		answer := make([]byte, len("HTTP/1.1 503"))
		if err := connection.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, _ := connection.Read(answer); strings.HasSuffix(string(answer[:n]), fmt.Sprint(http.StatusServiceUnavailable)) {
			refused++
		}
		if refused == strangers/2 {
			break
		}
	}
	peak := process.MaxResident(t)
	t.Logf("%d or more of %d strangers were refused; the service took %d MiB", refused, strangers, peak>>20)
	if peak > mostMemory || refused < strangers/2 {
		t.Errorf("%d MiB, %d refused", peak>>20, refused)
	}
}
