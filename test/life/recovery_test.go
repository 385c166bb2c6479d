package life

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/status"
	"upppoe/ppp"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// TestStartAfterCrash: the session that a crash has left is terminated before a new one is
// requested, with a server that permits one session only.
func TestStartAfterCrash(t *testing.T) {
	w := newTestbed(t)
	server := w.serve(t, "-N", "1")
	p := w.dial(t)
	first := w.awaitOnline(t)
	kill(t, p)
	p = w.dial(t, "no-adopt")
	again := w.awaitOnline(t)
	check(t, p.Await(fmt.Sprintf("Sent PADT for session %d at %s", first.SessionID, first.AC)))
	check(t, server.Await("Session 1 closed .*: hangup"))
	if n := strings.Count(server.Log(), "No client slots"); n != 0 {
		t.Errorf("the server had no slot left %d times", n)
	}
	if again.Device != "ppp0" || again.IPv4.Local != first.IPv4.Local {
		t.Errorf("before it was %+v, now %+v", first, again)
	}
	p.Stop()
	check(t, server.Await("Session 1 closed .*: peer-terminated")) // its only slot may still be in use
	p = w.dial(t)
	w.awaitOnline(t)
	if strings.Contains(p.Log(), "earlier run") {
		t.Errorf("after a regular end, a session is terminated as stale:\n%s", p.Log())
	}
}

// persistOptions make a client redial soon.
var persistOptions = []string{"persist", "holdoff", "1", "maxfail", "0", "lcp-echo-interval", "1", "lcp-echo-failure", "2", "noipv6"}

// TestServerRestarts: however the server ends, the client is online again once it answers.
func TestServerRestarts(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(testing.TB, *lab.Program)
		reason string
	}{
		"killed":  {kill, "peer-dead"},
		"stopped": {func(_ testing.TB, p *lab.Program) { p.Stop() }, "peer-terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t)
			server := w.serve(t)
			w.dial(t, persistOptions...)
			w.awaitOnline(t)
			c.end(t, server)
			s := w.awaitStatus(t, "the session has ended", func(s status.Status) bool { return s.LastEnd != nil })
			if s.LastEnd.Reason != c.reason || s.Device != "" && s.IPv4 != nil {
				t.Errorf("the client is %+v, its session ended by %+v", s, s.LastEnd)
			}
			w.serve(t)
			began := time.Now()
			s = w.awaitStatus(t, "the client is online again", isOnline)
			t.Logf("online %v after the server answers", time.Since(began).Round(time.Millisecond))
			if s.Dials != 2 {
				t.Errorf("%d sessions were dialled, want 2", s.Dials)
			}
			_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
			check(t, err)
		})
	}
}

// TestServerRestartsAtOnce: the server terminates the session of a client that has not noticed.
func TestServerRestartsAtOnce(t *testing.T) {
	w := newTestbed(t)
	server := w.serve(t)
	w.dial(t, "persist", "holdoff", "600", "lcp-echo-interval", "1", "lcp-echo-failure", "1000")
	w.awaitOnline(t)
	kill(t, server)
	w.serve(t)
	s := w.awaitStatus(t, "the client is online again", func(s status.Status) bool { return isOnline(s) && s.Dials == 2 })
	if s.LastEnd == nil || s.LastEnd.Reason != "hangup" {
		t.Errorf("its first session was ended by %+v", s.LastEnd)
	}
}

// TestHangUpSignal redials at once with persist, whatever the hold-off, and ends without.
func TestHangUpSignal(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	p := w.dial(t, "persist", "holdoff", "600")
	first := w.awaitOnline(t)
	check(t, unix.Kill(p.PID(), unix.SIGHUP))
	w.awaitStatus(t, "the client is online again", func(s status.Status) bool { return isOnline(s) && s.Dials == 2 })
	if all := w.status(t); all[0].SessionID == first.SessionID {
		t.Errorf("the session is the same: %+v", all[0])
	}
	p.Stop()
	p = w.dial(t)
	w.awaitOnline(t)
	check(t, unix.Kill(p.PID(), unix.SIGHUP))
	wantExit(t, p, 5)
	w.leftNothing(t)
}

// TestHangUpEndsHoldOff: SIGHUP ends a hold-off.
func TestHangUpEndsHoldOff(t *testing.T) {
	w := newTestbed(t)
	p := w.dial(t, "persist", "holdoff", "600", "pppoe-padi-timeout", "1", "pppoe-padi-attempts", "1")
	w.awaitStatus(t, "the client waits", func(s status.Status) bool { return s.WaitingFor == "hold-off" })
	w.serve(t)
	check(t, unix.Kill(p.PID(), unix.SIGHUP))
	w.awaitOnline(t)
}

// TestInterfaceDown is detected by netlink, not by missing echoes: there are no echoes, and the
// hold-off is long.
func TestInterfaceDown(t *testing.T) {
	w := newSwitchedTestbed(t)
	w.serve(t)
	w.dial(t, "persist", "holdoff", "600", "json")
	w.awaitOnline(t)
	for _, c := range []struct {
		what       string
		down, up   func()
		carrier    string
		sameDevice bool
	}{
		{"set down", func() { setUp(t, w.client, false) }, func() { setUp(t, w.client, true) }, "down", true},
		{"deleted", func() { noEthernet(t, w) }, func() { w.plug(t, w.client, "client") }, "gone", false},
	} {
		before := w.awaitOnline(t).Dials
		c.down()
		// An interface that is deleted goes down before.
		w.awaitStatus(t, "the client waits for its interface, which is "+c.carrier, func(s status.Status) bool { return s.State == status.Waiting && s.Carrier == c.carrier })
		if links := w.links(t); len(links) != 0 {
			t.Errorf("%s: the client's devices are %v", c.what, links)
		}
		c.up()
		s := w.awaitStatus(t, "the client is online again, and its interface up", func(s status.Status) bool { return isOnline(s) && s.Carrier == "up" })
		if s.Dials != before+1 {
			t.Errorf("%s: the client is %+v", c.what, s)
		}
		_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
		check(t, err)
	}
}

// TestInterfaceDownWithoutPersist: the client ends.
func TestInterfaceDownWithoutPersist(t *testing.T) {
	for name, down := range map[string]func(*testing.T, *testbed){"down": setDown, "gone": noEthernet} {
		t.Run(name, func(t *testing.T) {
			w := newTestbed(t)
			w.serve(t)
			p := w.dial(t)
			w.awaitOnline(t)
			down(t, w)
			wantExit(t, p, 16)
			w.leftNothing(t)
		})
	}
}

// TestCarrierLoss: a short loss of carrier does not end the session.
func TestCarrierLoss(t *testing.T) {
	w := newSwitchedTestbed(t)
	w.serve(t)
	w.dial(t, "persist", "holdoff", "600", "lcp-echo-interval", "0")
	before := w.awaitOnline(t)
	port := func(up bool) {
		check(t, w.testWire.Do(func() error {
			link, err := netlink.LinkByName("client")
			switch {
			case err != nil:
				return err
			case up:
				return netlink.LinkSetUp(link)
			}
			return netlink.LinkSetDown(link)
		}))
	}
	port(false)
	w.awaitStatus(t, "the client sees that the cable is out", func(s status.Status) bool { return s.Carrier == "without carrier" })
	port(true)
	s := w.awaitStatus(t, "the cable is in again", func(s status.Status) bool { return s.Carrier == "up" })
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
	check(t, err)
	if s = w.status(t)[0]; s.SessionID != before.SessionID || s.Dials != 1 {
		t.Errorf("the session was %+v, and is %+v", before, s)
	}
}

// TestFailover: if one of two concentrators fails in some way, the other one is used.
func TestFailover(t *testing.T) {
	for name, c := range map[string]struct {
		bad     fault
		options string
	}{
		"does not answer": {fault{ignored: []ppp.Protocol{ppp.LCP}}, "persist holdoff 0 lcp-restart 1 lcp-max-configure 1"},
		"hangs up":        {fault{onControl: hangUpAt(ppp.LCP)}, "persist holdoff 0"},
		"nonsense":        {fault{assign: ip("224.0.0.1")}, "persist holdoff 0 ipcp-restart 1 ipcp-max-configure 1 noipv6"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSwitchedTestbed(t)
			bad := newFakeAC(t, w.other, "bad-ac", c.bad)
			w.dial(t, append(strings.Fields(c.options), "pppoe-padi-timeout", "1", "pppoe-padi-attempts", "30")...)
			await(t, "the bad concentrator was asked", func() bool { return len(bad.discoveryPackets(wire.PADR)) > 0 })
			w.serve(t)
			s := w.awaitOnline(t)
			if s.ACName != "life-ac" {
				t.Errorf("the client is %+v", s)
			}
		})
	}
}

// TestRejectedByOne: in a single dial, a rejection by one concentrator lets the other one be tried.
func TestRejectedByOne(t *testing.T) {
	w := newSwitchedTestbed(t)
	// The bad one's offer is the first. It refuses when there is another: for one the client waits half a second only.
	requested, offered := newSignal(), newSignal()
	bad := newFakeAC(t, w.other, "bad-ac", fault{refuse: "no", before: func(code wire.Code) {
		if code == wire.PADR {
			requested.set()
			<-offered.is
		}
	}})
	onPADI := func(do func()) func(wire.Code) {
		return func(code wire.Code) {
			if code == wire.PADI {
				do()
			}
		}
	}
	newFakeAC(t, w.server, "life-ac", fault{before: onPADI(func() { <-requested.is }), after: onPADI(offered.set)})
	t.Cleanup(func() { requested.set(); offered.set() }) // before the fakes end
	w.dial(t)
	if s := w.awaitOnline(t); s.ACName != "life-ac" || len(bad.discoveryPackets(wire.PADR)) != 1 {
		t.Errorf("the client is %+v, after %d refusals", s, len(bad.discoveryPackets(wire.PADR)))
	}
}

// signal is something that happens once.
type signal struct {
	is  chan struct{} // closed when it has happened
	set func()
}

func newSignal() signal {
	is := make(chan struct{})
	return signal{is, sync.OnceFunc(func() { close(is) })}
}

// TestSelection of a concentrator by name, service or address, between two.
func TestSelection(t *testing.T) {
	w := newSwitchedTestbed(t)
	w.serve(t, "-S", "gold")
	w.serveAt(t, w.other, "-C", "other-ac", "-S", "silver", "-R", "192.0.2.100")
	for options, want := range map[string]string{
		"pppoe-ac life-ac":                                               "life-ac",
		"pppoe-ac other-ac":                                              "other-ac",
		"pppoe-ac no-ac pppoe-ac-also other-ac":                          "other-ac",
		"pppoe-service gold":                                             "life-ac",
		"pppoe-service silver":                                           "other-ac",
		"pppoe-mac " + mac(t, w.server, "eth0"):                          "life-ac",
		"pppoe-mac " + mac(t, w.other, "eth0"):                           "other-ac",
		"rp_pppoe_ac other-ac":                                           "other-ac",
		"rp_pppoe_service gold rp_pppoe_mac " + mac(t, w.server, "eth0"): "life-ac",
	} {
		for range 3 {
			p := w.dial(t, strings.Fields(options)...)
			if s := w.awaitOnline(t); s.ACName != want {
				t.Errorf("%s: the session is with %s, want %s", options, s.ACName, want)
			}
			p.Stop()
		}
	}
	for _, options := range []string{"pppoe-ac no-ac", "pppoe-service no-service", "pppoe-mac 02:00:5e:00:53:99"} {
		r := w.run(t, "pppoe-client", append(append([]string{"eth0", "nodetach", "pppoe-padi-timeout", "1", "pppoe-padi-attempts", "1"}, account...), strings.Fields(options)...)...)
		if r.code != 8 {
			t.Errorf("%s: %+v", options, r)
		}
	}
}

// TestDialOnDemand: a session is established when there is traffic, and terminated when idle,
// repeatedly; the device stays.
func TestDialOnDemand(t *testing.T) {
	w := newTestbed(t)
	server := w.serve(t)
	p := w.dial(t, "demand", "idle", "1", "noipv6", "defaultroute", "holdoff", "0")
	for round := range 3 {
		s := w.awaitStatus(t, "the client waits for traffic", func(s status.Status) bool { return s.WaitingFor == "traffic" })
		if s.Dials != round || !w.links(t)["ppp0"] || strings.Count(server.Log(), "Session 1 created")+strings.Count(server.Log(), "Session 2 created") > round {
			t.Errorf("before there is traffic, the client is %+v, with devices %v", s, w.links(t))
		}
		_, err := w.client.Ping(ip("192.0.2.1"), round, timeout)
		check(t, err)
	}
	p.Stop()
	w.leftNothing(t)
}

// TestAddressRequestedAgain: a redial, and a new process after a crash, request the previous
// address.
func TestAddressRequestedAgain(t *testing.T) {
	w := newTestbed(t)
	asked := make(chan string, 64)
	f := newFakeAC(t, w.server, "odd", fault{onControl: func(_ *fakeAC, p ppp.Protocol, c ppp.Control) bool {
		if p == ppp.IPCP && c.Code == ppp.ConfigureRequest {
			asked <- fmt.Sprint(addressIn(c.Data))
		}
		return false
	}})
	p := w.dial(t, "persist", "holdoff", "0")
	w.awaitOnline(t)
	first := func(want string) {
		t.Helper()
		if got := <-asked; got != want {
			t.Errorf("the first address asked for is %s, want %s", got, want)
		}
		for len(asked) > 0 {
			<-asked
		}
	}
	first("0.0.0.0")
	f.mu.Lock()
	f.hangUp()
	f.mu.Unlock()
	w.awaitStatus(t, "it is online again", func(s status.Status) bool { return isOnline(s) && s.Dials == 2 })
	first("192.0.2.10")
	kill(t, p)
	w.dial(t, "no-adopt")
	w.awaitOnline(t)
	first("192.0.2.10")
}

// TestRedialEvents: events say why each session ended, and how long the client waits.
func TestRedialEvents(t *testing.T) {
	w := newTestbed(t)
	w.serverOptions(t, "require-chap\nmaxconnect 1\n")
	w.serve(t)
	p := w.dial(t, "persist", "holdoff", "0", "noipv6", "json")
	w.awaitStatus(t, "it was online twice, and dials again", func(s status.Status) bool { return s.Dials >= 3 })
	p.Stop()
	var reasons []string
	for line := range strings.Lines(p.Log()) {
		var e status.Event
		if json.Unmarshal([]byte(line), &e) == nil && e.Event == "ended" {
			reasons = append(reasons, e.End.Reason)
		}
	}
	if got := strings.Join(reasons[:2], " "); got != "peer-terminated peer-terminated" {
		t.Errorf("sessions ended by %s", got)
	}
}
