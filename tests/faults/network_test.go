package faults

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"

	"hourbank/database"
	"hourbank/tests/harness"
)

// proxy stands between the service and the database.
type proxy struct {
	*toxiproxy.Proxy
	t *testing.T
}

func newProxy(t *testing.T, db *harness.Database) (*proxy, *harness.Database) {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "database", "127.0.0.1:0", db.Address(t))
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return &proxy{Proxy: p, t: t}, db.Via(p.Listen)
}

// add makes the connections worse until remove is called.
func (p *proxy) add(kind, stream, attributes string) (toxic toxics.Toxic, remove func()) {
	p.t.Helper()
	added, err := p.Toxics.AddToxicJson(strings.NewReader(
		fmt.Sprintf(`{"name":%q,"type":%q,"stream":%q,"attributes":%s}`, kind+stream, kind, stream, attributes)))
	if err != nil {
		p.t.Fatal(err)
	}
	return added.Toxic, func() {
		if err := p.Toxics.RemoveToxic(p.t.Context(), kind+stream); err != nil {
			p.t.Error(err)
		}
	}
}

// cutAtCommit is a toxic that cuts connections in the middle of COMMIT: in
// turn before the server heard of it, and before we hear its answer.
type cutAtCommit struct{ cuts atomic.Int64 }

const cutType = "cut_at_commit"

func (c *cutAtCommit) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case chunk := <-stub.Input:
			if chunk == nil {
				stub.Close()
				return
			}
			// One commit in four, so that others pass and there is a load.
			if bytes.Contains(bytes.ToLower(chunk.Data), []byte("commit\x00")) {
				switch n := c.cuts.Add(1); n % 8 {
				case 0:
					stub.Close()
					return
				case 4:
					stub.Output <- chunk
					stub.Close()
					return
				}
			}
			stub.Output <- chunk
		}
	}
}

func TestConnectionsCutInTheMiddleOfCommit(t *testing.T) {
	t.Parallel()
	toxics.Register(cutType, &cutAtCommit{})
	db := harness.NewDatabase(t, database.Postgres)
	proxy, slow := newProxy(t, db)
	d := newDriver(t, db)
	d.to(slow.ServeProcess(t).App)
	commits, remove := proxy.add(cutType, "upstream", "{}")
	d.add(20 * rounds(t, 10, 1))
	stop := d.load()
	d.all()
	stop()
	remove()
	n := commits.(*cutAtCommit).cuts.Load()
	if n < 8 {
		t.Errorf("only %d commits passed the proxy", n)
	}
	d.settle()
	t.Logf("%d commits, of which %d were cut before the server heard of them, %d after", n, n/8, (n+4)/8)
}

// A network that delays, chops, truncates or swallows what passes it.
func TestNetworkFaults(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	proxy, slow := newProxy(t, db)
	d := newDriver(t, db)
	const kinds = 4
	faults := max(kinds, rounds(t, kinds, 10))
	d.prepare(80 * faults)
	d.to(slow.ServeProcess(t).App)
	stop := d.load()
	for round := range faults {
		d.feed(150)
		var remove func()
		switch round % kinds {
		case 0:
			_, remove = proxy.add("latency", "downstream", `{"latency":40,"jitter":40}`)
			d.more(20)
		case 1:
			_, remove = proxy.add("slicer", "upstream", `{"average_size":64,"size_variation":32,"delay":10}`)
			d.more(20)
		case 2:
			_, remove = proxy.add("limit_data", "downstream", `{"bytes":3000}`)
			d.refused()
		case 3:
			_, remove = proxy.add("timeout", "upstream", `{"timeout":0}`) // nothing passes, and nobody says so
			d.refused()
		}
		remove()
		d.recovers()
		progress(t, round, faults, d)
	}
	stop()
	d.settle()
	t.Logf("%d faults of the network", faults)
}

// The proxy goes away altogether, as a network does, and comes back.
func TestNetworkGone(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, database.Postgres)
	proxy, slow := newProxy(t, db)
	d := newDriver(t, db)
	outages := rounds(t, 3, 5)
	d.prepare(120 * outages)
	d.to(slow.ServeProcess(t).App)
	stop := d.load()
	for round := range outages {
		d.feed(200)
		d.more(50)
		proxy.Stop()
		d.refused()
		if err := proxy.Start(); err != nil {
			t.Fatal(err)
		}
		d.recovers()
		progress(t, round, outages, d)
	}
	stop()
	d.settle()
	t.Logf("%d outages of the network", outages)
}
