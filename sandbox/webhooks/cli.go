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
	cliProtocol   = "stripecli-devproxy-v1"
	cliFeature    = "webhooks"
	cliReconnect  = 24 * 60 * 60     // seconds after which the CLI dials anew by itself
	cliMaxMessage = 4 << 20          // bytes: it echoes events and answers
	cliTimeout    = 20 * time.Second // to be told of an event and to say so
)

// link is one connection of a session. It exists before the CLI is told that
// it is connected, so that from then on no event misses it.
type link struct {
	id    string
	conn  *websocket.Conn
	ready chan struct{}           // closed once conn is there
	open  map[string]*cliDelivery // sent and not reported on yet
	ctx   context.Context         //nolint:containedctx // the connection's life
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
		id := api.NewID("cliws_", 24)
		w.links[id] = nil
		return api.Object{
			"websocket_authorized_feature": cliFeature, "websocket_id": id, "websocket_url": "ws://" + c.HTTP.Host + "/stripecli/subscribe/" + id,
			"secret": w.CLISecret, "reconnect_delay": cliReconnect, "default_version": api.AccountVersion, "latest_version": api.NewestVersion,
			"device_token": api.NewID("", 24), "display_connect_filter_warning": false,
		}, nil
	}
}

// Subscribe is the websocket of a session, which answers the request unless it
// gives an error. The CLI knows an ended session by the words of the error, and
// asks for a new one.
func (w *Webhooks) Subscribe(rw http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	k, known := w.connect(r.Context(), id, r.Header.Get("Websocket-Id"))
	if !known {
		return api.Refused(http.StatusNotFound, "Unknown WebSocket ID.")
	}
	if k == nil {
		return api.NewError(http.StatusServiceUnavailable, "api_error", "The sandbox has stopped.")
	}
	defer w.disconnect(k)
	conn, err := websocket.Accept(rw, r, &websocket.AcceptOptions{Subprotocols: []string{cliProtocol}})
	if err != nil {
		w.Log.Debug("sandbox refused a websocket", zap.Error(err)) // Accept has answered
		return nil
	}
	defer conn.CloseNow() //nolint:errcheck // it is over either way
	conn.SetReadLimit(cliMaxMessage)
	k.conn = conn
	close(k.ready)
	w.read(k)
	return nil
}

// connect puts a link in place of the session's earlier one, which ends. It
// gives none after Close, for nobody would end the connection.
func (w *Webhooks) connect(ctx context.Context, id, named string) (k *link, known bool) {
	w.store.Within(func() {
		var earlier *link
		if earlier, known = w.links[id]; !known || named != id || w.stopped {
			known = known && named == id
			return
		}
		w.readers.Add(1)
		if earlier != nil {
			earlier.end()
		}
		k = &link{id: id, ready: make(chan struct{}), open: map[string]*cliDelivery{}}
		k.ctx, k.end = context.WithCancel(ctx)
		w.links[id] = k
	})
	return k, known
}

func (w *Webhooks) disconnect(k *link) {
	w.store.Within(func() {
		if k.end(); w.links[k.id] == k {
			w.links[k.id] = nil
		}
	})
	w.readers.Done()
}

// Close ends all connections and waits until nobody reads them any more.
func (w *Webhooks) Close() {
	w.store.Within(func() {
		w.stopped = true
		for _, k := range w.connected() {
			k.end()
		}
	})
	w.readers.Wait()
	w.client.CloseIdleConnections()
}

// connected are the CLIs that listen.
func (w *Webhooks) connected() (links []*link) {
	for _, k := range w.links {
		if k != nil {
			links = append(links, k)
		}
	}
	return links
}

// read takes the CLI's messages until the connection ends.
func (w *Webhooks) read(k *link) {
	for {
		var message cliMessage
		_, raw, err := k.conn.Read(k.ctx)
		if err != nil {
			return
		}
		if json.Unmarshal(raw, &message) == nil { // the CLI ignores what it does not know, too
			w.store.Within(func() { k.heard(message) })
		}
	}
}

// cliMessage is what a CLI sends: an event_ack or a webhook_response.
type cliMessage struct {
	Type         string `json:"type"`
	Conversation string `json:"webhook_conversation_id"`
	Status       int    `json:"status"`
	ForwardURL   string `json:"forward_url"`
}

// heard notes what became of an event. The state is locked.
func (k *link) heard(message cliMessage) {
	d, ok := k.open[message.Conversation]
	switch {
	case !ok:
	case message.Type == "webhook_response":
		d.Status, d.URL = message.Status, message.ForwardURL
		delete(k.open, message.Conversation)
	case message.Type == "event_ack" && d.State == "waiting":
		d.State = "delivered"
		if d.version == api.AccountVersion {
			d.event.Pending = max(d.event.Pending-1, 0)
		}
		close(d.acked)
	}
}

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
	for _, k := range w.connected() {
		for _, v := range []api.Version{api.AccountVersion, api.NewestVersion} {
			if v.Knows(e.About) {
				w.sendToListener(e, k, v)
			}
		}
	}
}

func (w *Webhooks) sendToListener(e *api.Event, k *link, v api.Version) {
	d := &cliDelivery{
		delivery:     &delivery{Delivery: Delivery{Event: e.ID, Type: e.Type, Endpoint: k.id, State: "waiting"}, event: e, version: v},
		conversation: api.NewID("wc_", 24),
		acked:        make(chan struct{}),
	}
	if w.remember(d.delivery); !w.render(d.delivery) {
		return
	}
	k.open[d.conversation] = d
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
		"http_headers": headers(d.payload, w.CLISecret), "webhook_conversation_id": d.conversation, "webhook_id": d.Endpoint,
	})
	if err != nil {
		return err
	}
	return conn.Write(ctx, websocket.MessageText, message)
}
