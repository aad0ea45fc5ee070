package harness

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"hourbank/commands"
	"hourbank/sandbox"
)

// Secrets that every program is started with. Tests look for them where they
// must not be.
const (
	WebhookSecret       = "whsec_main_secret_of_the_tests"
	SubscriptionsSecret = "whsec_subscriptions_secret_of_the_tests"

	ReadKey  = "a-read-key-of-the-tests-x7Q"
	WriteKey = "a-write-key-of-the-tests-x7Q"
	AdminKey = "an-admin-key-of-the-tests-x7Q"
)

// App is a serving program.
type App struct {
	*Database
	BaseURL string
	Log     *Output // its stderr
	Stdout  *Output
	Environ []string // what it was started with

	client *http.Client
	cancel context.CancelFunc
	exited chan int
}

// environ is what a program needs; later settings win.
func (db *Database) environ(settings ...string) []string {
	return append([]string{
		"DATABASE_URL=" + db.URL,
		"LISTEN_ADDR=127.0.0.1:0",
		"STRIPE_WEBHOOK_SECRET=" + WebhookSecret,
		"STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET=" + SubscriptionsSecret,
		fmt.Sprintf("API_KEYS=reader:read:%s,writer:price:%s,boss:admin:%s", ReadKey, WriteKey, AdminKey),
	}, settings...)
}

// Serve starts the program on the database and waits until it listens. It is
// stopped in the end, and must then exit 0.
func (db *Database) Serve(tb testing.TB, settings ...string) *App {
	tb.Helper()
	app := db.Start(tb, settings...)
	app.WaitUntilListening(tb)
	return app
}

// ServeSandbox is Serve with a stand-in for Stripe in the same process.
func (db *Database) ServeSandbox(tb testing.TB, settings ...string) *App {
	tb.Helper()
	app := db.start(tb, []string{"serve", "--sandbox"}, append(settings, "SANDBOX_ADDR=127.0.0.1:0")...)
	app.WaitUntilListening(tb)
	return app
}

// StandIn asks the sandbox's stand-in for Stripe, with its key and as a control call.
func (app *App) StandIn(tb testing.TB, method, path, body string, headers ...string) Response {
	tb.Helper()
	return Elsewhere(tb, app.StandInURL(tb), method, path, body, append([]string{"Authorization", "Bearer sk_test_sandbox", sandbox.ControlHeader, "1"}, headers...)...)
}

// StandInURL is where the sandbox's stand-in for Stripe is.
func (app *App) StandInURL(tb testing.TB) string {
	tb.Helper()
	address := regexp.MustCompile(`(?m)^  Stripe +(\S+)$`)
	Eventually(tb, "the sandbox says where it is", func() bool { return address.MatchString(app.Stdout.String()) })
	return address.FindStringSubmatch(app.Stdout.String())[1]
}

// Start starts the program and doesn't wait.
func (db *Database) Start(tb testing.TB, settings ...string) *App {
	tb.Helper()
	return db.start(tb, []string{"serve"}, settings...)
}

func (db *Database) start(tb testing.TB, args []string, settings ...string) *App {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	app := &App{Database: db, Environ: db.environ(settings...), Log: &Output{}, Stdout: &Output{}, cancel: cancel, exited: make(chan int, 1), client: newClient()}
	go func() {
		app.exited <- commands.Execute(ctx, args, app.Environ, app.Stdout, app.Log)
	}()
	tb.Cleanup(func() { app.Stop(tb) })
	return app
}

// WaitUntilListening reads the address from the log.
func (app *App) WaitUntilListening(tb testing.TB) {
	tb.Helper()
	Eventually(tb, "the program listens", func() bool {
		select {
		case code := <-app.exited:
			app.exited = nil
			tb.Fatalf("the program exited with %d:\n%s", code, app.Log)
		default:
		}
		for _, line := range app.Log.Lines("msg", "listening") {
			app.BaseURL = "http://" + line.Get("address").String()
		}
		return app.BaseURL != ""
	})
}

// Stop asks the program to end, as SIGTERM does, and wants exit code 0.
func (app *App) Stop(tb testing.TB) {
	tb.Helper()
	app.cancel()
	app.client.CloseIdleConnections()
	if app.exited == nil {
		return
	}
	select {
	case code := <-app.exited:
		if code != 0 {
			tb.Errorf("the program exited with %d:\n%s", code, app.Log)
		}
	case <-time.After(patience):
		tb.Errorf("the program did not end:\n%s", app.Log)
	}
	app.exited = nil
}

// Result is what a command left behind.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Run runs one command on the database.
func (db *Database) Run(tb testing.TB, args ...string) Result {
	tb.Helper()
	return db.RunSet(tb, nil, args...)
}

// RunSet is Run with more settings.
func (db *Database) RunSet(tb testing.TB, settings []string, args ...string) Result {
	tb.Helper()
	return RunWith(tb, db.environ(settings...), args...)
}

// MustRun runs one command, which must exit 0, and gives its stdout.
func (db *Database) MustRun(tb testing.TB, args ...string) string {
	tb.Helper()
	result := db.Run(tb, args...)
	if result.Code != 0 {
		tb.Fatalf("%v: exit code %d\n%s%s", args, result.Code, result.Stdout, result.Stderr)
	}
	return result.Stdout
}

// RunWith runs one command with nothing but the environment given.
func RunWith(tb testing.TB, environ []string, args ...string) Result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience) // a server that should have refused to start
	defer cancel()
	var stdout, stderr Output
	code := commands.Execute(ctx, args, environ, &stdout, &stderr)
	return Result{Code: code, Stdout: stdout.String(), Stderr: stderr.String()}
}

// MustAudit wants books that add up.
func (db *Database) MustAudit(tb testing.TB) {
	tb.Helper()
	db.MustRun(tb, "audit")
}
