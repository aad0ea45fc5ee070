package webhooktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
	"go.uber.org/zap"

	"hourbank/commands/cli"
	"hourbank/models"
	"hourbank/routes"
	"hourbank/services"
)

// webhookEndpoint is the webhook under test: the handler in this process,
// behind a loopback address, or a running service.
type webhookEndpoint struct {
	url         string // without the trailing slash
	where       string // for people
	secret      string
	client      *http.Client
	unreachable bool // set by the first delivery that got no answer
}

func (t *webhookTest) withEndpoint(ctx context.Context, s *services.Services, work func(*webhookEndpoint)) error {
	e := &webhookEndpoint{
		url: t.options.url, where: t.options.url + "/", secret: t.cfg.StripeWebhookSecrets[0],
		client: &http.Client{
			Timeout:       15 * time.Second,
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, ExpectContinueTimeout: 5 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // Stripe follows none
		},
	}
	defer e.client.CloseIdleConnections()
	if e.url != "" {
		work(e)
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the handler under test: %w", err)
	}
	server := cli.NewHTTPServer(routes.New(t.cfg, s, zap.NewNop()))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	e.url, e.where = "http://"+listener.Addr().String()+webhookPath, "in this process"
	work(e)
	_ = server.Close() // nothing is in flight
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the handler under test: %w", err)
	}
	return nil
}

// delivery is one request to the webhook.
type delivery struct {
	method    string // empty: POST
	path      string // after the webhook's address; empty: the trailing slash
	body      []byte
	signature string // empty: none
	ask       bool   // let the service refuse before the body is sent
}

// sign makes the Stripe-Signature header as Stripe does.
// https://docs.stripe.com/webhooks#verify-manually
func sign(body []byte, secret string, at time.Time) string {
	return webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: secret, Timestamp: at}).Header
}

// signed is a delivery as Stripe makes it now.
func (e *webhookEndpoint) signed(body []byte) delivery {
	return delivery{body: body, signature: sign(body, e.secret, time.Now())}
}

// reply is what the webhook answered, as far as it is compared.
type reply struct {
	status    int
	allow     string
	code      string // of a problem
	outcome   string // of an event
	reason    string
	duplicate bool
	err       error
}

func (e *webhookEndpoint) send(ctx context.Context, d delivery) reply {
	if d.method == "" {
		d.method = http.MethodPost
	}
	if d.path == "" {
		d.path = "/"
	}
	request, err := http.NewRequestWithContext(ctx, d.method, e.url+strings.TrimPrefix(d.path, noSlash), bytes.NewReader(d.body))
	if err != nil {
		return reply{err: err}
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "Stripe/1.0 (hourbank "+models.MadeByTest+")")
	if d.signature != "" {
		request.Header.Set("Stripe-Signature", d.signature)
	}
	if d.ask {
		request.Header.Set("Expect", "100-continue")
	}
	response, err := e.client.Do(request)
	if err != nil {
		e.unreachable = true
		return reply{err: err}
	}
	defer response.Body.Close() //nolint:errcheck // it is read to its end
	return readReply(response)
}

// noSlash is the path of the address without its trailing slash.
const noSlash = "-"

func readReply(response *http.Response) reply {
	r := reply{status: response.StatusCode, allow: response.Header.Get("Allow")}
	var body struct {
		Code      string  `json:"code"`
		Status    any     `json:"status"` // a word of an outcome, a number of a problem
		Reason    *string `json:"reason"`
		Duplicate bool    `json:"duplicate"`
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil || json.Unmarshal(content, &body) != nil {
		return r // not an answer of ours; its status says so
	}
	r.code, r.duplicate = body.Code, body.Duplicate
	r.outcome, _ = body.Status.(string)
	if body.Reason != nil {
		r.reason = *body.Reason
	}
	return r
}

// String words the reply in the way that expectations are written.
func (r reply) String() string {
	if r.err != nil {
		cause := r.err
		if wrapped, ok := errors.AsType[*url.Error](r.err); ok {
			cause = wrapped.Err // without the address, which is in the title
		}
		return "no answer: " + cause.Error()
	}
	if r.status == http.StatusMethodNotAllowed {
		return fmt.Sprintf("%d, Allow: %s", r.status, r.allow)
	}
	words := []string{fmt.Sprint(r.status)}
	for _, word := range []string{r.code, r.outcome, r.reason} {
		if word != "" {
			words = append(words, word)
		}
	}
	if r.duplicate {
		words = append(words, "duplicate")
	}
	return strings.Join(words, ", ")
}

// hint says what a reply to a good event may mean.
func (r reply) hint() string {
	switch {
	case r.err != nil:
		return "Is the service running, and is this its address?"
	case r.code == string(models.CodeInvalidSignature):
		return "STRIPE_WEBHOOK_SECRET here is not the service's, or something on the way changes the body."
	case r.outcome == "parked":
		return "The service doesn't know the purchase: DATABASE_URL here is not the service's."
	case r.reason == "livemode_mismatch":
		return "STRIPE_SECRET_KEY here and the service's are of different modes (test, live)."
	case r.status >= http.StatusMultipleChoices && r.status < http.StatusBadRequest:
		return "Stripe follows no redirect: give it the address that answers."
	case r.status == http.StatusNotFound:
		return "There is no webhook at this address."
	default:
		return ""
	}
}
