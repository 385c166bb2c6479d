package failover

import (
	"encoding/json"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upppoe/test/lab/labtest"
)

var (
	sessions = flag.Int("sessions", 200, "TestManySessions: `NUMBER` of sessions")
	datapath = flag.String("datapath", "auto", "TestManySessions: data `PATH` of the servers")
)

// report is what test/load reports.
type report struct {
	Open int
	Lost map[string]int
}

// command runs a command of pppoe-server that asks a server.
func (w *testbed) command(s *server, args ...string) (out string, err error) {
	args = append(args, "--socket", filepath.Join(w.dir, s.name, "control.sock"))
	b, err := exec.Command(filepath.Join(bin, "pppoe-server"), args...).CombinedOutput()
	return string(b), err
}

// addresses returns the addresses of all sessions that are online, by the clients' Ethernet addresses.
func (w *testbed) addresses(s *server) map[string]string {
	w.t.Helper()
	out, err := w.command(s, "sessions", "--json", "--state", "online")
	if err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	var rows []struct {
		MAC  string
		IPv4 struct{ Remote string }
	}
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	all := make(map[string]string)
	for _, row := range rows {
		all[row.MAC] = row.IPv4.Remote
	}
	return all
}

// awaitSessions waits until a server has a number of sessions that are online.
func (w *testbed) awaitSessions(s *server, n int) {
	w.t.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		out, _ := w.command(s, "status", "--json")
		var status struct{ Online int }
		json.Unmarshal([]byte(out), &status)
		if status.Online == n {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("%d sessions are online, not %d: %s", status.Online, n, out)
		}
	}
}

// TestManySessions: many sessions are taken over from a server that is killed, each with its address, none is
// lost, and newcomers get other addresses.
func TestManySessions(t *testing.T) {
	const newcomers = 20
	n := *sessions
	w := newTestbed(t, n+newcomers+1, *datapath)
	active, other := w.servers["a"], w.servers["b"]
	w.start(active)
	w.awaitActive(active, 1)
	w.start(other)
	w.dial()
	crowd := labtest.Namespace(t)
	w.plug(crowd, "eth0", "load", "br0")
	load := func(n int, first string) *exec.Cmd {
		return exec.Command(filepath.Join(bin, "load"), "--interface", "eth0", "-n", fmt.Sprint(n), "--no-ipv6", "--mac", first, "--hold", "1h", "--echo", "5s", "--json")
	}
	many := w.launch(crowd, load(n, "02:4c:00:00:00:00"))
	w.awaitAdoptable(active, n+1)
	before := w.addresses(active)
	pings := w.pings()
	w.kill(active)
	w.awaitActive(other, 1)
	t.Log(lineWith(other.program.Log(), "Adopted"))
	w.launch(crowd, load(newcomers, "02:4d:00:00:00:00"))
	w.awaitSessions(other, n+newcomers+1)
	gap := pings()
	after := w.addresses(other)
	code, err := many.Stop() // it closes the sessions, and reports
	check(t, err)
	var r report
	if err := json.Unmarshal([]byte(many.Log()), &r); err != nil || code != 0 {
		t.Fatalf("the clients ended with %d, %v: %s", code, err, many.Log())
	}
	t.Logf("%d sessions, %d lost, a gap of %v", n, n-r.Open, gap)
	if r.Open != n || len(r.Lost) > 0 {
		t.Errorf("%d of %d sessions are open; lost are %v", r.Open, n, r.Lost)
	}
	if gap > maxGap {
		t.Errorf("no packet for %v", gap)
	}
	checkAddresses(t, before, after)
}

func lineWith(text, word string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// checkAddresses checks that clients have the addresses that they had, and no two have the same.
func checkAddresses(t *testing.T, before, after map[string]string) {
	t.Helper()
	twice := 0
	owners := make(map[string]string)
	for mac, address := range after {
		if owners[address] != "" {
			twice++
		}
		owners[address] = mac
	}
	if twice > 0 {
		t.Errorf("%d addresses are given twice", twice)
	}
	for mac, address := range before {
		if after[mac] != address {
			t.Errorf("%s has %q, and had %s", mac, after[mac], address)
		}
	}
}
