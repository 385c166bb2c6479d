package life

import (
	"encoding/json"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/test/lab"
)

// operator sends commands to a server.
type operator struct {
	t      *testing.T
	socket string
}

// newOperator starts a server with a control socket.
func newOperator(t *testing.T, w *testbed, flags ...string) (*operator, *lab.Program) {
	t.Helper()
	o := &operator{t, filepath.Join(t.TempDir(), "run", "server.sock")}
	return o, w.serve(t, append([]string{"--control-socket", o.socket}, flags...)...)
}

// run runs a command, and returns its output; its exit code must be as wanted.
func (o *operator) run(want int, command string, args ...string) string {
	o.t.Helper()
	cmd := exec.Command(filepath.Join(bin, "pppoe-server"), append([]string{command, "--socket", o.socket}, args...)...)
	text, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != want {
		o.t.Errorf("%s %q ends with %d, want %d:\n%s", command, args, code, want, text)
	}
	return string(text)
}

// has checks that a command prints something.
func (o *operator) has(want, command string, args ...string) {
	o.t.Helper()
	if text := o.run(0, command, args...); !strings.Contains(text, want) {
		o.t.Errorf("%s %q prints\n%s\nwant %q in it", command, args, text, want)
	}
}

func (o *operator) sessions(args ...string) (all []servercontrol.Session) {
	o.t.Helper()
	if err := json.Unmarshal([]byte(o.run(0, "sessions", append(args, "--json")...)), &all); err != nil {
		o.t.Fatal(err)
	}
	return all
}

// TestOperate: a running server is shown and changed by its commands: a session with its access line
// and traffic, its rates, its end, a drain and a reload; a connection that sends garbage, or reads
// nothing, disturbs nobody.
func TestOperate(t *testing.T) {
	w := newTestbed(t)
	o, server := newOperator(t, w)
	for _, request := range []string{"\x00\xff\x1b\n", "sessions {", "events", ""} {
		conn, err := net.Dial("unix", o.socket)
		check(t, err)
		defer conn.Close()
		conn.Write([]byte(request + "\n"))
	}
	o.has("0 of 64", "status")
	o.run(12, "session", user)
	w.dial(t, "persist", "holdoff", "0", "pppoe-circuit-id", "dslam1 atm 1/2:3.4")
	w.awaitOnline(t)
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
	check(t, err)
	all := o.sessions("--user", "test*", "--circuit-id", "dslam1*")
	if len(all) != 1 {
		t.Fatalf("the sessions are %+v", all)
	}
	s := all[0]
	if s.User != user || s.State != "online" || s.IPv4 == nil || s.IPv4.Remote != "192.0.2.10" || s.CircuitID != "dslam1 atm 1/2:3.4" || s.Attachment != "eth0" || s.VLAN != "" || s.RoundTrip == 0 || s.Traffic.ReceivedPackets == 0 {
		t.Errorf("the session is %+v", s)
	}
	for _, name := range []string{user, "192.0.2.10", s.MAC} {
		o.has("PPPoE session 1\n", "session", name)
	}
	o.has("1 of 64: 1 online", "status")
	o.has("192.0.2.10-192.0.2.73    64     1", "pools")
	o.has("authentication  1 accepted, 0 rejected", "stats")
	o.has("updated 1 session", "update", user, "--rate-down", "4000")
	if s := o.sessions()[0]; s.RateDown != 4000 || s.RateUp != 0 {
		t.Errorf("the rates are %d up, %d down", s.RateUp, s.RateDown)
	}
	o.has("disconnected 1 session", "disconnect", "--ip", "192.0.2.10", "--reason", "maintenance")
	check(t, server.Await(`Session 1 closed for client .*: user-request \(maintenance\), user "testuser".*, circuit ID "dslam1 atm 1/2:3.4", after \d+s, sent \d+ bytes, received \d+ bytes`))
	w.awaitStatus(t, "it has redialled", isOnline)
	check(t, server.Await(`Session 2 created for client`))
	o.has("the server drains", "drain")
	o.has("disconnected 1 session", "disconnect", "--all", "--hard")
	check(t, server.Await(`Session 2 closed`))
	o.has(`"state": "draining"`, "status", "--json")
	o.has("the server opens sessions", "undrain")
	w.awaitStatus(t, "it has redialled", isOnline)
	o.has("reloaded", "reload")
	w.serverOptions(t, "no-such-option\n")
	if text := o.run(1, "reload"); !strings.Contains(text, "pppoe-server-options:1") {
		t.Errorf("an invalid option is reported as %s", text)
	}
	o.has("reload: nothing is changed, as the configuration is invalid", "log")
	code, err := server.Stop()
	check(t, err)
	if code != 0 {
		t.Errorf("the server ended with %d", code)
	}
	o.run(10, "status")
}

// TestFollowServer: the events and the log of a server as they happen, until it ends.
func TestFollowServer(t *testing.T) {
	w := newTestbed(t)
	o, server := newOperator(t, w)
	follow := func(args ...string) *lab.Program {
		return launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), append(args, "--socket", o.socket)...))
	}
	events, log := follow("events", "--json"), follow("log", "-f")
	check(t, events.Await(`"sessions":0`))
	check(t, log.Await("Serving on"))
	w.dial(t)
	check(t, events.Await(`"event":"online"`)) // the client may be online a moment before
	_, err := server.Stop()
	check(t, err)
	wantExit(t, events, 0)
	wantExit(t, log, 0)
	for _, want := range []string{`"event":"session"`, `"event":"authenticated"`, `"event":"online"`, `"event":"ended"`, `"user":"testuser"`} {
		if !strings.Contains(events.Log(), want) {
			t.Errorf("the events have no %s:\n%s", want, events.Log())
		}
	}
	if !strings.Contains(log.Log(), "Session 1 created") || !strings.Contains(log.Log(), "Session 1 closed") {
		t.Errorf("the log is\n%s", log.Log())
	}
}
