package faults

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"hourbank/database"
	"hourbank/tests/harness"
)

// A full disk is 503, and once there is room again it works again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		disk := smallDisk(t)
		db := &harness.Database{Engine: database.SQLite, URL: "sqlite:" + filepath.Join(disk, "hourbank.db")}
		fillAndFree(t, db, disk)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		disk, cluster := smallDisk(t), harness.NewCluster(t)
		cluster.Own(t, disk)
		cluster.Exec(t, "CREATE TABLESPACE small LOCATION '"+disk+"'")
		cluster.Exec(t, "ALTER DATABASE template1 SET TABLESPACE small") // every new database is a copy
		fillAndFree(t, cluster.NewDatabase(t), disk)
	})
}

func fillAndFree(t *testing.T, db *harness.Database, disk string) {
	t.Helper()
	process := db.ServeProcess(t)
	d := newDriver(t, db)
	fillings := rounds(t, 2, 20)
	d.prepare(200 * fillings)
	d.to(process.App)
	stop := d.load()
	for round := range fillings {
		d.feed(400)
		d.more(20)
		free := fill(t, disk)
		d.refused()
		free()
		d.recovers()
		progress(t, round, fillings, d)
	}
	stop()
	d.settle()
	t.Logf("%d times the disk was full", fillings)
}

// smallDisk is a folder with room for 48 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small disk to fill takes root")
	}
	folder, err := os.MkdirTemp("", "hourbank-disk-") // not t.TempDir, which PostgreSQL's user may not enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(folder) })
	if output, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=48m,mode=0777", "hourbank", folder).CombinedOutput(); err != nil {
		t.Skipf("root, but no small disk can be mounted: %v: %s", err, output)
	}
	t.Cleanup(func() {
		if output, err := exec.Command("umount", "--lazy", folder).CombinedOutput(); err != nil {
			t.Errorf("unmount %s: %v: %s", folder, err, output)
		}
	})
	return folder
}

// fill takes all the room there is until free is called.
func fill(t *testing.T, disk string) (free func()) {
	t.Helper()
	ballast, err := os.Create(filepath.Join(disk, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer ballast.Close() //nolint:errcheck // what it holds is of no use
	for err == nil {
		_, err = ballast.Write(bytes.Repeat([]byte{1}, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(ballast.Name()); err != nil {
			t.Fatal(err)
		}
	}
}
