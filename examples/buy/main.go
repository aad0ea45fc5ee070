// Buy is the smallest platform that sells hours: a page with Stripe's Payment
// Element, and the server behind it, which alone holds the API key.
// ../README.md says how to run it.
package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"
)

//go:embed page.html buy.js style.css
var files embed.FS

// policy lets the page load its own files and what Stripe.js needs.
// https://docs.stripe.com/security/guide#content-security-policy
const policy = "default-src 'none'; style-src 'self'; script-src 'self' https://js.stripe.com https://*.js.stripe.com; " +
	"frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; " +
	"connect-src 'self' https://api.stripe.com; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := platform{
		hourbank: setting("HOURBANK_URL", "http://127.0.0.1:8000") + "/api/finances",
		key:      os.Getenv("HOURBANK_KEY"),
		student:  setting("STUDENT", "demo_student"),
		client:   &http.Client{Timeout: 15 * time.Second},
	}
	if p.key == "" {
		return errors.New("HOURBANK_KEY: set it to an API key of Hourbank's with the role write")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", setting("LISTEN_ADDR", "127.0.0.1:8080"))
	if err != nil {
		return fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	log.Printf("%s buys at http://%s", p.student, listener.Addr())
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(closing)
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// platform is what a tutoring platform knows. It is safe for concurrent use.
type platform struct {
	hourbank string // the API's address
	key      string // never leaves this process but to Hourbank
	student  string // who is signed in
	client   *http.Client
}

func (p platform) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, "page.html") })
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /plans", p.pass("/plans/"))
	mux.HandleFunc("GET /config", p.pass("/stripe/config/"))
	mux.HandleFunc("GET /balance", p.pass("/students/"+url.PathEscape(p.student)+"/balance/"))
	mux.HandleFunc("GET /purchases/{id}", p.purchase)
	mux.HandleFunc("POST /purchases", p.buy)
	headers := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
	return http.NewCrossOriginProtection().Handler(headers) // no other site's page may buy
}

// pass hands on what Hourbank answers to a question of this platform's.
func (p platform) pass(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, body, err := p.ask(r.Context(), http.MethodGet, path, nil, "")
		answer(w, status, body, err)
	}
}

// purchase shows how far a payment has come, to the student whose it is.
func (p platform) purchase(w http.ResponseWriter, r *http.Request) {
	status, body, err := p.ask(r.Context(), http.MethodGet, "/purchases/"+url.PathEscape(r.PathValue("id"))+"/", nil, "")
	var owned struct {
		StudentID string `json:"student_id"`
	}
	if err == nil && status == http.StatusOK && (json.Unmarshal(body, &owned) != nil || owned.StudentID != p.student) {
		http.NotFound(w, r)
		return
	}
	answer(w, status, body, err)
}

// buy asks Hourbank for a purchase. The page chooses the plan and nothing
// else: who buys is known here, and what it costs at Hourbank. The page's
// Idempotency-Key makes a second click the same purchase.
func (p platform) buy(w http.ResponseWriter, r *http.Request) {
	var choice struct {
		Plan string `json:"plan"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&choice); err != nil {
		http.Error(w, "Choose a plan.", http.StatusBadRequest)
		return
	}
	order, err := json.Marshal(map[string]string{"student_id": p.student, "plan": choice.Plan})
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	status, body, err := p.ask(r.Context(), http.MethodPost, "/purchases/", order, r.Header.Get("Idempotency-Key"))
	answer(w, status, body, err)
}

// ask asks Hourbank with the key.
func (p platform) ask(ctx context.Context, method, path string, body []byte, idempotencyKey string) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, p.hourbank+path, bytes.NewReader(body)) //nolint:gosec // the host is the operator's, and ids are escaped
	if err != nil {
		return 0, nil, fmt.Errorf("ask Hourbank: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+p.key)
	if idempotencyKey != "" {
		request.Header.Set("Idempotency-Key", idempotencyKey)
	}
	response, err := p.client.Do(request) //nolint:gosec // as above
	if err != nil {
		return 0, nil, fmt.Errorf("ask Hourbank: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // it is read to its end
	read, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, read, err
}

func answer(w http.ResponseWriter, status int, body []byte, err error) {
	if err != nil {
		log.Print(err)
		http.Error(w, `{"detail":"Hourbank can't be reached."}`, http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a browser that left needs no answer
}
