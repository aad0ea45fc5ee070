package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
	"golang.org/x/sync/errgroup"
)

const (
	secret       = "whsec_bench_secret_for_some_seconds" //nolint:gosec // of a server that lives for seconds, on loopback
	amount       = 5000
	payloadBytes = 2000
)

// newClient keeps so many connections to each server alive, from one turn to
// the next: opening them is not what is measured.
func newClient(connections int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}, Timeout: 30 * time.Second}
}

// load lets the clients send events for one turn, signed, over kept-alive
// connections.
func (b *run) load(ctx context.Context, way Way, clients int, s *samples) error {
	start := time.Now()
	deadline := start.Add(b.turn(way))
	group, ctx := errgroup.WithContext(ctx)
	for range clients {
		group.Go(func() error {
			var took []time.Duration
			refused := 0
			for time.Now().Before(deadline) && ctx.Err() == nil {
				n, ok := b.feeder.take(way)
				if !ok {
					break
				}
				sent := time.Now()
				status, err := send(ctx, b.client, b.addresses[way], b.feeder.target(way, n))
				if err != nil {
					return fmt.Errorf("send an event: %w", err)
				}
				took = append(took, time.Since(sent))
				if status/100 != 2 {
					refused++
				}
			}
			s.add(took, refused)
			return nil
		})
	}
	err := group.Wait()
	s.elapsed += time.Since(start)
	return err
}

func send(ctx context.Context, client *http.Client, address string, t target) (int, error) {
	payload := eventPayload(t)
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: payload, Secret: secret})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(payload))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Stripe-Signature", signed.Header)
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// eventPayload is a success as Stripe sends it, about 2 kB.
func eventPayload(t target) []byte {
	head := fmt.Sprintf(`{"id":%q,"object":"event","api_version":"2023-10-16","created":%d,"livemode":false,`+
		`"pending_webhooks":1,"request":{"id":"req_bench","idempotency_key":null},"type":"payment_intent.succeeded",`+
		`"data":{"object":{"id":%q,"object":"payment_intent","amount":%d,"amount_received":%d,"currency":"eur",`+
		`"customer":null,"metadata":{},"status":"succeeded","payment_method_types":["card"],"description":"`,
		t.event, time.Now().Unix(), t.intent, amount, amount)
	const tail = `"}}}`
	return []byte(head + strings.Repeat("x", max(0, payloadBytes-len(head)-len(tail))) + tail)
}

// samples collects what the clients saw. It is safe for concurrent use but
// for elapsed.
type samples struct {
	mu      sync.Mutex
	took    []time.Duration
	refused int
	counted int // of pgbench, which doesn't say how long each took
	elapsed time.Duration
}

func (s *samples) add(took []time.Duration, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took = append(s.took, took...)
	s.refused += refused
}

func (s *samples) rate() float64 {
	if s.elapsed == 0 {
		return 0
	}
	return float64(s.events()) / s.elapsed.Seconds()
}

func (s *samples) events() int { return len(s.took) + s.counted }

func (s *samples) result(way Way, clients int) Result {
	slices.Sort(s.took)
	quantile := func(q float64) float64 {
		if len(s.took) == 0 {
			return 0
		}
		return float64(s.took[int(q*float64(len(s.took)-1))].Microseconds()) / 1000
	}
	return Result{
		Way: way, Clients: clients, Events: s.events(), PerSecond: s.rate(),
		P50Millis: quantile(0.5), P99Millis: quantile(0.99), Refused: s.refused,
	}
}

// peakMemoryMiB is the most memory that this process ever held.
func peakMemoryMiB() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Maxrss) / 1024 // Linux counts in KiB
}
