package faults

import (
	"io"
	"net"
	"net/http"
	"testing"

	"hourbank/tests/harness"
)

// A primary that freezes under load (it accepts, and never answers) is given up:
// once its synchronous standby is promoted, the service follows as it does after
// a crash, reads and new replicas too, while the frozen one is still there.
func TestFrozenPrimary(t *testing.T) {
	t.Parallel()
	for range rounds(t, 1, 20) {
		t.Run("round", freeze)
	}
}

func freeze(t *testing.T) {
	primary := harness.NewCluster(t)
	standby := primary.NewStandby(t)
	db := primary.NewDatabase(t).Via(primary.Address() + "," + standby.Address()).With("target_session_attrs=read-write")
	d := newDriver(t, db)
	d.prepare(150)
	app := db.ServeProcess(t).App
	d.to(app)
	stop := d.load()
	d.feed(300)
	d.more(100)
	primary.Freeze(t)
	d.refused()
	standby.Promote(t)
	d.recovers()
	harness.Within(t, recovery, "it is ready", func() bool {
		answer, err := app.Try(http.MethodGet, "/readyz", "")
		return err == nil && answer.Status == http.StatusOK
	})
	// One that starts now meets nothing but a silent host first.
	d.to(db.ServeProcess(t).App)
	d.recovers()
	stop()
	d.db = db.Via(standby.Address()) // the test's own connections would wait
	d.settle()
}

// A host that was silent from the start holds up neither the start nor a query.
func TestSilentHost(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts; nobody answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	db := harness.NewDatabase(t, "postgres")
	d := newDriver(t, db)
	d.add(20)
	beside := db.Via(silent.Addr().String() + "," + db.Address(t))
	d.to(beside.ServeProcess(t).App)
	d.settle()
	if result := db.Via(silent.Addr().String()).Run(t, "audit"); result.Code != 1 {
		t.Errorf("with no other host: %+v", result)
	}
}

// A server that is too slow for the first connection, as on a machine that has just begun,
// is tried again by a program that starts.
func TestSlowAtTheStart(t *testing.T) {
	t.Parallel()
	db := harness.NewDatabase(t, "postgres")
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		for tries := 0; ; tries++ {
			client, err := server.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = client.Close() })
			if tries == 0 {
				continue // nobody answers it
			}
			behind, err := net.Dial("tcp", db.Address(t))
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(behind, client); _ = behind.Close() }()
			go func() { _, _ = io.Copy(client, behind); _ = client.Close() }()
		}
	}()
	db.Via(server.Addr().String()).With("connect_timeout=1", "sslmode=disable").MustRun(t, "audit")
}
