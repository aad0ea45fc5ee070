package webhooktest

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"hourbank/commands/cli"
	"hourbank/models"
)

// checkResult says how a check ended.
type checkResult string

const (
	checkPass    checkResult = "pass"
	checkFail    checkResult = "fail"
	checkSkipped checkResult = "skipped"
	checkWarning checkResult = "warning" // it works, but is probably not meant
)

// check is one thing that was tried.
type check struct {
	Name     string      `json:"name"`
	Result   checkResult `json:"result"`
	Expected string      `json:"expected"`
	Seen     string      `json:"seen"`
	Detail   string      `json:"detail"` // why it was skipped, or what may help
}

// checkReport is what a run found.
type checkReport struct {
	Checks  []check `json:"checks"`
	Passed  int     `json:"passed"`
	Failed  int     `json:"failed"`
	Skipped int     `json:"skipped"`
	Warned  int     `json:"warned"`

	Purchase *models.Purchase `json:"purchase,omitempty"` // made by --create-test-data
	Before   *models.Purchase `json:"before,omitempty"`   // the purchase of --payment-intent-id
	After    *models.Purchase `json:"after,omitempty"`
}

// section runs checks and prints what they found under a title. An error that
// kept them from going on is a failed check itself.
func (t *webhookTest) section(title string, run func() error) {
	first := len(t.report.Checks)
	if err := run(); err != nil {
		t.fail(title, "no error", errorText(err), "")
	}
	if t.options.asJSON || len(t.report.Checks) == first {
		return
	}
	fmt.Fprintf(t.Stdout, "%s\n\n", title)
	w := tabwriter.NewWriter(t.Stdout, 0, 0, 2, ' ', 0)
	for _, c := range t.report.Checks[first:] {
		c.print(w)
	}
	_ = w.Flush() // it goes to a terminal
	fmt.Fprintln(t.Stdout)
}

// print writes a line for the check, and one for each thing more to say.
func (c check) print(w *tabwriter.Writer) {
	result := string(c.Result)
	if c.Result == checkFail {
		result = "FAIL" // to be found at a glance
	}
	var more []string
	switch {
	case c.Result == checkSkipped, c.Result == checkWarning:
		fmt.Fprintf(w, "  %s\t%s\t%s\n", result, c.Name, c.Detail)
		return
	case c.Result == checkPass && c.Expected == "":
		fmt.Fprintf(w, "  %s\t%s\t%s\n", result, c.Name, c.Seen)
	default:
		fmt.Fprintf(w, "  %s\t%s\texpected %s\tseen %s\n", result, c.Name, c.Expected, c.Seen)
	}
	if c.Result == checkFail && c.Detail != "" {
		more = strings.Split(c.Detail, "\n")
	}
	for _, line := range more {
		fmt.Fprintf(w, "  \t\t%s\n", line)
	}
}

func (t *webhookTest) add(c check) {
	c.Seen, c.Detail = t.withoutSecrets(c.Seen), t.withoutSecrets(c.Detail)
	t.report.Checks = append(t.report.Checks, c)
	switch c.Result {
	case checkPass:
		t.report.Passed++
	case checkFail:
		t.report.Failed++
	case checkSkipped:
		t.report.Skipped++
	case checkWarning:
		t.report.Warned++
	}
}

func (t *webhookTest) pass(name, seen string) { t.add(check{name, checkPass, "", seen, ""}) }

func (t *webhookTest) fail(name, expected, seen, detail string) {
	t.add(check{name, checkFail, expected, seen, detail})
}

func (t *webhookTest) skip(name, why string) { t.add(check{name, checkSkipped, "", "", why}) }

func (t *webhookTest) warn(name, why string) { t.add(check{name, checkWarning, "", "", why}) }

// compare passes what was seen as expected, and says whether it was. The hint
// is for a failure.
func (t *webhookTest) compare(name, expected, seen, hint string) bool {
	if seen == expected {
		t.add(check{name, checkPass, expected, seen, ""})
		return true
	}
	t.fail(name, expected, seen, hint)
	return false
}

// withoutSecrets is the last line of defence: what others worded, such as an
// API's error, could hold what it was given.
func (t *webhookTest) withoutSecrets(text string) string {
	secrets := append([]string{string(t.cfg.StripeSecretKey)}, t.cfg.StripeWebhookSecrets...)
	for _, secret := range append(secrets, t.cfg.StripeSubscriptionsWebhookSecret...) {
		if len(secret) > len("sk_test_") { // a prefix alone is no secret
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return text
}

// finish says how it went, and fails when a check did.
func (t *webhookTest) finish() error {
	if len(t.report.Checks) == 0 {
		return nil // only the instructions were asked for
	}
	if t.options.asJSON {
		if err := t.PrintJSON(t.report); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(t.Stdout, "%d passed, %d failed, %d skipped\n", t.report.Passed, t.report.Failed, t.report.Skipped)
		for _, c := range t.report.Checks {
			if c.Result == checkFail {
				fmt.Fprintf(t.Stdout, "failed: %s\n", c.Name)
			}
		}
	}
	if t.report.Failed > 0 {
		return cli.ErrChecksFailed
	}
	return nil
}

// errorText words an error for people.
func errorText(err error) string {
	if known, ok := errors.AsType[*models.Error](err); ok {
		if known.Err != nil {
			return fmt.Sprintf("%s (%v)", known.Message, known.Err)
		}
		return known.Message
	}
	return err.Error()
}
