package life

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/load"
)

// TestLoadCommand: many sessions in VLANs, with access lines and delegated prefixes, are dialled, some of
// them again; the exit code says whether all conditions are met, and the report what each session has.
func TestLoadCommand(t *testing.T) {
	w := newSharedTestbed(t)
	server := w.serveShared(t, "--vlan", "100-109", "--ipv6-prefixes", "2001:db8:100::/40,56")
	sessions := filepath.Join(t.TempDir(), "sessions")
	common := []string{"load", "-I", "eth0", "--user", "alice", "--password", "secret", "--vlan", "100-109"}
	r := w.run(t, "pppoe-client", append(common, "-n", "20", "--circuit-id", "olt1 eth 1/%d", "--prefix", "--hold", "1s", "--churn", "50%",
		"--traffic", "500,200", "--quiet", "--json", "--per-session", sessions, "--expect", "established=100%,configured=20,lost=0,setup.p99<20s,prefix.max<20s")...)
	var report load.Report
	check(t, json.Unmarshal([]byte(r.stdout), &report))
	if r.code != 0 || r.stderr != "" || report.SetUp != 20 || report.Churned < 5 || report.Traffic.Received == 0 {
		t.Errorf("%d, %s%s", r.code, r.stderr, r.stdout)
	}
	checkSessions(t, sessions)
	if err := server.Await(`circuit ID "olt1 eth 1/19"`); err != nil {
		t.Error(err)
	}
	r = w.run(t, "pppoe-client", append(common, "-n", "3", "--quiet", "--password", "wrong")...)
	if r.code != 21 || !strings.Contains(r.stderr, "expected established=100%: it is 0%") || !strings.Contains(r.stdout, "failed dials") || strings.Contains(r.stdout+r.stderr, "wrong") {
		t.Errorf("with a wrong password: %+v", r)
	}
	r = w.run(t, "pppoe-client", "load", "-I", "none", "-n", "3")
	if r.code != 7 || !strings.Contains(r.stderr, "none") {
		t.Errorf("without an interface: %+v", r)
	}
	if r = w.run(t, "pppoe-client", "load", "-I", "eth0", "-n", "70000000"); r.code != 2 {
		t.Errorf("too many sessions: %+v", r)
	}
	w.leftNothing(t)
}

// checkSessions checks the reports of 20 sessions.
func checkSessions(t *testing.T, file string) {
	t.Helper()
	f, err := os.Open(file)
	check(t, err)
	defer f.Close()
	n, addresses := 0, map[string]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
		var s load.SessionReport
		check(t, json.Unmarshal(lines.Bytes(), &s))
		if s.Client != n || s.User != "alice" || s.VLAN == "" || s.Sent == 0 {
			t.Errorf("%s", lines.Text())
		}
		addresses[s.IPv4.String()] = true
	}
	if n != 20 || len(addresses) != 20 {
		t.Errorf("%d sessions with %d addresses", n, len(addresses))
	}
}

// TestLoadInterrupted: a signal closes all sessions in good order, and the report is printed.
func TestLoadInterrupted(t *testing.T) {
	w := newSharedTestbed(t)
	server := w.serveShared(t)
	p := w.start(t, "pppoe-client", "load", "-I", "eth0", "-n", "5", "--user", "alice", "--password", "secret", "--hold", "1h", "--no-ipv6")
	check(t, p.Await("holding: 5 of 5 set up, 5 open"))
	check(t, unix.Kill(p.PID(), unix.SIGINT))
	wantExit(t, p, 0)
	if log := p.Log(); !strings.Contains(log, "5 of 5 set up in ") {
		t.Error(log)
	}
	await(t, "5 sessions have ended", func() bool { return strings.Count(server.Log(), "closed for client") == 5 })
}
