package life

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/status"
	"upppoe/internal/roottest"
	"upppoe/ppp"
	"upppoe/test/lab"
)

// events parses JSON events.
func events(t testing.TB, text string) (all []status.Event) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e status.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("json printed %q: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// eventsNamed returns the events of a name.
func eventsNamed(all []status.Event, name string) (found []status.Event) {
	for _, e := range all {
		if e.Event == name {
			found = append(found, e)
		}
	}
	return found
}

// shortTimeouts makes a client give up soon on a peer that does not answer.
const shortTimeouts = "lcp-restart 1 lcp-max-configure 2 ipcp-restart 1 ipcp-max-configure 2 lcp-max-terminate 1 noipv6"

// packet is an IPv4 packet without answer: 60 octets to the discard port.
var packet = append([]byte{0, 0x21, 0x45, 0, 0, 60, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 10, 0, 9, 0, 9, 0, 40}, make([]byte, 34)...)

// TestExitCodes: each cause has one exit code and one word, the same as in events.
func TestExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		server  func(*testing.T, *testbed)
		options string
		code    int
		reason  string
		session bool // there was a session, whose end is an event
	}{
		"unknown word":       {noServer, "nosuchword", 2, "", false},
		"no such interface":  {noEthernet, "", 7, "error", false},
		"interface is down":  {setDown, "", 7, "error", false},
		"no answer":          {noServer, "pppoe-padi-timeout 1 pppoe-padi-attempts 1", 8, "discovery-failed", false},
		"refused":            {faulty(fault{refuse: "no room"}), "pppoe-padi-timeout 1 pppoe-padi-attempts 1", 8, "discovery-failed", false},
		"LCP unanswered":     {faulty(fault{ignored: []ppp.Protocol{ppp.LCP}}), shortTimeouts, 10, "not-negotiated", true},
		"IPCP unanswered":    {faulty(fault{ignored: []ppp.Protocol{ppp.IPCP}}), shortTimeouts, 10, "not-negotiated", true},
		"peer without proof": {faulty(fault{onControl: rejectAuth}), "require-chap " + shortTimeouts, 11, "peer-not-authenticated", true},
		"idle":               {ourServer, "idle 1 noipv6", 12, "idle", true},
		"maxconnect":         {ourServer, "maxconnect 1", 13, "expired", true},
		"peer is dead":       {faulty(fault{online: goSilent}), "lcp-echo-interval 1 lcp-echo-failure 1 " + shortTimeouts, 15, "peer-dead", true},
		"PADT":               {faulty(fault{online: (*fakeAC).hangUp}), shortTimeouts, 16, "hangup", true},
		"PADT in LCP":        {faulty(fault{onControl: hangUpAt(ppp.LCP)}), shortTimeouts, 16, "hangup", true},
		"Terminate-Request":  {faulty(fault{online: terminate}), shortTimeouts, 16, "peer-terminated", true},
		"looped":             {faulty(fault{reflect: true}), shortTimeouts, 17, "looped", true},
		"maxoctets":          {faulty(fault{onControl: sendTraffic}), "maxoctets 50 lcp-echo-interval 1 noipv6", 20, "exhausted", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t)
			c.server(t, w)
			args := append(append([]string{"nic-eth0"}, account...), "nodetach", "json")
			if strings.Contains(c.options, "require-chap") {
				args = args[:len(args)-3]
				args = append(args, "nodetach", "json")
			}
			r := w.run(t, "pppoe-client", append(args, strings.Fields(c.options)...)...)
			if r.code != c.code {
				t.Errorf("exit code %d, want %d:\n%s", r.code, c.code, r.stderr)
			}
			w.leftNothing(t)
			if c.reason == "" {
				return
			}
			emitted := events(t, r.stdout)
			last := emitted[len(emitted)-1]
			if last.Event != "exit" || last.End == nil || last.End.Reason != c.reason || last.End.ExitCode != c.code {
				t.Errorf("the last event is %+v", last)
			}
			ended := eventsNamed(emitted, "ended")
			if c.session != (len(ended) == 1) || c.session && (ended[0].End.Reason != c.reason || ended[0].End.ExitCode != c.code) {
				t.Errorf("events of an ended session: %+v\n%s", ended, r.stdout)
			}
		})
	}
}

func noServer(*testing.T, *testbed) {}

func ourServer(t *testing.T, w *testbed) { w.serve(t) }

func faulty(m fault) func(*testing.T, *testbed) {
	return func(t *testing.T, w *testbed) { newFakeAC(t, w.server, "odd", m) }
}

func noEthernet(t *testing.T, w *testbed) { removeEthernet(t, w.client) }

// removeEthernet deletes a machine's eth0.
func removeEthernet(t testing.TB, in *lab.Namespace) {
	t.Helper()
	check(t, in.Do(func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.LinkDel(link)
	}))
}

func setDown(t *testing.T, w *testbed) { setUp(t, w.client, false) }

// setUp sets eth0 up or down.
func setUp(t testing.TB, in *lab.Namespace, up bool) {
	t.Helper()
	check(t, in.Do(func() error {
		link, err := netlink.LinkByName("eth0")
		switch {
		case err != nil:
			return err
		case up:
			return netlink.LinkSetUp(link)
		}
		return netlink.LinkSetDown(link)
	}))
}

// goSilent makes the fake answer nothing any more.
func goSilent(f *fakeAC) { f.ignored = []ppp.Protocol{ppp.LCP, ppp.IPCP} }

func terminate(f *fakeAC) { f.send(ppp.LCP, ppp.TerminateRequest, 9, []byte("that was all")) }

// sendTraffic makes the fake send a packet once a second, with each Echo-Request.
func sendTraffic(f *fakeAC, _ ppp.Protocol, c ppp.Control) bool {
	if f.open && c.Code == ppp.EchoRequest {
		f.sendFrame(packet)
	}
	return false
}

func hangUpAt(at ppp.Protocol) func(*fakeAC, ppp.Protocol, ppp.Control) bool {
	return func(f *fakeAC, p ppp.Protocol, _ ppp.Control) bool {
		if p == at {
			f.hangUp()
		}
		return p == at
	}
}

// rejectAuth rejects LCP's Authentication-Protocol option.
func rejectAuth(f *fakeAC, p ppp.Protocol, c ppp.Control) bool {
	options, err := ppp.ParseOptions(c.Data)
	if p != ppp.LCP || c.Code != ppp.ConfigureRequest || err != nil {
		return false
	}
	auth, ok := options.Find(3)
	if ok {
		f.send(p, ppp.ConfigureReject, c.ID, auth.AppendTo(nil))
	}
	return ok
}

// leftNothing checks that an ended client has left nothing.
func (w *testbed) leftNothing(t testing.TB) {
	t.Helper()
	// The kernel data path's programs are removed a moment after the process ends.
	await(t, "no device is left", func() bool { return len(w.links(t)) == 0 })
	w.leftNoFiles(t)
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		for _, r := range routes(t, w.client, family, unix.RT_TABLE_MAIN) {
			if r.Gw == nil && (r.Dst == nil || r.Dst.IP.IsUnspecified()) {
				t.Errorf("a route is left: %v", r)
			}
		}
	}
}

func (w *testbed) leftNoFiles(t testing.TB) {
	t.Helper()
	// Except run/upppoe/log, which is for plog after the end.
	for _, pattern := range []string{"run/*.pid", "run/upppoe/*.*", "etc/resolv.conf", "lib/upppoe/*.route"} {
		if left, _ := filepath.Glob(filepath.Join(w.dir, pattern)); len(left) > 0 {
			t.Errorf("files are left: %q", left)
		}
	}
	if got := w.read("resolv.conf"); got != "nameserver 198.51.100.53\n" {
		t.Errorf("/etc/resolv.conf holds %q", got)
	}
}

// TestWrongPassword has one exit code, whatever the server does after its rejection.
func TestWrongPassword(t *testing.T) {
	for _, method := range []string{"pap", "chap", "mschap-v2", "eap"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t)
			w.serverOptions(t, "require-"+method+"\n")
			w.serve(t)
			for range 10 {
				r := w.run(t, "pppoe-client", "eth0", "user", user, "password", "wrong", "noauth", "nodetach", "json")
				emitted := events(t, r.stdout)
				last := emitted[len(emitted)-1]
				if r.code != 19 || last.End == nil || last.End.ExitCode != 19 || last.End.Reason != "not-authenticated" || len(eventsNamed(emitted, "auth-failed")) != 1 {
					t.Fatalf("exit code %d:\n%s%s", r.code, r.stdout, r.stderr)
				}
			}
			w.leftNothing(t)
		})
	}
}

// TestNoCapabilities: root without capabilities is not enough.
func TestNoCapabilities(t *testing.T) {
	roottest.Need(t, "setpriv")
	w := newTestbed(t)
	var out bytes.Buffer
	cmd := exec.Command("setpriv", append([]string{"--bounding-set=-all", filepath.Join(bin, "pppoe-client"), "eth0", "nodetach"}, account...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	r := w.finish(t, cmd, &out, &out)
	if r.code != 3 || !strings.Contains(r.stderr, "CAP_NET_RAW") {
		t.Errorf("without capabilities: %+v", r)
	}
	w.leftNothing(t)
}

// TestNoTUN: a machine without /dev/net/tun.
func TestNoTUN(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	p := launch(t, w.client, w.command("pppoe-client", append([]string{"eth0", "nodetach"}, account...)...),
		append(w.binds(), lab.BindMount{Source: t.TempDir(), Target: "/dev/net"})...)
	wantExit(t, p, 4)
	if !strings.Contains(p.Log(), "/dev/net/tun") {
		t.Errorf("it says:\n%s", p.Log())
	}
	w.leftNothing(t)
}

// TestSignalled: a signal ends the client with its own exit code, and the concentrator gets a PADT.
func TestSignalled(t *testing.T) {
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGINT} {
		w := newTestbed(t)
		server := w.serve(t)
		p := w.dial(t, "json")
		w.awaitOnline(t)
		check(t, unix.Kill(p.PID(), signal))
		wantExit(t, p, 5)
		if !strings.Contains(p.Log(), `"reason":"user-request"`) {
			t.Errorf("after %v: %s", signal, p.Log())
		}
		check(t, server.Await("Session 1 closed .*: peer-terminated"))
		w.leftNothing(t)
	}
}
