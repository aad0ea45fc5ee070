package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hourbank/database"
)

// wholeAgain is how long a cluster may take until every node follows the primary: a node
// that comes back may have to be copied anew.
const wholeAgain = 5 * time.Minute

// Patroni is a PostgreSQL cluster of three nodes that Patroni watches over, with the
// settings of deploy/patroni/patroni.yml, and etcd.
type Patroni struct {
	Nodes []*PatroniNode

	tb                              testing.TB // with which it ends, whoever starts a node again
	folder, program, ctl, bin, etcd string
	owner                           *syscall.SysProcAttr
}

// PatroniNode is one node: a Patroni, and the PostgreSQL that it runs.
type PatroniNode struct {
	Name string

	cluster      *Patroni
	config, data string
	port, rest   string
	command      *exec.Cmd
	exited       chan struct{}
	frozen       []int // process ids
}

const patroniPassword = "a-password-of-the-tests"

// NewPatroni starts a cluster, or skips the test where a program of it is not installed.
func NewPatroni(tb testing.TB) *Patroni {
	tb.Helper()
	if testing.Short() {
		tb.Skip("-short: not on PostgreSQL")
	}
	p := &Patroni{tb: tb, bin: serverPrograms()}
	if p.bin == "" {
		tb.Skip("no PostgreSQL server programs on this machine: apt-get install postgresql")
	}
	var etcd string
	for program, at := range map[string]*string{"patroni": &p.program, "patronictl": &p.ctl, "etcd": &etcd} {
		var err error
		if *at, err = exec.LookPath(program); err != nil {
			tb.Skipf("no %s on this machine: apt-get install patroni etcd-server python3-etcd", program)
		}
	}
	var err error
	if p.folder, err = os.MkdirTemp("", "hourbank-patroni-"); err != nil {
		tb.Fatal(err)
	}
	if p.owner, err = notRoot(p.folder); err != nil {
		tb.Fatal(err)
	}
	remove, err := watchOver(p.folder, p.owner)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(remove)
	p.startEtcd(tb, etcd)
	for _, name := range []string{"n1", "n2", "n3"} {
		p.addNode(tb, name)
	}
	for _, node := range p.Nodes {
		node.Start(tb)
	}
	p.WaitUntilWhole(tb)
	return p
}

// startEtcd runs etcd with the v2 API.
func (p *Patroni) startEtcd(tb testing.TB, program string) {
	tb.Helper()
	p.etcd = "127.0.0.1:" + mustFreePort(tb)
	peers := "http://127.0.0.1:" + mustFreePort(tb)
	p.run(tb, "etcd", program, "--enable-v2", "--data-dir", filepath.Join(p.folder, "etcd"),
		"--listen-client-urls", "http://"+p.etcd, "--advertise-client-urls", "http://"+p.etcd,
		"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", "default="+peers)
	Eventually(tb, "etcd is healthy", func() bool {
		answer, err := get("http://" + p.etcd + "/health")
		return err == nil && strings.Contains(answer, "true")
	})
}

// addNode fills in the configuration of one.
func (p *Patroni) addNode(tb testing.TB, name string) {
	tb.Helper()
	n := &PatroniNode{
		Name: name, cluster: p, data: filepath.Join(p.folder, name), config: filepath.Join(p.folder, name+".yml"),
		port: mustFreePort(tb), rest: mustFreePort(tb),
	}
	template, err := os.ReadFile(filepath.Join(ModuleRoot(tb), "deploy", "patroni", "patroni.yml"))
	if err != nil {
		tb.Fatal(err)
	}
	values := map[string]string{
		"…": "", "NODE": name, "HOST": "127.0.0.1", "PGPORT": n.port, "REST_PORT": n.rest, "ETCD": p.etcd,
		"PGDATA": n.data, "PGBIN": p.bin, "PGRUN": p.folder, "NETWORK": "127.0.0.1/32", "WATCHDOG": "off",
		"SUPERUSER_PASSWORD": patroniPassword, "REPLICATION_PASSWORD": patroniPassword, "REST_PASSWORD": patroniPassword,
	}
	filled := os.Expand(string(template), func(variable string) string {
		value, known := values[variable]
		if !known {
			tb.Errorf("deploy/patroni/patroni.yml has a ${%s} that the harness doesn't fill in", variable)
		}
		return value
	})
	if err := os.WriteFile(n.config, []byte(filled), 0o644); err != nil {
		tb.Fatal(err)
	}
	p.Nodes = append(p.Nodes, n)
}

// run starts a program under a name: its output is in name.log, its process id in
// name.pid, by which watchOver ends it should the tests be killed.
func (p *Patroni) run(tb testing.TB, name, program string, args ...string) (*exec.Cmd, chan struct{}) {
	tb.Helper()
	script := `echo $$ > "$0.pid"; exec >> "$0.log" 2>&1; exec "$@"`
	command := exec.Command("sh", append([]string{"-c", script, filepath.Join(p.folder, name), program}, args...)...)
	command.SysProcAttr, command.Dir = p.owner, p.folder
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.folder, "LANG=C.UTF-8"}
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = command.Wait()                                  // its log says why
		_ = os.Remove(filepath.Join(p.folder, name+".pid")) // another may get the id
		close(exited)
	}()
	p.tb.Cleanup(func() {
		_ = command.Process.Kill() // it may be gone already
		<-exited
	})
	return command, exited
}

// NewDatabase makes a migrated database, which is reached at whichever node is the primary.
func (p *Patroni) NewDatabase(tb testing.TB) *Database {
	tb.Helper()
	// A standby that doesn't have the database yet would end the search for the primary.
	server := &postgresServer{url: "postgres://postgres:" + patroniPassword + "@127.0.0.1:" + p.Leader(tb).port + "/postgres"}
	name := "hourbank_test_" + RandomName()
	if err := server.makeDatabase(name); err != nil {
		tb.Fatal(err)
	}
	db := &Database{Engine: database.Postgres, URL: server.databaseURL(name)}
	return db.Via(p.Addresses()).With("target_session_attrs=read-write")
}

// Addresses are the hosts and ports of all nodes, with commas.
func (p *Patroni) Addresses() string {
	addresses := make([]string, len(p.Nodes))
	for i, node := range p.Nodes {
		addresses[i] = "127.0.0.1:" + node.port
	}
	return strings.Join(addresses, ",")
}

// member is what Patroni tells of a node.
type member struct {
	Name, Role, State string
	Timeline          int64
}

// members asks any node that answers.
func (p *Patroni) members() (members []member) {
	for _, node := range p.Nodes {
		answer, err := get("http://127.0.0.1:" + node.rest + "/cluster")
		var told struct{ Members []member }
		if err == nil && json.Unmarshal([]byte(answer), &told) == nil && len(told.Members) > 0 {
			return told.Members
		}
	}
	return nil
}

// Leader waits until there is one primary that says so itself, and gives it.
func (p *Patroni) Leader(tb testing.TB) *PatroniNode {
	tb.Helper()
	leader, found := p.Nodes[0], false
	Eventually(tb, "a node is the primary", func() bool {
		for _, node := range p.Nodes {
			if _, err := get("http://127.0.0.1:" + node.rest + "/primary"); err == nil {
				leader, found = node, true
			}
		}
		return found
	})
	return leader
}

// WaitUntilWhole waits until there is a primary, a synchronous standby and another one, all
// of the same timeline.
func (p *Patroni) WaitUntilWhole(tb testing.TB) {
	tb.Helper()
	Within(tb, wholeAgain, "every node follows the primary", func() bool {
		roles := map[string]int{}
		members := p.members()
		for _, m := range members {
			if m.State != "running" && m.State != "streaming" || m.Timeline != members[0].Timeline {
				return false
			}
			roles[m.Role]++
		}
		return roles["leader"] == 1 && roles["sync_standby"] == 1 && len(members) == len(p.Nodes)
	})
}

// Switchover asks Patroni to make another node the primary.
func (p *Patroni) Switchover(tb testing.TB) {
	tb.Helper()
	ctl := exec.CommandContext(tb.Context(), p.ctl, "-c", p.Nodes[0].config, "switchover", "--force")
	ctl.SysProcAttr, ctl.Dir = p.owner, p.folder
	ctl.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.folder, "LC_ALL=C.UTF-8", "LANG=C.UTF-8"}
	if output, err := ctl.CombinedOutput(); err != nil || !strings.Contains(string(output), "Successfully") {
		tb.Errorf("patronictl switchover: %v: %s", err, output)
	}
}

// Start runs the node's Patroni, which starts its PostgreSQL.
func (n *PatroniNode) Start(tb testing.TB) {
	tb.Helper()
	n.command, n.exited = n.cluster.run(tb, n.Name, n.cluster.program, n.config)
}

// KillPostmaster kills PostgreSQL's first process alone.
func (n *PatroniNode) KillPostmaster(tb testing.TB) {
	tb.Helper()
	signalAll(syscall.SIGKILL, n.postmaster(tb))
}

// Freeze stops Patroni and PostgreSQL where they stand, until Thaw.
func (n *PatroniNode) Freeze(tb testing.TB) {
	tb.Helper()
	postmaster := n.postmaster(tb)
	signalAll(syscall.SIGSTOP, n.command.Process.Pid, postmaster)
	n.frozen = append(children(postmaster), postmaster, n.command.Process.Pid) // it forks no more
	signalAll(syscall.SIGSTOP, n.frozen...)
}

// Thaw ends Freeze.
func (n *PatroniNode) Thaw() { signalAll(syscall.SIGCONT, n.frozen...) }

// Lose kills Patroni and PostgreSQL at once, as if the machine were gone, until Start.
func (n *PatroniNode) Lose(tb testing.TB) {
	tb.Helper()
	n.Freeze(tb) // so that nobody sees another one die
	signalAll(syscall.SIGKILL, n.frozen...)
	<-n.exited
}

// HoldUpStandbys keeps the standbys from hearing of anything new, until release.
func (p *Patroni) HoldUpStandbys(tb testing.TB) (release func()) {
	tb.Helper()
	leader, held := p.Leader(tb), []int{}
	for _, node := range p.Nodes {
		if node == leader {
			continue
		}
		for _, pid := range children(node.postmaster(tb)) {
			if title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && strings.Contains(string(title), "walreceiver") {
				held = append(held, pid)
			}
		}
	}
	signalAll(syscall.SIGSTOP, held...)
	if len(held) != len(p.Nodes)-1 {
		tb.Errorf("%d standbys are held up, of %d", len(held), len(p.Nodes)-1)
	}
	return func() { signalAll(syscall.SIGCONT, held...) }
}

func (n *PatroniNode) postmaster(tb testing.TB) (pid int) {
	tb.Helper()
	file, err := os.ReadFile(filepath.Join(n.data, "postmaster.pid"))
	if err == nil {
		_, err = fmt.Sscan(string(file), &pid)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return pid
}

func signalAll(how syscall.Signal, pids ...int) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, how) // it may be gone already
	}
}

func mustFreePort(tb testing.TB) string {
	tb.Helper()
	port, err := freePort()
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// get asks for a page, which must be answered 200 soon.
func get(address string) (body string, err error) {
	client := http.Client{Timeout: time.Second}
	answer, err := client.Get(address)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	all, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %d", answer.StatusCode)
	}
	return string(all), err
}
