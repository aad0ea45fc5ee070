package controllers

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"hourbank/config"
)

// connectionsAtOnce is far more than Stripe, a browser or a whole office has
// open from one address, and takes some 20 MB.
const connectionsAtOnce = 1000

// connections counts by address who is connected. A bound on all together would
// let one stranger close the door for everybody.
type connections struct {
	proxies config.Networks // carry everybody, and are not counted
	log     *zap.Logger
	seldom  rate.Sometimes

	mu   sync.Mutex
	open map[netip.Prefix]int
}

// BoundConnections is for http.Server.ConnState: it hangs up on who has too many
// connections open. A few bytes are kept of each address that has one.
func BoundConnections(proxies config.Networks, log *zap.Logger) func(net.Conn, http.ConnState) {
	c := &connections{proxies: proxies, log: log, seldom: rate.Sometimes{Interval: time.Minute}, open: map[netip.Prefix]int{}}
	return c.changed
}

func (c *connections) changed(conn net.Conn, state http.ConnState) {
	peer, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil || c.proxies.Contain(peer) {
		return
	}
	if state == http.StateClosed || state == http.StateHijacked {
		c.add(networkOf(peer), -1)
	}
	if state != http.StateNew || c.add(networkOf(peer), 1) <= connectionsAtOnce {
		return
	}
	_ = conn.Close() // the server finds it closed, and says so here
	c.seldom.Do(func() {
		c.log.Warn("one address has too many connections open; TRUSTED_PROXIES names proxies", zap.String("peer", peer))
	})
}

// add gives how many a network has open then.
func (c *connections) add(network netip.Prefix, n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[network] += n
	left := c.open[network]
	if left == 0 {
		delete(c.open, network)
	}
	return left
}
