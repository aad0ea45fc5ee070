package webhooktest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"hourbank/models"
	"hourbank/services"
)

const (
	staleBy       = 6 * time.Minute // Stripe's own libraries allow 5
	togetherTimes = 8
	largestTested = 64 << 20 // bytes that an oversized body may cost us
)

// endpointCase is one request and the answer that the contract promises.
type endpointCase struct {
	name     string
	send     delivery
	expected string
}

// refusals are requests that must change nothing. Every one of them would pay
// the purchase if it were believed.
func (e *webhookEndpoint) refusals(success []byte, limit int64) []endpointCase {
	now := time.Now()
	good := sign(success, e.secret, now)
	cases := []endpointCase{
		{"wrong method", delivery{method: http.MethodGet}, "405, Allow: POST"},
		{"unsigned", delivery{body: success}, "400, missing_signature"},
		{"empty", delivery{signature: sign(nil, e.secret, now)}, "400, missing_payload"},
		{"forged: another secret", delivery{body: success, signature: sign(success, newStripeID("whsec"), now)}, "400, invalid_signature"},
		{"forged: body changed after signing", delivery{body: bytes.Replace(success, []byte("{"), []byte("{ "), 1), signature: good}, "400, invalid_signature"},
		{"malformed signature", delivery{body: success, signature: "nonsense"}, "400, invalid_signature"},
		{"stale: signed 6 minutes ago", delivery{body: success, signature: sign(success, e.secret, now.Add(-staleBy))}, "400, invalid_signature"},
		{"signed, but no event", e.signed([]byte(`{"hello":"world"}`)), "400, invalid_payload"},
		{"signed, but no JSON", e.signed([]byte("hello")), "400, invalid_payload"},
	}
	if limit < largestTested {
		large := e.signed(append(bytes.Repeat([]byte(" "), int(limit)), success...))
		large.ask = true
		cases = append(cases, endpointCase{"oversized", large, "413, payload_too_large"})
	}
	return cases
}

// checkEndpoint makes a purchase and sends it bad events, which must change
// nothing, and good ones, which must credit it once.
func (t *webhookTest) checkEndpoint(ctx context.Context, s *services.Services, e *webhookEndpoint) error {
	purchase, err := t.newPurchase(ctx, s, t.terms, newStripeID("pi"), nil)
	if err != nil {
		return err
	}
	before, err := s.Accounts.Balance(ctx, purchase.AccountID())
	if err != nil {
		return err
	}
	payment := newTestPayment(purchase)
	for _, c := range e.refusals(payment.succeeded(), t.cfg.MaxWebhookBytes) {
		answer := e.send(ctx, c.send)
		hint := answer.hint()
		if c.send.ask {
			hint = fmt.Sprintf("It had more than MAX_WEBHOOK_BYTES (%d here); is the service's larger?", t.cfg.MaxWebhookBytes)
		}
		t.compare(c.name, c.expected, answer.String(), hint)
		if e.unreachable {
			return nil
		}
	}
	if t.cfg.MaxWebhookBytes >= largestTested {
		t.skip("oversized", fmt.Sprintf("MAX_WEBHOOK_BYTES is %d, too much to send", t.cfg.MaxWebhookBytes))
	}
	if err := t.checkHours(ctx, s, "hours after what was refused", purchase, before, models.StatusProcessing, 0); err != nil {
		return err
	}
	if !t.checkGoodEvents(ctx, e, payment) {
		return nil
	}
	return t.checkHours(ctx, s, "hours after: credited once", purchase, before, models.StatusCompleted, purchase.Hours)
}

// checkGoodEvents sends one success in every way in which Stripe may, and
// says whether the service took it.
func (t *webhookTest) checkGoodEvents(ctx context.Context, e *webhookEndpoint, payment *testPayment) bool {
	success := payment.succeeded()
	answer := e.send(ctx, e.signed(success))
	if !t.compare("signed", "200, processed", answer.String(), answer.hint()) {
		t.skip("repeated, and hours after", "they need the signed event")
		return false
	}
	unslashed := e.signed(success)
	unslashed.path = noSlash
	unsupported := payment.event("customer.created", object{"id": newStripeID("cus"), "object": "customer"})
	for _, c := range []endpointCase{
		{"repeated", e.signed(success), "200, processed, duplicate"},
		{"repeated, without the trailing slash", unslashed, "200, processed, duplicate"},
		{"another event of the same success", e.signed(payment.succeeded()), "200, processed, stale"},
		{"a type that means nothing here", e.signed(unsupported), "200, ignored, unsupported_type"},
	} {
		answer := e.send(ctx, c.send)
		t.compare(c.name, c.expected, answer.String(), answer.hint())
	}
	t.compare(fmt.Sprintf("repeated, %d at once", togetherTimes), "200, processed, duplicate", e.sendTogether(ctx, success), "")
	t.checkSubscriptionsAddress(ctx, e, success)
	return true
}

// sendTogether repeats an event at the same moment and gives the different
// answers.
func (e *webhookEndpoint) sendTogether(ctx context.Context, body []byte) string {
	answers := make([]reply, togetherTimes)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = e.send(ctx, e.signed(body)) })
	}
	all.Wait()
	var different []string
	for _, answer := range answers {
		if s := answer.String(); !strings.Contains(strings.Join(different, "; "), s) {
			different = append(different, s)
		}
	}
	return strings.Join(different, "; ")
}

// checkSubscriptionsAddress repeats the event at the other address. Which
// secret a running service has there is only known where one is set here.
func (t *webhookTest) checkSubscriptionsAddress(ctx context.Context, e *webhookEndpoint, success []byte) {
	const name = "repeated, at the subscriptions' address"
	if t.options.url != "" && len(t.cfg.StripeSubscriptionsWebhookSecret) == 0 {
		t.skip(name, "needs STRIPE_SUBSCRIPTIONS_WEBHOOK_SECRET, as the service has it")
		return
	}
	answer := e.send(ctx, delivery{
		path: "/subscriptions/", body: success, signature: sign(success, t.cfg.SubscriptionSecrets()[0], time.Now()),
	})
	t.compare(name, "200, processed, duplicate", answer.String(), answer.hint())
}

// checkHours compares the purchase, the student's account and the ledger with
// what they were before and the hours that should have been credited since.
func (t *webhookTest) checkHours(ctx context.Context, s *services.Services, name string, p *models.Purchase, before *models.Account, status models.PaymentStatus, credited models.Hours) error {
	now, err := s.Purchases.Get(ctx, p.ID)
	if err != nil {
		return err
	}
	account, err := s.Accounts.Balance(ctx, p.AccountID())
	if err != nil {
		return err
	}
	t.compare(name+", purchase", showState(status, credited, 0), stateOf(now), "")
	t.compare(name+", student", showMove(before.HoursPurchased, before.HoursPurchased+credited),
		showMove(before.HoursPurchased, account.HoursPurchased), "Something else may have moved this student's hours meanwhile.")
	return nil
}

func showMove(before, after models.Hours) string { return fmt.Sprintf("%s → %s", before, after) }

// showState words a purchase's state: status, hours credited and reversed.
func showState(status models.PaymentStatus, credited, reversed models.Hours) string {
	return fmt.Sprintf("%s +%s −%s", status, credited, reversed)
}

func stateOf(p *models.Purchase) string {
	return showState(p.PaymentStatus, p.HoursCredited, p.HoursReversed)
}
