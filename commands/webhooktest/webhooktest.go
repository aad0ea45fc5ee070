// Package webhooktest is test-stripe-webhook: it checks, without Stripe, that
// Stripe's events become hours here.
package webhooktest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"hourbank/commands/cli"
	"hourbank/config"
	"hourbank/models"
	"hourbank/models/hours"
)

const webhookPath = "/api/finances/webhooks/stripe"

// webhookTestOptions are the flags of test-stripe-webhook.
type webhookTestOptions struct {
	validateConfig, createData, testEndpoint, instructions, all, asJSON bool

	paymentIntent, studentID, hours, currency, url string
	amount                                         int64
}

// webhookTest is one run of test-stripe-webhook.
type webhookTest struct {
	*cli.Program
	options  webhookTestOptions
	terms    models.Terms
	cfg      *config.Config
	mistakes error         // of the configuration
	blocked  string        // why nothing that needs the database can be tried
	plans    []models.Plan // on sale, with a price at Stripe
	report   checkReport
}

// Command is test-stripe-webhook.
func Command(p *cli.Program) *cobra.Command {
	t := &webhookTest{Program: p}
	cmd := &cobra.Command{
		Use:   "test-stripe-webhook",
		Short: "Check the configuration, the webhook and every life of a purchase",
		Long: `Check that Stripe's events become hours here, without Stripe: the tool makes a
student, a plan and purchases, and sends events for them that are signed as Stripe
signs them, to the handler in this process or to a running service. With no flag
it does nothing but say this. It exits 1 when a check fails.

What it makes stays in the database (student "test_student"), and adds up there.`,
		Example: `  hourbank test-stripe-webhook --all                            # everything, in process
  hourbank test-stripe-webhook --validate-config                # the settings, the database, Stripe
  hourbank test-stripe-webhook --create-test-data               # a purchase that waits for its event
  hourbank test-stripe-webhook --payment-intent-id pi_…         # send that purchase its success
  hourbank test-stripe-webhook --test-endpoint                  # good, bad and repeated events
  hourbank test-stripe-webhook --test-endpoint --url http://localhost:8000
  hourbank test-stripe-webhook --stripe-cli-instructions        # try it with Stripe's own events`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().NFlag() == 0 {
				return cmd.Help()
			}
			if err := t.checkUsage(cmd.Flags().Changed); err != nil {
				return cli.Usage(err)
			}
			return t.run(cmd.Context())
		},
	}
	t.addFlags(cmd)
	return cmd
}

func (t *webhookTest) addFlags(cmd *cobra.Command) {
	flags, o := cmd.Flags(), &t.options
	flags.SortFlags = false
	flags.BoolVar(&o.all, "all", false, "everything below in this order, and each life of a purchase")
	flags.BoolVar(&o.validateConfig, "validate-config", false, "check each setting, the database and Stripe; shows no secret")
	flags.BoolVar(&o.createData, "create-test-data", false, "make a student, a plan and a processing purchase")
	flags.BoolVar(&o.testEndpoint, "test-endpoint", false, "send signed, forged, stale, empty and repeated events")
	flags.StringVar(&o.paymentIntent, "payment-intent-id", "", "send a success for the purchase with this `ID`; with --create-test-data, make it with this ID")
	flags.BoolVar(&o.instructions, "stripe-cli-instructions", false, "how to try it with the Stripe CLI")
	flags.StringVar(&o.url, "url", "", "send to the service at this `URL` (its base or its webhook), on the same DATABASE_URL")
	flags.StringVar(&o.studentID, "student-id", "", "`ID` of the student of test purchases (default test_student)")
	flags.StringVar(&o.hours, "hours", "10.00", "hours that test purchases are for")
	flags.Int64Var(&o.amount, "amount", 5000, "their price in the currency's minor unit: 5000 is €50.00")
	flags.StringVar(&o.currency, "currency", "eur", "its lower-case ISO code")
	cli.AddJSONFlag(cmd, &o.asJSON)
}

// checkUsage completes the options and refuses those that don't go together.
func (t *webhookTest) checkUsage(given func(flag string) bool) error {
	o := &t.options
	if o.all {
		o.validateConfig, o.createData, o.testEndpoint, o.instructions = true, true, true, true
	}
	makes := o.createData || o.testEndpoint
	sends := o.testEndpoint || (given("payment-intent-id") && !o.createData)
	for _, flag := range []string{"student-id", "hours", "amount", "currency"} {
		if given(flag) && !makes {
			return fmt.Errorf("--%s: goes with --create-test-data, --test-endpoint or --all", flag)
		}
	}
	switch {
	case given("url") && !sends:
		return errors.New("--url: goes with --test-endpoint, --payment-intent-id or --all")
	case !makes && !sends && !o.validateConfig && !o.instructions:
		return errors.New("nothing to do: add --all, --validate-config, --create-test-data, --test-endpoint, --payment-intent-id or --stripe-cli-instructions")
	case o.asJSON && o.instructions && !o.all:
		return errors.New("--json: --stripe-cli-instructions are for people; leave one of the two out")
	}
	if given("payment-intent-id") {
		if err := models.ValidateID("--payment-intent-id", o.paymentIntent); err != nil {
			return err
		}
	}
	if err := t.checkTerms(given("student-id")); err != nil {
		return err
	}
	return o.checkURL(given("url"))
}

func (t *webhookTest) checkTerms(studentGiven bool) error {
	o := &t.options
	sold, err := hours.Parse(o.hours)
	if err != nil {
		return fmt.Errorf("--hours: %w", err)
	}
	t.terms = models.Terms{Amount: o.amount, Currency: o.currency, Hours: sold, Sold: true}
	if !studentGiven {
		o.studentID = "test_student"
		if o.currency != "eur" {
			o.studentID += "_" + o.currency // an account has one currency
		}
	}
	if err := models.ValidateTerms(sold, o.amount, o.currency); err != nil {
		return err
	}
	return models.ValidateID("--student-id", o.studentID)
}

// checkURL turns the service's base address into its webhook's, without the
// trailing slash.
func (o *webhookTestOptions) checkURL(given bool) error {
	if !given {
		return nil
	}
	address, err := url.Parse(o.url)
	if err != nil || (address.Scheme != "http" && address.Scheme != "https") || address.Host == "" || address.RawQuery != "" {
		return fmt.Errorf("--url: %q is not an address such as http://localhost:8000", o.url)
	}
	o.url = strings.TrimSuffix(strings.TrimRight(o.url, "/"), webhookPath) + webhookPath
	return nil
}

// run does what was asked for, in the order of the flags.
func (t *webhookTest) run(ctx context.Context) error {
	o := t.options
	purchases := o.createData || o.testEndpoint || o.paymentIntent != ""
	t.cfg, t.mistakes = config.Load(t.Environ)
	if t.mistakes != nil && purchases && !o.validateConfig {
		return cli.Usage(t.mistakes)
	}
	if o.createData && !o.validateConfig && !o.testEndpoint && !o.instructions {
		return t.onlyCreateData(ctx)
	}
	if o.validateConfig {
		t.section("Configuration", func() error { return t.checkConfig(ctx) })
	}
	if purchases {
		if err := t.tryPurchases(ctx); err != nil {
			return err
		}
	}
	if o.instructions {
		t.printInstructions()
	}
	return t.finish()
}
