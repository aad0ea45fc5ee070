// Command receiver is what a platform's own backend does with Hourbank's events: it
// checks that they are Hourbank's, and takes each once.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const largestBody = 1 << 20 // bytes

func main() {
	signer, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET")) // whsec_…, as in EVENTS_URLS
	if err != nil || os.Getenv("WEBHOOK_SECRET") == "" {
		fmt.Fprintln(os.Stderr, "WEBHOOK_SECRET: must be whsec_ and base64")
		os.Exit(2)
	}
	address := os.Getenv("LISTEN_ADDR")
	if address == "" {
		address = "127.0.0.1:8090"
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := &http.Server{Handler: &receiver{signer: signer, seen: map[string]bool{}}, ReadTimeout: 10 * time.Second}
	fmt.Println("listening at", listener.Addr())
	fmt.Fprintln(os.Stderr, server.Serve(listener))
	os.Exit(1)
}

// receiver remembers what it has seen. A real one keeps the ids in its database, in the
// transaction that does what the event asks for.
type receiver struct {
	signer *standardwebhooks.Webhook
	mu     sync.Mutex
	seen   map[string]bool
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, largestBody))
	if err != nil || r.signer.Verify(body, request.Header) != nil {
		http.Error(w, "not signed by Hourbank", http.StatusUnauthorized)
		return
	}
	var event struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		http.Error(w, "no event", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if id := request.Header.Get(standardwebhooks.HeaderWebhookID); !r.seen[id] {
		fmt.Println(event.Type, string(event.Data))
		r.seen[id] = true
	}
	w.WriteHeader(http.StatusNoContent) // only once it is done: anything else is sent again
}
