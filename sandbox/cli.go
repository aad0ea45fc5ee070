package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"
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

	// cliSessionLifetime is for how many seconds a session that nobody is
	// connected to may still be connected to.
	cliSessionLifetime = 60 * 60

	cliWriteTimeout = 10 * time.Second

	// cliAckTimeout is how long an acknowledgement is waited for.
	cliAckTimeout = 20 * time.Second

	// cliMaxMessage bounds what a CLI sends: it echoes events and answers.
	cliMaxMessage = 4 << 20
)

// listener is a session of a listening CLI.
type listener struct {
	id      string
	created int64                   // Unix seconds
	link    *link                   // nil while no CLI is connected
	open    map[string]*cliDelivery // sent and not reported on yet
}

// link is one connection of a session. It exists before the CLI is told that
// it is connected, so that from then on no event misses it.
type link struct {
	conn  *websocket.Conn
	ready chan struct{} // closed once conn is there
	gone  chan struct{} // closed once it ended
}

// cliDelivery is an event on its way to one CLI.
type cliDelivery struct {
	*delivery
	conversation string
	acked        chan struct{}
}

// cliSession is the answer that tells a CLI where to connect.
type cliSession struct {
	Feature        string  `json:"websocket_authorized_feature"`
	WebSocketID    string  `json:"websocket_id"`
	WebSocketURL   string  `json:"websocket_url"`
	Secret         string  `json:"secret"`
	ReconnectDelay int     `json:"reconnect_delay"` // seconds
	DefaultVersion version `json:"default_version"`
	LatestVersion  version `json:"latest_version"`
	DeviceToken    string  `json:"device_token"`
	ConnectWarning bool    `json:"display_connect_filter_warning"`
}

// createListener opens a session, of webhooks alone: logs and thin events are
// refused, so that nobody waits for what never comes.
func (c *call) createListener() (any, error) {
	f := c.form
	for _, told := range []string{"device_name", "forward_to_url", "forward_connect_to_url", "forward_thin_to_url", "forward_thin_connect_to_url"} {
		f.text(told) // for the dashboard
	}
	for _, feature := range f.texts("websocket_features") {
		if feature != cliFeature {
			f.fail(invalid("", "websocket_features", "The sandbox has no %s for a CLI: only %s.", feature, cliFeature))
		}
	}
	if f.has("filters") {
		f.fail(invalid("", "filters", "The sandbox has no logs to tail."))
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	l := &listener{id: newID("cliws_", usualID), created: c.now}
	for id, old := range c.listeners {
		if old.link == nil && old.created < c.now-cliSessionLifetime {
			delete(c.listeners, id)
		}
	}
	c.listeners[l.id] = l
	return cliSession{
		Feature:        cliFeature,
		WebSocketID:    l.id,
		WebSocketURL:   "ws://" + c.http.Host + "/stripecli/subscribe/" + l.id,
		Secret:         c.sandbox.cfg.CLISecret,
		ReconnectDelay: cliReconnect,
		DefaultVersion: accountVersion,
		LatestVersion:  newestVersion,
		DeviceToken:    newID("", usualID),
	}, nil
}

// subscribe is the websocket of a session. The CLI knows an ended session by
// the words of the error, and asks for a new one.
func (s *Sandbox) subscribe(w http.ResponseWriter, r *http.Request) {
	l := s.listening(r.PathValue("id"))
	if l == nil || r.Header.Get("Websocket-Id") != l.id {
		e := invalid("", "", "Unknown WebSocket ID.")
		e.status = http.StatusNotFound
		s.answerError(w, r, e)
		return
	}
	k := s.connect(l)
	if k == nil {
		s.answerError(w, r, &apiError{status: http.StatusServiceUnavailable, Type: typeAPI, Message: "The sandbox has stopped."})
		return
	}
	defer s.disconnect(l, k)
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{cliProtocol}})
	if err != nil {
		s.log.Debug("sandbox refused a websocket", zap.Error(err)) // Accept has answered
		return
	}
	defer conn.CloseNow() //nolint:errcheck // it is over either way
	conn.SetReadLimit(cliMaxMessage)
	if s.attach(l, k, conn) {
		s.read(r.Context(), l, conn)
	}
}

func (s *Sandbox) listening(id string) (l *listener) {
	s.within(func(st *state) { l = st.listeners[id] })
	return l
}

// connect puts a link in place of the session's earlier one. It gives nil where
// Run has ended, for nobody would end the connection.
func (s *Sandbox) connect(l *listener) (k *link) {
	var earlier *link
	s.within(func(st *state) {
		if st.stopped {
			return
		}
		st.readers++
		k = &link{ready: make(chan struct{}), gone: make(chan struct{})}
		earlier, l.link, l.open = l.link, k, map[string]*cliDelivery{}
	})
	s.cut(earlier)
	return k
}

// attach gives the link its connection, and tells whether to read it: not where
// Run has ended or another connection has come meanwhile.
func (s *Sandbox) attach(l *listener, k *link, conn *websocket.Conn) (ok bool) {
	s.within(func(st *state) {
		if ok = !st.stopped && l.link == k; ok {
			k.conn = conn
			close(k.ready)
		}
	})
	return ok
}

func (s *Sandbox) disconnect(l *listener, k *link) {
	s.within(func(st *state) {
		st.readers--
		close(k.gone)
		if l.link == k {
			l.link = nil
		}
		if st.readers == 0 && st.hungUp != nil {
			close(st.hungUp)
			st.hungUp = nil
		}
	})
}

// cut ends a link, if there is one; its reader then disconnects it.
func (s *Sandbox) cut(k *link) {
	if k == nil {
		return
	}
	var conn *websocket.Conn
	s.within(func(*state) { conn = k.conn })
	if conn != nil {
		_ = conn.CloseNow() // it is over either way
	}
}

// hangUp ends all connections and waits until nobody reads them any more.
func (s *Sandbox) hangUp() {
	var links []*link
	var hungUp chan struct{}
	s.within(func(st *state) {
		st.stopped = true
		for _, l := range st.listeners {
			links = append(links, l.link)
		}
		if st.readers > 0 {
			hungUp = make(chan struct{})
			st.hungUp = hungUp
		}
	})
	for _, k := range links {
		s.cut(k)
	}
	if hungUp != nil {
		<-hungUp
	}
}

// connected counts the CLIs that listen.
func (st *state) connected() (n int) {
	for _, l := range st.listeners {
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
func (s *Sandbox) read(ctx context.Context, l *listener, conn *websocket.Conn) {
	for {
		_, raw, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var message cliMessage
		if json.Unmarshal(raw, &message) != nil {
			continue // the CLI ignores what it does not know, too
		}
		s.within(func(*state) { l.heard(message) })
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
		if d.State == deliveryWaiting {
			d.State = deliveryDelivered
			if d.version == accountVersion {
				d.event.pending = max(d.event.pending-1, 0)
			}
			close(d.acked)
		}
	case "webhook_response":
		d.Status, d.URL = message.Status, message.ForwardURL
		delete(l.open, message.Conversation)
	}
}
