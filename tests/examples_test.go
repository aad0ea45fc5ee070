package tests

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"hourbank/tests/harness"
)

func TestTheWalkThroughTheWholeAPI(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("examples/walk.sh needs curl: apt-get install curl")
	}
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		addPlan(t, app)
		walk := func(key string) (string, error) {
			command := exec.CommandContext(t.Context(), "sh", filepath.Join(harness.ModuleRoot(t), "examples", "walk.sh"))
			command.Env = append(os.Environ(), "HOURBANK="+app.BaseURL, "STRIPE="+standIn.URL, "STRIPE_KEY="+harness.StripeKey, "KEY="+key)
			output, err := command.CombinedOutput()
			return string(output), err
		}
		if output, err := walk(harness.AdminKey); err != nil || !strings.Contains(output, "All as expected.") {
			t.Errorf("%v:\n%s", err, output)
		}
		if output, err := walk(harness.ReadKey); err == nil || !strings.Contains(output, "FAILED: a purchase") {
			t.Errorf("it went on with a key that may only read: %v\n%s", err, output)
		}
		app.MustAudit(t)
	})
}

func addPlan(t *testing.T, app *harness.App) {
	t.Helper()
	app.MustRun(t, "plans", "add", "--id", "pack8", "--name", "8 hours", "--hours", "8.00", "--amount", "12000", "--currency", "eur")
}

// examplePlatform builds and starts examples/buy for student_1, and gives its
// address.
func examplePlatform(t *testing.T, app *harness.App) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "buy")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./examples/buy")
	build.Dir = harness.ModuleRoot(t)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	var log harness.Output
	command := exec.Command(binary)
	command.Env = []string{"HOURBANK_URL=" + app.BaseURL, "HOURBANK_KEY=" + harness.WriteKey, "LISTEN_ADDR=127.0.0.1:0", "STUDENT=student_1"}
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM) // it may be gone already
		if err := command.Wait(); err != nil {
			t.Errorf("%v:\n%s", err, log.String())
		}
	})
	var address string
	harness.Eventually(t, "the example serves", func() bool {
		address = regexp.MustCompile(`http://\S+`).FindString(log.String())
		return address != ""
	})
	return address
}

func TestTheExamplePlatformSellsAndKeepsItsKey(t *testing.T) {
	selling(t, func(t *testing.T, app *harness.App, standIn *harness.Stripe) {
		addPlan(t, app)
		others := app.NewPurchase(t)
		platform := examplePlatform(t, app)
		ask := func(method, path, body string, headers ...string) harness.Response {
			answer := harness.Elsewhere(t, platform, method, path, body, headers...)
			if strings.Contains(answer.Body, harness.WriteKey) {
				t.Errorf("%s gives the API key away", path)
			}
			return answer
		}
		for path, shown := range map[string]string{
			"/": "payment-element", "/buy.js": "confirmPayment", "/style.css": "light-dark", "/plans": "pack8", "/config": "public_key",
		} {
			if page := ask(http.MethodGet, path, "").Want(t, http.StatusOK); !strings.Contains(page.Body, shown) {
				t.Errorf("%s does not show %q:\n%s", path, shown, page.Body)
			}
		}
		const choice = `{"plan":"pack8"}`
		ask(http.MethodGet, "/balance", "").Want(t, http.StatusNotFound)
		sold := ask(http.MethodPost, "/purchases", choice, "Idempotency-Key", "attempt").Want(t, http.StatusCreated).
			WantFields(t, fields{"student_id": "student_1", "amount": "12000"})
		if again := ask(http.MethodPost, "/purchases", choice, "Idempotency-Key", "attempt"); sold.Get("client_secret").String() == "" || again.Body != sold.Body {
			t.Errorf("answered %s, then %s", sold.Body, again.Body)
		}
		ask(http.MethodPost, "/purchases", choice, "Sec-Fetch-Site", "cross-site").Want(t, http.StatusForbidden)
		ask(http.MethodGet, "/purchases/"+others.ID, "").Want(t, http.StatusNotFound)

		pay(t, standIn, sold.Get("stripe_payment_intent_id").String())
		standIn.Settle(t)
		ask(http.MethodGet, "/purchases/"+sold.Get("id").String(), "").WantFields(t, fields{"payment_status": "completed"})
		ask(http.MethodGet, "/balance", "").WantFields(t, fields{"hours_available": "8.00"})
	})
}

// The page needs no inline script or style, which its policy would refuse.
func TestTheExamplePageKeepsToItsPolicy(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(harness.ModuleRoot(t), "examples", "buy", "page.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, inline := range []string{"<style", "<script>", " style=", " onclick="} {
		if bytes.Contains(page, []byte(inline)) {
			t.Errorf("the page has %s", inline)
		}
	}
}
