package webhooks

import (
	"context"
	"encoding/json"
	"time"

	"github.com/coder/websocket"

	"hourbank/sandbox/api"
)

const (
	cliWriteTimeout = 10 * time.Second

	// cliAckTimeout is how long an acknowledgement is waited for.
	cliAckTimeout = 20 * time.Second
)

// cliDelivery is an event on its way to one CLI.
type cliDelivery struct {
	*delivery
	conversation string
	acked        chan struct{}
}

// sendToListeners sends an event to every CLI that is connected, in the
// account's version and in the latest: the CLI takes the one that it was
// started for.
func (w *Webhooks) sendToListeners(e *api.Event) {
	for _, l := range w.listeners {
		for _, v := range []api.Version{api.AccountVersion, api.NewestVersion} {
			if l.link != nil && v.Knows(e.About) {
				w.sendToListener(e, l, v)
			}
		}
	}
}

func (w *Webhooks) sendToListener(e *api.Event, l *listener, v api.Version) {
	d := &cliDelivery{
		delivery:     &delivery{Delivery: Delivery{Event: e.ID, Type: e.Type, Endpoint: l.id, State: deliveryWaiting}, event: e, version: v},
		conversation: api.NewID("wc_", 24),
		acked:        make(chan struct{}),
	}
	if w.remember(d.delivery); !w.render(d.delivery) {
		return
	}
	l.open[d.conversation] = d
	k := l.link
	w.store.Start(func(ctx context.Context) { w.tell(ctx, k, d) })
}

// tell sends an event to one CLI and waits for its acknowledgement.
func (w *Webhooks) tell(ctx context.Context, k *link, d *cliDelivery) {
	var err error
	select {
	case <-k.ready:
		err = w.write(ctx, k.conn, d)
	case <-k.ctx.Done():
	case <-ctx.Done():
	}
	if err == nil {
		timeout := time.NewTimer(cliAckTimeout)
		defer timeout.Stop()
		select {
		case <-d.acked:
		case <-k.ctx.Done():
		case <-timeout.C:
		case <-ctx.Done():
		}
	}
	w.store.Within(func() {
		d.Attempts, d.payload = 1, nil
		if err != nil {
			d.Error = err.Error()
		}
		if d.State == deliveryWaiting {
			d.State = deliveryAbandoned
		}
	})
}

func (w *Webhooks) write(ctx context.Context, conn *websocket.Conn, d *cliDelivery) error {
	var named any // null is the account's own version
	if d.version != api.AccountVersion {
		named = d.version
	}
	message, err := json.Marshal(map[string]any{
		"type": "webhook_event", "endpoint": map[string]any{"api_version": named}, "event_payload": string(d.payload),
		"http_headers": headers(d.payload, w.cfg.CLISecret), "webhook_conversation_id": d.conversation, "webhook_id": d.Endpoint,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cliWriteTimeout)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, message)
}
