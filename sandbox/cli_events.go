package sandbox

import (
	"context"
	"encoding/json"
	"time"

	"github.com/coder/websocket"
)

// cliEvent is an event as a CLI is sent it.
type cliEvent struct {
	Type         string            `json:"type"`
	Endpoint     map[string]any    `json:"endpoint"`
	Payload      string            `json:"event_payload"`
	Headers      map[string]string `json:"http_headers"`
	Conversation string            `json:"webhook_conversation_id"`
	WebhookID    string            `json:"webhook_id"`
}

// sendToListeners sends an event to every CLI that is connected, in the
// account's version and in the latest: the CLI takes the one that it was
// started for.
func (c *call) sendToListeners(e *event) {
	for _, l := range c.listeners {
		if l.link == nil {
			continue
		}
		c.sendToListener(e, l, accountVersion)
		c.sendToListener(e, l, newestVersion)
	}
}

func (c *call) sendToListener(e *event, l *listener, v version) {
	if !v.knows(e.about.Object) {
		return
	}
	d := &cliDelivery{
		delivery: &delivery{
			Delivery: Delivery{Event: e.ID, Type: e.kind, Endpoint: l.id, State: deliveryWaiting},
			event:    e, version: v,
		},
		conversation: newID("wc_", usualID),
		acked:        make(chan struct{}),
	}
	c.remember(d.delivery)
	if !c.fix(d.delivery) {
		return
	}
	l.open[d.conversation] = d
	s, k := c.sandbox, l.link
	c.start(func(ctx context.Context) { s.tell(ctx, k, d) })
}

// tell sends an event to one CLI and waits for its acknowledgement.
func (s *Sandbox) tell(ctx context.Context, k *link, d *cliDelivery) {
	var err error
	select {
	case <-k.ready:
		err = s.write(ctx, k.conn, d)
	case <-k.gone:
	case <-ctx.Done():
	}
	if err == nil {
		timeout := time.NewTimer(cliAckTimeout)
		defer timeout.Stop()
		select {
		case <-d.acked:
		case <-k.gone:
		case <-timeout.C:
		case <-ctx.Done():
		}
	}
	s.within(func(*state) {
		d.Attempts, d.payload = 1, nil
		if err != nil {
			d.Error = err.Error()
		}
		if d.State == deliveryWaiting {
			d.State = deliveryAbandoned
		}
	})
}

func (s *Sandbox) write(ctx context.Context, conn *websocket.Conn, d *cliDelivery) error {
	var named any // null is the account's own version
	if d.version != accountVersion {
		named = d.version
	}
	message, err := json.Marshal(cliEvent{
		Type:     "webhook_event",
		Endpoint: map[string]any{"api_version": named},
		Payload:  string(d.payload),
		Headers: map[string]string{
			"Content-Type":     "application/json; charset=utf-8",
			"User-Agent":       "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
			"Stripe-Signature": sign(d.payload, s.cfg.CLISecret),
		},
		Conversation: d.conversation,
		WebhookID:    d.Endpoint,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cliWriteTimeout)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, message)
}
