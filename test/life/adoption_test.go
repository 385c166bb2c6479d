package life

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"upppoe/internal/mgmt/status"
	"upppoe/test/lab"
)

// echoStream is a TCP connection from a host behind the client to one behind the server, which echoes.
type echoStream struct {
	net.Conn
	sent int
}

// connect opens a stream through the session.
func (w *testbed) connect(t testing.TB, from, to netip.Addr) *echoStream {
	t.Helper()
	var listener net.Listener
	check(t, w.server.Do(func() (err error) {
		listener, err = net.Listen("tcp", netip.AddrPortFrom(to, 0).String())
		return err
	}))
	t.Cleanup(func() { listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var b [1]byte
		for {
			if _, err := conn.Read(b[:]); err != nil {
				return
			}
			conn.Write(b[:])
		}
	}()
	s := &echoStream{}
	check(t, w.client.Do(func() (err error) {
		d := net.Dialer{Timeout: timeout, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
		s.Conn, err = d.Dial("tcp", listener.Addr().String())
		return err
	}))
	t.Cleanup(func() { s.Close() })
	return s
}

// exchange sends an octet and awaits it.
func (s *echoStream) exchange(t testing.TB) {
	t.Helper()
	s.sent++
	check(t, s.SetDeadline(time.Now().Add(timeout)))
	b := []byte{byte(s.sent)}
	_, err := s.Write(b)
	check(t, err)
	b[0] = 0
	if _, err := s.Read(b); err != nil || b[0] != byte(s.sent) {
		t.Fatalf("octet %d of the TCP connection comes back as %d: %v", s.sent, b[0], err)
	}
}

// TestClientContinuesAfterKill: a client that is killed and started again continues its session: the same
// one at the server, with its device, addresses and routes, and TCP connections. No script runs.
func TestClientContinuesAfterKill(t *testing.T) {
	for _, path := range []string{"auto", "offload", "plain"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t)
			for _, name := range []string{"net-init", "net-pre-up", "ip-pre-up", "ip-up", "ip-down", "ipv6-up", "ipv6-down", "net-down"} {
				w.write(t, "etc/"+name, "#!/bin/sh\necho "+name+" >>/etc/ppp/ran\n", 0o755)
			}
			server := w.serve(t)
			options := []string{"datapath", path, "defaultroute", "lcp-echo-interval", "5", "lcp-echo-failure", "3"}
			p := w.dial(t, options...)
			first := w.awaitStatus(t, "the client is online", func(s status.Status) bool { return isOnline(s) && s.IPv6 != nil })
			await(t, "ipv6-up and ip-up have run", func() bool {
				return strings.Contains(w.read("etc/ran"), "ip-up\n") && strings.Contains(w.read("etc/ran"), "ipv6-up\n")
			})
			tcp := w.connect(t, netip.MustParseAddr(first.IPv4.Local), ip("192.0.2.1"))
			tcp.exchange(t)
			ran, index := w.read("etc/ran"), w.deviceIndex(t, first.Device)
			w.awaitRecord(t)

			for range 2 {
				kill(t, p)
				p = w.dial(t, options...)
				check(t, p.Await(fmt.Sprintf("Session %d at .* continues", first.SessionID)))
				tcp.exchange(t)
			}
			again := w.awaitStatus(t, "the client is online", isOnline)
			if again.SessionID != first.SessionID || again.Device != first.Device || again.IPv4.Local != first.IPv4.Local ||
				again.IPv4.Remote != first.IPv4.Remote || again.IPv6 == nil || again.IPv6.Local != first.IPv6.Local || !again.OnlineAt.Before(first.OnlineAt.Add(2*time.Second)) {
				t.Errorf("before it was %+v, now %+v", first, again)
			}
			if now := w.read("etc/ran"); now != ran || w.deviceIndex(t, first.Device) != index {
				t.Errorf("scripts that ran: %q, and before the kill: %q", now, ran)
			}
			if n := strings.Count(p.Log(), "PAD"); n > 0 || strings.Contains(p.Log(), "ConfReq") {
				t.Errorf("there was a discovery or a negotiation:\n%s", p.Log())
			}
			p.Stop()
			check(t, server.Await(fmt.Sprintf("Session %d closed .*: peer-terminated", first.SessionID)))
			w.leftNothing(t)
			if now := w.read("etc/ran"); !strings.Contains(now, "ip-down\n") || !strings.Contains(now, "ipv6-down\n") || !strings.Contains(now, "net-down\n") {
				t.Errorf("at its end the scripts %q had run", now)
			}
			if n := strings.Count(server.Log(), "Session "); strings.Contains(server.Log(), "Session 2 created") {
				t.Errorf("the server had another session (%d lines):\n%s", n, server.Log())
			}
		})
	}
}

// awaitRecord waits until the next client could continue the session: the record is written just after the
// client is online.
func (w *testbed) awaitRecord(t testing.TB) {
	t.Helper()
	await(t, "the session is recorded", func() bool { return strings.Contains(w.read("lib/upppoe/eth0.0.json"), `"adoptable":`) })
}

// deviceIndex returns the index of the client's device.
func (w *testbed) deviceIndex(t testing.TB, name string) (index int) {
	t.Helper()
	check(t, w.client.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err == nil {
			index = link.Attrs().Index
		}
		return err
	}))
	return index
}

// TestClientCannotContinue: where the server has ended the session meanwhile, or the client must not or
// cannot continue it, the client says why, ends it with a PADT, and dials.
func TestClientCannotContinue(t *testing.T) {
	for name, c := range map[string]struct {
		options []string
		between func(testing.TB, *testbed, *lab.Program)
		says    string
	}{
		"no-adopt":     {[]string{"no-adopt"}, nil, "is not continued: option no-adopt is given"},
		"another user": {[]string{"user", "other", "remotename", "x"}, nil, "is not continued: its user was another"},
		"a server that was killed": {nil, func(t testing.TB, w *testbed, server *lab.Program) {
			kill(t, server)
			w.serve(t)
		}, "asking whether it continues"},
		"a damaged record": {nil, func(t testing.TB, w *testbed, _ *lab.Program) {
			w.write(t, "lib/upppoe/eth0.0.json", "{", 0o600)
		}, "The record of the last session is damaged"},
		"a damaged state": {nil, func(t testing.TB, w *testbed, _ *lab.Program) {
			text := w.read("lib/upppoe/eth0.0.json")
			_, rest, _ := strings.Cut(text, `"ppp":"`)
			state, _, _ := strings.Cut(rest, `"`)
			w.write(t, "lib/upppoe/eth0.0.json", strings.Replace(text, state, "AgAA", 1), 0o600)
		}, "cannot continue: session: state cannot be restored: unknown version 2, not 1"},
		"another boot": {nil, func(t testing.TB, w *testbed, _ *lab.Program) {
			text := w.read("lib/upppoe/eth0.0.json")
			w.write(t, "lib/upppoe/eth0.0.json", strings.Replace(text, `"boot":"`, `"boot":"0`, 1), 0o600)
		}, "is not continued: the system was started again since"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t)
			server := w.serve(t)
			p := w.dial(t)
			first := w.awaitOnline(t)
			w.awaitRecord(t)
			kill(t, p)
			if c.between != nil {
				c.between(t, w, server)
			}
			p = w.dial(t, c.options...)
			check(t, p.Await(c.says))
			if name == "another user" {
				check(t, p.Await(fmt.Sprintf("Sent PADT for session %d", first.SessionID)))
				return
			}
			again := w.awaitOnline(t)
			if again.Device != "ppp0" || strings.Contains(p.Log(), "Session 1 at .* continues") {
				t.Errorf("it is %+v:\n%s", again, p.Log())
			}
			if name != "a damaged record" {
				check(t, p.Await("Sent PADT|sent \\[PADT|PADT"))
			}
			p.Stop()
			w.leftNothing(t)
		})
	}
}
