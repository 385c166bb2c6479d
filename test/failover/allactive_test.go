package failover

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

const allActive = `
[server]
ac-name = "bng"
foreground = true
state-directory = %[1]q
[[interface]]
name = "eth0"
[device]
mode = "shared"
[state]
file = "%[1]s/sessions"
[sessions]
max = 2000
duplicate = "replace"
[ipv4]
local-address = "192.0.2.1"
pool = "gold"
[[pool]]
name = "gold"
ranges = ["172.16.0.0/21"]
[ipv6]
networks = "2001:db8:1::/48"
delegated-prefixes = "2001:db8:100::/40"
delegated-length = 56
[authentication]
methods = ["chap"]
chap-secrets = "%[2]s/chap-secrets"
[access]
pado-delay = %[4]q
[control]
socket = "%[1]s/control.sock"
[cluster]
mode = "all-active"
machines = ["a", "b"]
name = %[3]q
etcd = ["10.9.0.1:2379"]
block-size = 16
`

// fixed is the address of a user who has it at whichever machine.
const fixed = "172.20.0.7"

// sharing is a PADO delay that grows with the sessions.
const sharing = "0,20:40,40:80,60:120,80:160,100:200,150:300"

// serveBoth configures and starts both servers. changes are pairs of what the configuration has, and has instead.
func (w *testbed) serveBoth(delay string, changes ...string) (a, b *server) {
	w.t.Helper()
	w.configureBoth(delay, changes...)
	a, b = w.servers["a"], w.servers["b"]
	w.serve(a)
	w.serve(b)
	return a, b
}

func (w *testbed) configureBoth(delay string, changes ...string) {
	w.t.Helper()
	text := strings.NewReplacer(changes...).Replace(allActive)
	for _, s := range w.servers {
		check(w.t, os.WriteFile(s.config, fmt.Appendf(nil, text, filepath.Join(w.dir, s.name), w.dir, s.name, delay), 0o600))
	}
	check(w.t, os.WriteFile(filepath.Join(w.dir, "chap-secrets"), fmt.Appendf(nil, "fixed * secret %s\npair * secret * -- max-sessions 2\n* * secret *\n", fixed), 0o600))
}

// serve starts a server, and waits until it serves. What an earlier program had open is closed a moment after its
// end.
func (w *testbed) serve(s *server) {
	w.t.Helper()
	w.await("server "+s.name, func() bool {
		w.begin(s)
		err := s.program.Await("Serving on eth0")
		if err != nil && !strings.Contains(s.program.Log(), "another program uses it") {
			w.t.Fatal(err)
		}
		return err == nil
	})
	w.t.Cleanup(func() { s.program.Stop() }) // before launch kills it: one that is killed leaves what is pinned
}

// begin starts a server.
func (w *testbed) begin(s *server) {
	w.t.Helper()
	if s.program != nil {
		s.logs += s.program.Log()
	}
	s.program = w.launch(s.ns, exec.Command(filepath.Join(bin, "pppoe-server"), "--config", s.config))
}

// callers are clients that dial.
type callers struct {
	w  *testbed
	ns *lab.Namespace
}

func (w *testbed) callers() *callers {
	c := &callers{w, labtest.Namespace(w.t)}
	w.plug(c.ns, "eth0", "load", "br0")
	return c
}

// dial starts clients that hold their sessions until the test ends.
func (c *callers) dial(n int, users, mac string) *lab.Program {
	c.w.t.Helper()
	return c.w.launch(c.ns, exec.Command(filepath.Join(bin, "load"), "--interface", "eth0", "-n", fmt.Sprint(n), "--in-progress", "8", "--no-ipv6", "--user", users, "--mac", mac, "--hold", "5m", "--echo", "0"))
}

// online waits until both servers together have a number of sessions, and returns their addresses by clients.
func (w *testbed) online(n int, servers ...*server) map[string]string {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		all, total := make(map[string]string), 0
		for _, s := range servers {
			of := w.addresses(s)
			total += len(of)
			maps.Copy(all, of)
		}
		if len(all) == n && total == n {
			return all
		}
		if time.Now().After(end) {
			w.t.Fatalf("%d clients have %d sessions, want %d", len(all), total, n)
		}
	}
}

// state returns what the status of a server says of the cluster.
func (w *testbed) state(s *server) (is struct {
	Etcd    string
	Pending int
	Claims  int
	Left    float64 `json:"left_s"`
}) {
	out, _ := w.command(s, "status", "--json")
	var status struct {
		AllActive any `json:"all_active"`
	}
	json.Unmarshal([]byte(out), &status)
	text, _ := json.Marshal(status.AllActive)
	json.Unmarshal(text, &is)
	return is
}

// killStored kills a server once its file has all sessions: a set-up does not wait for that.
func (w *testbed) killStored(s *server) {
	w.t.Helper()
	w.await("the sessions of server "+s.name+" are in its file", func() bool {
		out, err := w.command(s, "status", "--json")
		var is struct{ Store *struct{ Waiting int } }
		return err == nil && json.Unmarshal([]byte(out), &is) == nil && is.Store != nil && is.Store.Waiting == 0
	})
	w.kill(s)
}

func (w *testbed) await(what string, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// unique checks that no two clients have an address.
func unique(t *testing.T, all map[string]string) {
	t.Helper()
	owners := make(map[string]string)
	for mac, address := range all {
		if other := owners[address]; other != "" {
			t.Errorf("%s and %s have %s", mac, other, address)
		}
		owners[address] = mac
	}
}

// TestAllActive: two servers on a segment share clients and a pool. A user who logs in at the other has one session;
// etcd is stopped and started while clients come; one server is killed, and its clients are online at the other
// within ten seconds of dialling, also the one with an address of its own; the killed one comes back, with its
// sessions. No address is given twice.
func TestAllActive(t *testing.T) {
	t.Parallel() // it mostly waits
	const clients, more = 120, 20
	w := newTestbed(t, 2000, "auto")
	a, b := w.serveBoth(sharing)
	c := w.callers()
	c.dial(clients, "user%d", "02:4c:00:00:00:00")
	single := c.dial(1, "fixed", "02:4e:00:00:00:00")
	before := w.online(clients+1, a, b)
	unique(t, before)
	at := map[*server]int{a: len(w.addresses(a)), b: len(w.addresses(b))}
	t.Logf("PADO delay: %d clients are at a, %d at b", at[a], at[b])
	if min(at[a], at[b])*4 < clients {
		t.Errorf("one server has %d of %d clients", min(at[a], at[b]), clients)
	}
	if before["02:4e:00:00:00:00"] != fixed {
		t.Errorf("the user with an address has %s", before["02:4e:00:00:00:00"])
	}
	// Etcd away: sessions go on, and new ones begin.
	w.await("all claims are in etcd", func() bool { return w.state(a).Pending+w.state(b).Pending == 0 })
	check(t, unix.Kill(w.etcd.PID(), unix.SIGKILL))
	w.etcd.Wait()
	w.await("etcd away", func() bool { return w.state(a).Etcd == "away" && w.state(b).Etcd == "away" })
	c.dial(more, "more%d", "02:4d:00:00:00:00")
	unique(t, w.online(clients+1+more, a, b))
	if n := w.state(a).Pending + w.state(b).Pending; n != more {
		t.Errorf("%d claims wait for etcd, want %d", n, more)
	}
	w.launchEtcd("http")
	w.await("etcd back", func() bool {
		return w.state(a).Etcd == "connected" && w.state(b).Etcd == "connected" && w.state(a).Pending+w.state(b).Pending == 0
	})
	unique(t, w.online(clients+1+more, a, b))
	// One is killed: its clients dial again, as they do after a power cut.
	if len(w.addresses(b)) > 0 && w.addresses(a)["02:4e:00:00:00:00"] == "" {
		a, b = b, a // the user with an address is at a
	}
	lost := w.addresses(a)
	at[b] = len(w.addresses(b))
	w.killStored(a)
	single.Kill()
	begin := time.Now()
	c.dial(1, "fixed", "02:4f:00:00:00:00")
	c.dial(len(lost)-1, "again%d", "02:50:00:00:00:00")
	after := w.online(at[b]+len(lost), b)
	took := time.Since(begin)
	t.Logf("%d clients of the killed server are online at the other after %v", len(lost), took)
	if took > 10*time.Second {
		t.Errorf("that took %v", took)
	}
	unique(t, after)
	if after["02:4f:00:00:00:00"] != fixed {
		t.Errorf("the user with an address has %q", after["02:4f:00:00:00:00"])
	}
	for mac, address := range lost { // the dead server's addresses are held
		for other, has := range after {
			if has == address && address != fixed {
				t.Errorf("%s has %s, which %s had at the killed server", other, address, mac)
			}
		}
	}
	// It comes back: the session that the other has taken over ends, the others are its own.
	w.serve(a)
	w.await("adoption", func() bool {
		is := w.addresses(a)
		return len(is) == len(lost)-1 && w.state(a).Pending == 0
	})
	unique(t, w.online(len(after)+len(lost)-1, a, b))
	if out, err := w.command(a, "status"); err != nil || !strings.Contains(out, "all are active: a (") || !strings.Contains(out, "answers; without it") {
		t.Errorf("status: %v, %s", err, out)
	}
	out, err := w.command(a, "cluster-free", "b", "--yes")
	if err == nil || !strings.Contains(out, "it is alive") {
		t.Errorf("a server that is alive is freed: %s", out)
	}
}

// TestAllActiveIPv6: networks and delegated prefixes of two servers differ, and stay over a restart of a server,
// and an upgrade of the other.
func TestAllActiveIPv6(t *testing.T) {
	t.Parallel() // it mostly waits
	const clients = 40
	w := newTestbed(t, clients, "auto")
	a, b := w.serveBoth("0,10:30,20:60,30:100")
	w.launch(w.callers().ns, exec.Command(filepath.Join(bin, "load"), "--interface", "eth0", "-n", fmt.Sprint(clients), "--in-progress", "8", "--prefix", "--hold", "5m", "--echo", "0"))
	before := w.prefixes(2*clients, a, b)
	w.killStored(a)
	w.serve(a)
	if out, err := w.command(b, "upgrade"); err != nil {
		t.Fatalf("upgrade: %v, %s", err, out)
	}
	after := w.prefixes(2*clients, a, b)
	if !maps.Equal(before, after) {
		t.Errorf("before the restart\n%v\nafter it\n%v", before, after)
	}
}

// prefixes waits until clients have a number of different prefixes, and returns them with their clients.
func (w *testbed) prefixes(n int, servers ...*server) map[string]string {
	w.t.Helper()
	all := make(map[string]string)
	w.await(fmt.Sprintf("%d prefixes", n), func() bool {
		clear(all)
		total := 0
		for _, s := range servers {
			out, _ := w.command(s, "sessions", "--json", "--state", "online")
			var rows []struct {
				MAC      string
				Prefixes []string
			}
			json.Unmarshal([]byte(out), &rows) // a server that has just been started does not answer
			for _, row := range rows {
				for _, p := range row.Prefixes {
					all[p] = row.MAC
					total++
				}
			}
		}
		if total > len(all) {
			w.t.Fatalf("%d prefixes are given %d times", len(all), total)
		}
		return len(all) == n
	})
	return all
}

// BenchmarkAllActive measures how many sessions a second one server and two set up: on one machine, which the
// clients, etcd and both servers share.
func BenchmarkAllActive(b *testing.B) {
	for _, servers := range []int{1, 2} {
		b.Run(fmt.Sprintf("servers=%d", servers), func(b *testing.B) {
			const clients = 1500
			for b.Loop() {
				w := newTestbed(b, clients, "auto")
				_, second := w.serveBoth("0")
				if servers == 1 {
					second.program.Stop()
				}
				p := w.launch(w.callers().ns, exec.Command(filepath.Join(bin, "load"), "--interface", "eth0", "-n", fmt.Sprint(clients), "--no-ipv6", "--json"))
				if code, err := p.Wait(); err != nil || code != 0 {
					b.Fatalf("%d, %v: %s", code, err, p.Log())
				}
				var r struct{ SetUpsPerSecond float64 }
				check(b, json.Unmarshal([]byte(p.Log()), &r))
				b.ReportMetric(r.SetUpsPerSecond, "sessions/s")
			}
		})
	}
}
