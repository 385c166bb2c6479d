// Package failover tests two servers, of which one takes over the sessions of the other: real processes, etcd
// as Debian installs it, and a client behind a switch.
package failover

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// bin is the directory of our compiled programs.
var bin string

func TestMain(m *testing.M) {
	os.Exit(labtest.Main(m, func(dir string) error { bin = dir; return nil }, "./cmd/pppoe-client", "./cmd/pppoe-server", "./test/load"))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// address is that of the access concentrator, which both machines share.
const address = "02:00:5e:00:53:01"

// target is a host of the core, behind the active server.
const target = "10.8.0.1"

// testbed is a switch with two servers and a client, a network of the core, and one of etcd.
type testbed struct {
	t        testing.TB
	dir      string
	sessions int
	path     string         // the data path
	wire     *lab.Namespace // has all switches: ports of the segment are pa, pb and pc, those to etcd ea and eb
	core     *lab.Namespace // has target, and etcd
	client   *lab.Namespace
	etcd     *lab.Program
	dialer   *lab.Program // the client; nil: none
	servers  map[string]*server
}

// server is one of the servers' machines, a or b.
type server struct {
	name    string
	ns      *lab.Namespace
	program *lab.Program
	config  string
	logs    string // of earlier programs
}

// withoutEtcd is an option of newTestbed: the test starts etcd.
const withoutEtcd = "without etcd"

func newTestbed(t testing.TB, sessions int, path string, options ...string) *testbed {
	t.Helper()
	roottest.Need(t, "etcd", "ping", "tcpdump", "nsenter", "ip", "tc")
	w := &testbed{t: t, dir: t.TempDir(), sessions: sessions, path: path, wire: labtest.Namespace(t), core: labtest.Namespace(t), client: labtest.Namespace(t), servers: make(map[string]*server)}
	for _, bridge := range []string{"br0", "br1", "br2"} {
		check(t, w.wire.Bridge(bridge))
	}
	w.plug(w.client, "eth0", "pc", "br0")
	w.plug(w.core, "eth1", "cc", "br1")
	w.plug(w.core, "eth2", "ec", "br2")
	check(t, w.core.Address("eth1", target+"/24"))
	check(t, w.core.Address("eth2", "10.9.0.1/24"))
	if !slices.Contains(options, withoutEtcd) {
		w.launchEtcd("http")
	}
	for i, name := range []string{"a", "b"} {
		s := &server{name: name, ns: labtest.Namespace(t)}
		w.servers[name] = s
		w.plug(s.ns, "eth0", "p"+name, "br0")
		w.plug(s.ns, "eth1", "c"+name, "br1")
		w.plug(s.ns, "eth2", "e"+name, "br2")
		check(t, s.ns.Address("eth1", fmt.Sprintf("10.8.0.%d/24", 2+i)))
		check(t, s.ns.Address("eth2", fmt.Sprintf("10.9.0.%d/24", 2+i)))
		check(t, s.ns.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) }))
		w.configure(s, fmt.Sprintf("10.8.0.%d", 2+i))
	}
	t.Cleanup(w.logFailure)
	return w
}

// logFailure logs the output of the servers if the test has failed.
func (w *testbed) logFailure() {
	for _, s := range w.servers {
		if w.t.Failed() && s.program != nil {
			w.t.Logf("server %s:\n%s%s", s.name, s.logs, s.program.Log())
		}
	}
	if w.t.Failed() && w.dialer != nil {
		w.t.Logf("client:\n%s", w.dialer.Log())
	}
	if routes, err := w.core.Run("ip", "route"); err == nil && w.t.Failed() {
		w.t.Log(routes)
	}
}

// plug connects a machine to a switch.
func (w *testbed) plug(in *lab.Namespace, name, port, bridge string) {
	w.t.Helper()
	check(w.t, lab.Veth(lab.End{In: w.wire, Name: port}, lab.End{In: in, Name: name}))
	check(w.t, w.wire.AddBridgePorts(bridge, port))
}

// launchEtcd starts etcd, for clients of http or https.
func (w *testbed) launchEtcd(scheme string, flags ...string) {
	w.t.Helper()
	cmd := exec.Command("etcd", append([]string{"--data-dir", filepath.Join(w.dir, "etcd"), "--listen-client-urls", scheme + "://10.9.0.1:2379", "--advertise-client-urls", scheme + "://10.9.0.1:2379",
		"--listen-peer-urls", "http://127.0.0.1:2380", "--initial-advertise-peer-urls", "http://127.0.0.1:2380", "--initial-cluster", "default=http://127.0.0.1:2380", "--logger", "zap"}, flags...)...)
	w.etcd = w.launch(w.core, cmd)
	check(w.t, w.etcd.Await("serving (insecure )?client (requests|traffic)"))
}

func (w *testbed) launch(in *lab.Namespace, cmd *exec.Cmd, binds ...lab.BindMount) *lab.Program {
	w.t.Helper()
	p, err := in.Launch(cmd, binds...)
	check(w.t, err)
	w.t.Cleanup(func() { p.Kill() })
	return p
}

const configuration = `
[server]
ac-name = "bng"
foreground = true
state-directory = %[1]q
[[interface]]
name = "eth0"
[device]
mode = "shared"
data-path = %[6]q
[sessions]
max = %[5]d
[ppp]
echo-interval = "1s"
echo-failures = 10
[ipv4]
local-address = "192.0.2.1"
first-address = "172.16.0.1"
[authentication]
methods = ["chap"]
chap-secrets = "%[2]s/chap-secrets"
[control]
socket = "%[1]s/control.sock"
[cluster]
machines = ["a", "b"]
name = %[3]q
address = %[4]q
etcd = ["10.9.0.1:2379"]
script = "%[1]s/changed"
`

// changed is the script of a cluster: the core's route to the clients goes to the active machine.
const changed = `#!/bin/sh
[ "$UPPPOE_STATE" = active ] || exit 0
exec nsenter --net=/proc/%d/ns/net ip route replace 172.16.0.0/16 via %s
`

func (w *testbed) configure(s *server, core string) {
	w.t.Helper()
	dir := filepath.Join(w.dir, s.name)
	check(w.t, os.MkdirAll(dir, 0o755))
	s.config = filepath.Join(dir, "server.toml")
	check(w.t, os.WriteFile(s.config, fmt.Appendf(nil, configuration, dir, w.dir, s.name, address, w.sessions, w.path), 0o600))
	check(w.t, os.WriteFile(filepath.Join(w.dir, "chap-secrets"), []byte("* * secret *\n"), 0o600))
	if w.etcd == nil {
		return
	}
	check(w.t, os.WriteFile(filepath.Join(dir, "changed"), fmt.Appendf(nil, changed, w.etcd.PID(), core), 0o755))
}

// start starts servers at once, and waits until they are standby.
func (w *testbed) start(servers ...*server) {
	w.t.Helper()
	for _, s := range servers {
		w.begin(s)
	}
	for _, s := range servers {
		check(w.t, s.program.Await("is standby"))
	}
}

// awaitActive waits until a server has become active for the nth time in its program.
func (w *testbed) awaitActive(s *server, n int) {
	w.t.Helper()
	check(w.t, s.program.Await(fmt.Sprintf(`(?s)(is active, with.*){%d}Serving on eth0[^\n]*\n`, n)))
}

// clusterStatus is what a server says of the cluster.
type clusterStatus struct {
	Unwritten int
	Consented bool
}

// awaitCluster waits until what a server says of the cluster is as wanted.
func (w *testbed) awaitCluster(s *server, what string, is func(clusterStatus) bool) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var now struct{ Cluster *clusterStatus }
		out, err := w.command(s, "status", "--json")
		if err == nil && json.Unmarshal([]byte(out), &now) == nil && now.Cluster != nil && is(*now.Cluster) {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("server %s: %s: not within a minute: %v, %s", s.name, what, err, out)
		}
	}
}

// awaitAdoptable waits until a server has a number of sessions that another can take over, and etcd has them. A client
// that is online does not show that: the server may still have to read its last packets. Its answer to an echo comes
// after these.
func (w *testbed) awaitAdoptable(active *server, n int) {
	w.t.Helper()
	w.awaitNegotiated(active, n)
	w.awaitWritten(active)
}

// awaitNegotiated waits until a server has a number of sessions, all of whose clients have answered an echo.
func (w *testbed) awaitNegotiated(s *server, n int) {
	w.t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		out, err := w.command(s, "sessions", "--json")
		var rows []struct {
			State string
			RTT   float64 `json:"rtt_ms"`
		}
		err = errors.Join(err, json.Unmarshal([]byte(out), &rows))
		ready := 0
		for _, row := range rows {
			if row.State == "online" && row.RTT > 0 {
				ready++
			}
		}
		if err == nil && ready == n && len(rows) == n {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("server %s: %d of %d sessions are online and have answered an echo, want %d: %v", s.name, ready, len(rows), n, err)
		}
	}
}

// awaitWritten waits until etcd has all sessions of the active server. Until then a client whose server is killed may be
// sent a PADT: a set-up does not wait for etcd.
func (w *testbed) awaitWritten(active *server) {
	w.t.Helper()
	w.awaitCluster(active, "all sessions are in etcd", func(is clusterStatus) bool { return is.Unwritten == 0 })
}

func (s *server) count(text string) int { return strings.Count(s.program.Log(), text) }

// dial starts a client with a device and a default route, and waits until it is online.
func (w *testbed) dial() {
	w.t.Helper()
	dir := w.t.TempDir()
	cmd := exec.Command(filepath.Join(bin, "pppoe-client"), "eth0", "user", "alice", "password", "secret", "noauth", "nodetach", "defaultroute", "noipv6", "lcp-echo-interval", "1", "lcp-echo-failure", "10")
	for _, name := range []string{"etc", "run", "lib"} {
		check(w.t, os.MkdirAll(filepath.Join(dir, name), 0o755))
	}
	p := w.launch(w.client, cmd, lab.BindMount{Source: filepath.Join(dir, "etc"), Target: "/etc/ppp"}, lab.BindMount{Source: filepath.Join(dir, "run"), Target: "/run"}, lab.BindMount{Source: filepath.Join(dir, "lib"), Target: "/var/lib"})
	w.dialer = p
	check(w.t, p.Await("local  IP address|local IP address"))
}

// ip runs ip(8) in the namespace of the switches.
func (w *testbed) ip(args ...string) {
	w.t.Helper()
	if out, err := w.wire.Run("ip", args...); err != nil {
		w.t.Fatalf("ip %v: %v %s", args, err, out)
	}
}

// stamps are the times of the first and last frame of something, as the kernel received them.
type stamps struct{ first, last float64 }

// capture records frames from the access concentrator's address at the port of a server, until end is called.
func (w *testbed) capture(s *server) (end func() stamps) {
	w.t.Helper()
	p := w.launch(w.wire, exec.Command("tcpdump", "-i", "p"+s.name, "-Q", "in", "-B", "65536", "-tt", "-n", "-q", "-l", "-s", "64", "ether", "src", address))
	check(w.t, p.Await("listening on"))
	return func() (found stamps) {
		p.Stop()
		for _, line := range regexp.MustCompile(`(?m)^\d+\.\d+ `).FindAllString(p.Log(), -1) {
			var at float64
			fmt.Sscan(line, &at)
			if found.first == 0 {
				found.first = at
			}
			found.last = at
		}
		return found
	}
}

// kill kills a server, and waits until it has ended.
func (w *testbed) kill(s *server) {
	w.t.Helper()
	check(w.t, unix.Kill(s.program.PID(), unix.SIGKILL))
	s.program.Wait()
}

// pings sends an echo request each 10 ms from the client to the target, until end is called, which returns the
// longest time between two answers.
func (w *testbed) pings() (end func() time.Duration) {
	w.t.Helper()
	p := w.launch(w.client, exec.Command("ping", "-n", "-D", "-i", "0.01", target))
	check(w.t, p.Await("icmp_seq=10 "))
	return func() (longest time.Duration) {
		check(w.t, unix.Kill(p.PID(), unix.SIGINT))
		p.Wait()
		before := 0.0
		for _, stamp := range regexp.MustCompile(`(?m)^\[(\d+\.\d+)\].*icmp_seq=`).FindAllStringSubmatch(p.Log(), -1) {
			var at float64
			fmt.Sscan(stamp[1], &at)
			if before > 0 {
				longest = max(longest, time.Duration((at-before)*float64(time.Second)))
			}
			before = at
		}
		return longest
	}
}
