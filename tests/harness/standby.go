package harness

import "testing"

const standbyName = "hourbank_standby"

// NewStandby makes a streaming copy of the cluster, which from now on every
// commit waits for.
func (c *Cluster) NewStandby(tb testing.TB) *Cluster {
	tb.Helper()
	standby := &Cluster{bin: c.bin, folder: c.folder, data: c.folder + "/standby", owner: c.owner, settings: c.settings}
	var err error
	if standby.port, err = freePort(); err != nil {
		tb.Fatal(err)
	}
	err = c.program("pg_basebackup", "-D", standby.data, "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync",
		"-d", "host=127.0.0.1 port="+c.port+" user=postgres application_name="+standbyName)
	if err != nil {
		tb.Fatal(err)
	}
	standby.Start(tb)
	c.Exec(tb, "ALTER SYSTEM SET synchronous_standby_names = '"+standbyName+"'")
	c.Exec(tb, "SELECT pg_reload_conf()")
	db := &Database{Engine: "postgres", URL: c.url()}
	Eventually(tb, "the standby is synchronous", func() bool {
		return db.Count(tb, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'") == 1
	})
	return standby
}

// Promote makes a standby a primary.
func (c *Cluster) Promote(tb testing.TB) {
	tb.Helper()
	c.Exec(tb, "SELECT pg_promote()")
}
