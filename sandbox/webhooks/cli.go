package webhooks

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"

	"hourbank/sandbox/api"
)

// The Stripe CLI's listen asks for a session, connects to its websocket, is
// sent each event as a webhook_event, acknowledges it by an event_ack, forwards
// it, and reports what came back as a webhook_response. The protocol is read
// from the CLI's public source (pkg/stripeauth, pkg/websocket, pkg/proxy).
const (
	cliProtocol = "stripecli-devproxy-v1"
	cliFeature  = "webhooks"

	// cliReconnect is after how many seconds the CLI dials anew by itself.
	cliReconnect = 24 * 60 * 60

	// cliMaxMessage bounds what a CLI sends: it echoes events and answers.
	cliMaxMessage = 4 << 20
)

// listener is a session of a listening CLI.
type listener struct {
	id   string
	link *link                   // nil while no CLI is connected
	open map[string]*cliDelivery // sent and not reported on yet
}

// link is one connection of a session. It exists before the CLI is told that
// it is connected, so that from then on no event misses it.
type link struct {
	conn  *websocket.Conn
	ready chan struct{}   // closed once conn is there
	ctx   context.Context //nolint:containedctx // the connection's life
	end   context.CancelFunc
}

// CreateListener opens a session, of webhooks alone: logs and thin events are
// refused, so that nobody waits for what never comes.
func (w *Webhooks) CreateListener(c *api.Call) api.Act {
	f := c.Form
	for _, told := range []string{"device_name", "forward_to_url", "forward_connect_to_url", "forward_thin_to_url", "forward_thin_connect_to_url"} {
		f.Text(told) // for the dashboard
	}
	for _, feature := range f.Texts("websocket_features") {
		if feature != cliFeature {
			f.Fail(api.Invalid("", "websocket_features", "The sandbox has no %s for a CLI: only %s.", feature, cliFeature))
		}
	}
	if f.Has("filters") {
		f.Fail(api.Invalid("", "filters", "The sandbox has no logs to tail."))
	}
	return func() (any, error) {
		l := &listener{id: api.NewID("cliws_", 24)}
		w.listeners[l.id] = l
		return api.Object{
			"websocket_authorized_feature": cliFeature, "websocket_id": l.id, "websocket_url": "ws://" + c.HTTP.Host + "/stripecli/subscribe/" + l.id,
			"secret": w.cfg.CLISecret, "reconnect_delay": cliReconnect, "default_version": api.AccountVersion, "latest_version": api.NewestVersion,
			"device_token": api.NewID("", 24), "display_connect_filter_warning": false,
		}, nil
	}
}

// Subscribe is the websocket of a session, which answers the request unless it
// gives an error. The CLI knows an ended session by the words of the error, and
// asks for a new one.
func (w *Webhooks) Subscribe(rw http.ResponseWriter, r *http.Request) error {
	var l *listener
	w.store.Within(func() { l = w.listeners[r.PathValue("id")] })
	if l == nil || r.Header.Get("Websocket-Id") != l.id {
		return api.Refused(http.StatusNotFound, "Unknown WebSocket ID.")
	}
	k := w.connect(r.Context(), l)
	if k == nil {
		return api.NewError(http.StatusServiceUnavailable, "api_error", "The sandbox has stopped.")
	}
	defer w.disconnect(l, k)
	conn, err := websocket.Accept(rw, r, &websocket.AcceptOptions{Subprotocols: []string{cliProtocol}})
	if err != nil {
		w.cfg.Log.Debug("sandbox refused a websocket", zap.Error(err)) // Accept has answered
		return nil
	}
	defer conn.CloseNow() //nolint:errcheck // it is over either way
	conn.SetReadLimit(cliMaxMessage)
	k.conn = conn
	close(k.ready)
	w.read(k, l)
	return nil
}

// connect puts a link in place of the session's earlier one, which ends. It
// gives nil after Close, for nobody would end the connection.
func (w *Webhooks) connect(ctx context.Context, l *listener) (k *link) {
	w.store.Within(func() {
		if w.stopped {
			return
		}
		w.readers.Add(1)
		if l.link != nil {
			l.link.end()
		}
		k = &link{ready: make(chan struct{})}
		k.ctx, k.end = context.WithCancel(ctx)
		l.link, l.open = k, map[string]*cliDelivery{}
	})
	return k
}

func (w *Webhooks) disconnect(l *listener, k *link) {
	w.store.Within(func() {
		k.end()
		if l.link == k {
			l.link = nil
		}
	})
	w.readers.Done()
}

// hangUp ends all connections and waits until nobody reads them any more.
func (w *Webhooks) hangUp() {
	w.store.Within(func() {
		w.stopped = true
		for _, l := range w.listeners {
			if l.link != nil {
				l.link.end()
			}
		}
	})
	w.readers.Wait()
}

// connected counts the CLIs that listen.
func (w *Webhooks) connected() (n int) {
	for _, l := range w.listeners {
		if l.link != nil {
			n++
		}
	}
	return n
}

// cliMessage is what a CLI sends: an event_ack or a webhook_response.
type cliMessage struct {
	Type         string `json:"type"`
	Conversation string `json:"webhook_conversation_id"`
	Status       int    `json:"status"`
	ForwardURL   string `json:"forward_url"`
}

// read takes the CLI's messages until the connection ends.
func (w *Webhooks) read(k *link, l *listener) {
	for {
		_, raw, err := k.conn.Read(k.ctx)
		if err != nil {
			return
		}
		var message cliMessage
		if json.Unmarshal(raw, &message) != nil {
			continue // the CLI ignores what it does not know, too
		}
		w.store.Within(func() { l.heard(message) })
	}
}

// heard notes what became of an event. The state is locked.
func (l *listener) heard(message cliMessage) {
	d, ok := l.open[message.Conversation]
	if !ok {
		return
	}
	switch message.Type {
	case "event_ack":
		if d.State == "waiting" {
			d.State = "delivered"
			if d.version == api.AccountVersion {
				d.event.Pending = max(d.event.Pending-1, 0)
			}
			close(d.acked)
		}
	case "webhook_response":
		d.Status, d.URL = message.Status, message.ForwardURL
		delete(l.open, message.Conversation)
	}
}

// cliTimeout is how long a CLI may take to be told of an event and to say so.
const cliTimeout = 20 * time.Second

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
		delivery:     &delivery{Delivery: Delivery{Event: e.ID, Type: e.Type, Endpoint: l.id, State: "waiting"}, event: e, version: v},
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
	ctx, cancel := context.WithTimeout(ctx, cliTimeout)
	defer cancel()
	defer context.AfterFunc(k.ctx, cancel)()
	var err error
	select {
	case <-k.ready:
		err = w.write(ctx, k.conn, d)
	case <-ctx.Done():
	}
	if err == nil {
		select {
		case <-d.acked:
		case <-ctx.Done():
		}
	}
	w.store.Within(func() {
		d.Attempts, d.payload = 1, nil
		if err != nil {
			d.Error = err.Error()
		}
		if d.State == "waiting" {
			d.State = "abandoned"
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
	return conn.Write(ctx, websocket.MessageText, message)
}
