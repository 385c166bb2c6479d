package life

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"upppoe/internal/mgmt/status"
	"upppoe/internal/roottest"
	"upppoe/pppoe/datapath"
	"upppoe/test/freeradius"
	"upppoe/test/lab"
)

// successors are the ways in which another program goes on with the sessions of a server.
var successors = map[string]func(t *testing.T, w *testbed, server *lab.Program, serve func() *lab.Program) *lab.Program{
	"killed": func(t *testing.T, _ *testbed, server *lab.Program, serve func() *lab.Program) *lab.Program {
		server.Kill()
		next := serve()
		if !strings.Contains(next.Log(), "Adopted 1 sessions") {
			t.Fatalf("the session is not adopted:\n%s", next.Log())
		}
		return next
	},
	"upgraded": func(t *testing.T, w *testbed, server *lab.Program, _ func() *lab.Program) *lab.Program {
		out, err := exec.Command(filepath.Join(bin, "pppoe-server"), "upgrade", "--socket", filepath.Join(w.serverEtc, "server.sock")).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "has taken over 1 session") {
			t.Fatalf("upgrade: %v: %s\n%s", err, out, server.Log())
		}
		return server
	},
}

// TestSuccessor: the session of a server that is killed, or upgraded, goes on with the next program: with its
// addresses, rates and TCP connections, without negotiation, and in the same records of accounting.
func TestSuccessor(t *testing.T) {
	roottest.Need(t, freeradius.Program)
	for name, replace := range successors {
		t.Run(name, func(t *testing.T) { testSuccessor(t, replace) })
	}
}

func testSuccessor(t *testing.T, replace func(*testing.T, *testbed, *lab.Program, func() *lab.Program) *lab.Program) {
	w := newTestbed(t)
	f := freeradius.Start(t, freeradius.Options{
		Users: strings.Replace(radiusUsers, "Acct-Interim-Interval = 60, ", "", 1), Addr: netip.MustParseAddr("127.0.0.1"),
		Launch: func(cmd *exec.Cmd) error { return w.server.Start(cmd) },
	})
	w.serverFile(t, "secret", freeradius.Secret+"\n", 0o600)
	config := strings.Replace(fmt.Sprintf(radiusConfig, w.serverEtc, `"chap"`, "shared"), "[accounting]\n", "[accounting]\ninterim-interval = \"1s\"\n", 1)
	w.serverFile(t, "server.toml", config, 0o600)
	serve := func() *lab.Program {
		p := launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), "--config", filepath.Join(w.serverEtc, "server.toml")))
		check(t, p.Await("Serving on eth0"))
		return p
	}
	server := serve()
	client := w.dial(t, "password", secret)
	before := w.awaitStatus(t, "the client is online", func(s status.Status) bool { return s.IPv4 != nil })
	own, gateway := netip.MustParseAddr(before.IPv4.Local), netip.MustParseAddr(before.IPv4.Remote)
	tcp := w.connect(t, own, gateway)
	tcp.exchange(t)
	w.wantRates(t, own, gateway)
	await(t, "an interim record has arrived", func() bool { return len(f.Accounting(t)) >= 3 })

	server = replace(t, w, server, serve)
	tcp.exchange(t)
	w.wantRates(t, own, gateway)
	sent := len(f.Accounting(t))
	await(t, "another interim record has arrived", func() bool { return len(f.Accounting(t)) > sent })
	after := w.awaitStatus(t, "the client is online", func(s status.Status) bool { return s.IPv4 != nil })
	if after.IPv4.Local != before.IPv4.Local || strings.Count(client.Log(), "local  IP address") != 1 {
		t.Errorf("the client has negotiated again: %+v, before %+v\n%s", after, before, client.Log())
	}
	client.Stop()
	await(t, "the stop record has arrived", func() bool {
		all := f.Accounting(t)
		return all[len(all)-1]["Acct-Status-Type"] == "Stop"
	})
	server.Stop()
	checkOneSession(t, f.Accounting(t))
}

// wantRates checks that the rates of radiusUsers, 10 Mbit/s up and 50 down, are held in both directions. A slow
// machine takes longer, and meanwhile more may pass.
func (w *testbed) wantRates(t *testing.T, client, gateway netip.Addr) {
	t.Helper()
	const datagrams, size = 4000, 1200
	most := func(rate float64, took time.Duration) int {
		const packet, tolerance = 8 * (28 + size), 50
		return int(rate*(datapath.DefaultBurst+took).Seconds()/packet) + tolerance
	}
	up, tookUp, err := lab.Burst(w.client, client, w.server, gateway, datagrams, size)
	check(t, err)
	down, tookDown, err := lab.Burst(w.server, gateway, w.client, client, datagrams, size)
	check(t, err)
	if up == 0 || up > most(10e6, tookUp) || down <= up || down > most(50e6, tookDown) {
		t.Errorf("of %d datagrams in each direction, %d arrived from the client, in %v, and %d at it, in %v", datagrams, up, tookUp, down, tookDown)
	}
}

// checkOneSession checks that records are of one session: one start record, interim records, and one stop record.
func checkOneSession(t *testing.T, records []map[string]string) {
	t.Helper()
	var kinds []string
	for _, r := range records {
		kind := r["Acct-Status-Type"]
		if n := len(kinds); n == 0 || kinds[n-1] != kind {
			kinds = append(kinds, kind)
		}
		if id := r["Acct-Session-Id"]; !strings.HasPrefix(kind, "Accounting-") && id != records[1]["Acct-Session-Id"] {
			t.Errorf("a record of session %s, not %s", id, records[1]["Acct-Session-Id"])
		}
	}
	if got := strings.Join(kinds, " "); got != "Accounting-On Start Interim-Update Stop Accounting-Off" {
		t.Errorf("records: %s", got)
	}
	for i, r := range records {
		if r["Acct-Status-Type"] == "Stop" && (r["Class"] != "0x0a0b" || packetsOf(t, r) < packetsOf(t, records[i-1])) {
			t.Errorf("stop %v, before %v", r, records[i-1])
		}
	}
}

// packetsOf returns how many packets from the client a record counts.
func packetsOf(t *testing.T, record map[string]string) int {
	t.Helper()
	n, err := strconv.Atoi(record["Acct-Input-Packets"])
	if err != nil || n == 0 {
		t.Errorf("a record has %q packets", record["Acct-Input-Packets"])
	}
	return n
}
