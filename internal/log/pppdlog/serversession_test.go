package pppdlog

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// TestOpeningAndEnd: a session's creation is one line, and so is its end, with user, address, MAC
// and interface.
func TestOpeningAndEnd(t *testing.T) {
	alice, nobody := line, line
	alice.User = "al\x1bice"
	known := alice
	known.AccessLine = &wire.AccessLine{CircuitID: "port\n1"}
	four := ipcp.Agreement{Local: v4.Remote, Remote: v4.Local}
	with4 := pppoe.Configured{Addressing: pppoe.Addressing{IPv4: four}}
	with6 := pppoe.Configured{Addressing: pppoe.Addressing{IPv6: v6}}
	both := pppoe.Configured{Addressing: pppoe.Addressing{IPv4: four, IPv6: v6}}
	failed := func(p ppp.Protocol) session.NetworkFailed {
		return session.NetworkFailed{Protocol: p, Err: errors.New("no")}
	}
	end := pppoe.Ended{Reason: session.Reason{Cause: session.CausePeerTerminated}, Uptime: time.Minute, Counters: datapath.Counters{SentBytes: 1234, ReceivedBytes: 567}}
	lost := pppoe.NetworkLost{Protocol: ppp.IPv6CP, Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/64"), {}, netip.MustParsePrefix("2001:db8:8000::/56")}}
	const (
		at4     = " for client 02:00:5e:00:53:02 (192.0.2.10) on eth0"
		at6     = " for client 02:00:5e:00:53:02 (fe80::1234:5678:9abc:def0) on eth0"
		opened  = "Session 7 created"
		closed  = "Session 7 closed"
		using   = " using Service-Name 'internet'"
		user    = `, user "al\033ice"`
		circuit = `, circuit ID "port\0121"`
		why     = ": peer-terminated"
		second  = ", IPv6 fe80::1234:5678:9abc:def0"
		took    = ", after 1m0s, sent 1234 bytes, received 567 bytes"
	)
	for _, c := range []struct {
		what   string
		line   pppoe.SessionInfo
		noIPv4 bool
		events []pppoe.Event
		want   []string
	}{
		{"IPv4", nobody, false, []pppoe.Event{with4, end}, []string{opened + at4 + using, closed + at4 + why + took}},
		{"with a user", alice, false, []pppoe.Event{with4, end}, []string{opened + at4 + using + user, closed + at4 + why + user + took}},
		{"both, IPv4 first", nobody, false, []pppoe.Event{with4, both, end}, []string{opened + at4 + using, closed + at4 + why + second + took}},
		{"both, IPv6 first", nobody, false, []pppoe.Event{with6, both, end}, []string{opened + at4 + using + second, closed + at4 + why + second + took}},
		{"on a known line", known, false, []pppoe.Event{with4, end}, []string{opened + at4 + using + user + circuit, closed + at4 + why + user + circuit + took}},
		{"with prefixes", nobody, false, []pppoe.Event{with4, both, lost, end}, []string{opened + at4 + using, closed + at4 + why + ", IPv6 2001:db8:1::/64 2001:db8:8000::/56" + took}},
		{"with prefixes of a session with the same ID", nobody, false, []pppoe.Event{lost, end, with4, end},
			[]string{closed + " for client 02:00:5e:00:53:02 on eth0" + why + ", IPv6 2001:db8:1::/64 2001:db8:8000::/56" + took, opened + at4 + using, closed + at4 + why + took}},
		{"IPv4 again", nobody, false, []pppoe.Event{with4, with4, with4, end}, []string{opened + at4 + using, closed + at4 + why + took}},
		{"IPv6 alone", nobody, true, []pppoe.Event{with6, end}, []string{opened + at6 + using, closed + at6 + why + took}},
		{"IPv6, and IPv4 fails", nobody, false, []pppoe.Event{with6, failed(ppp.IPCP), end}, []string{opened + at6 + using, closed + at6 + why + took}},
		{"IPv4, and IPv6 fails", nobody, false, []pppoe.Event{failed(ppp.IPv6CP), with4, end}, []string{opened + at4 + using, closed + at4 + why + took}},
		{"IPv4 fails again", nobody, false, []pppoe.Event{with6, failed(ppp.IPCP), failed(ppp.IPCP), end}, []string{opened + at6 + using, closed + at6 + why + took}},
		{"nothing", alice, false, []pppoe.Event{end}, []string{closed + " for client 02:00:5e:00:53:02 on eth0" + why + user + took}},
		{"two with one ID", nobody, false, []pppoe.Event{with4, end, end}, []string{opened + at4 + using, closed + at4 + why + took, closed + " for client 02:00:5e:00:53:02 on eth0" + why + took}},
	} {
		el := &EventLogger{Server: true, NoIPv4: c.noIPv4}
		var got []string
		for _, l := range strings.Split(logged(el, c.line, c.events...), "\n") {
			if i := strings.Index(l, "Session "); i >= 0 {
				got = append(got, l[i:])
			}
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", c.what, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
		if el.accounting.sessions.Len()+len(el.accounting.lost) != 0 {
			t.Errorf("%s: %d sessions are remembered", c.what, el.accounting.sessions.Len())
		}
	}
}

// TestServerEventLimit: without an account nobody can fill the log, and suppressed events are
// counted; those of users are always logged.
func TestServerEventLimit(t *testing.T) {
	nobody, alice := line, line
	nobody.Device, alice.User = "", "alice"
	for _, c := range []struct {
		what  string
		line  pppoe.SessionInfo
		event pppoe.Event
		most  int // lines; 0: no limit
	}{
		{"a refused login", nobody, session.AuthFailed{Method: chap.MD5, Peer: true, Name: "x"}, maxEvents},
		{"one in an open session", alice, session.AuthFailed{Method: chap.MD5, Peer: true, Name: "x"}, maxEvents},
		{"a Terminate-Request", nobody, session.PeerClosed{Text: "x"}, maxEvents},
		{"a user's", alice, session.PeerClosed{Text: "x"}, 0},
		{"dial and hang up", nobody, pppoe.Ended{Reason: session.Reason{Cause: session.CauseHangUp}}, 3 * maxEvents},
		{"a user's", alice, pppoe.Ended{Reason: session.Reason{Cause: session.CauseHangUp}}, 3 * maxEvents},
		{"the end of what was open", nobody, pppoe.Ended{Reason: session.Reason{Cause: session.CauseUserRequest}, Uptime: time.Second}, 0},
		{"an address in use", alice, pppoe.AddressInUse{}, maxEvents},
		{"no IPv6", nobody, session.NetworkFailed{Protocol: ppp.IPv6CP, Err: errors.New("no")}, maxEvents},
		{"silence", nobody, session.EchoTimeout{Requests: 3}, 2 * maxEvents},
		{"a device", nobody, pppoe.DeviceOpened{Name: "ppp0"}, maxEvents},
		{"admission", nobody, session.NetworkPhase{}, maxEvents},
		{"a user's admission", alice, session.NetworkPhase{}, 0},
		{"no device", nobody, pppoe.HostNetworkFailed{Err: errors.New("no")}, maxEvents},
		{"an opening", nobody, pppoe.Configured{Addressing: pppoe.Addressing{IPv4: v4}}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			out := &lockedBuffer{}
			el := &EventLogger{Server: true, Log: slog.New(levels{out})}
			for range 1000 {
				el.Notify(c.line, c.event)
			}
			lines := strings.Count(out.String(), "\n")
			if c.most > 0 && lines != c.most || c.most == 0 && lines < 1000 {
				t.Errorf("%s: 1000 events are %d lines, want %d", c.what, lines, c.most)
			}
			time.Sleep(eventPeriod)
			synctest.Wait()
			if said := strings.Contains(out.String(), "980 more "); said != (c.most > 0) {
				t.Errorf("%s: that 980 were suppressed is said: %v", c.what, said)
			}
		})
	}
}

// TestUnauthenticatedKinds: the events of a server that a client without an account can cause,
// which are limited; those of sessions with a user, or that were configured, are always logged.
func TestUnauthenticatedKinds(t *testing.T) {
	const without = "events of sessions without a user"
	for _, c := range []struct {
		event         pppoe.Event
		nobodys, user string
	}{
		{session.AuthFailed{}, "refused logins", "refused logins"},
		{pppoe.AddressInUse{}, "sessions refused because of their address", "sessions refused because of their address"},
		{pppoe.Ended{}, "ends of sessions that did not come up", "ends of sessions that did not come up"},
		{pppoe.Ended{Uptime: 1}, "", ""},
		{session.PeerClosed{}, without, ""},
		{session.NetworkFailed{}, without, ""},
		{session.EchoTimeout{}, without, ""},
		{session.NetworkPhase{}, without, ""},
		{pppoe.HostNetworkFailed{}, without, ""},
		{pppoe.DeviceOpened{}, without, ""},
		{pppoe.Connected{}, without, ""},
		{pppoe.Configured{}, "", ""},
		{pppoe.AddressTakenOver{}, "", ""},
		{session.Authenticated{}, "", ""},
	} {
		named := line
		named.User = "alice"
		if got := unauthenticatedKind(line, c.event); got != c.nobodys {
			t.Errorf("%T without a user is %q, want %q", c.event, got, c.nobodys)
		}
		if got := unauthenticatedKind(named, c.event); got != c.user {
			t.Errorf("%T of a user is %q, want %q", c.event, got, c.user)
		}
	}
}
