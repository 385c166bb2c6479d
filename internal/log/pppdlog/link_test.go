package pppdlog

import (
	"errors"
	"testing"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// TestLinkLines: lines about interfaces, stale sessions and dropped packets. Scripts look for
// pppd's.
func TestLinkLines(t *testing.T) {
	said := wire.Discovery{Code: wire.PADM, Tags: wire.Tags(nil).Append(wire.TagMOTM, []byte("down\nat 5")).Append(wire.TagHURL, []byte("http://x"))}
	for _, c := range []struct {
		event pppoe.Event
		want  string
	}{
		{pppoe.Announced{Packet: wire.DiscoveryFrame{Discovery: said}}, info + `Message from 02:00:5e:00:53:02: [motm down\012at 5] [hurl http://x]` + "\n"},
		{pppoe.Announced{}, info + "Message from 02:00:5e:00:53:02:\n"},
		{pppoe.DiscoveryTimeout{Missing: wire.PADO}, fault + "Timeout waiting for PADO packets\n"},
		{pppoe.DiscoveryTimeout{Missing: wire.PADS}, fault + "Timeout waiting for PADS packets\n"},
		{pppoe.StaleTerminated{StaleSession: pppoe.StaleSession{SessionID: 9, AC: ac}}, info + "Sent PADT for session 9 at 02:00:5e:00:53:02, left by an earlier run\n"},
		{pppoe.StaleTerminated{StaleSession: pppoe.StaleSession{SessionID: 9, AC: ac, Local: client}}, info + "Sent PADT for session 9 at 02:00:5e:00:53:02, left by the loss of the interface\n"},
		{pppoe.LinkChanged{State: pppoe.LinkUp}, info + "Interface eth0 is up\n"},
		{pppoe.LinkChanged{State: pppoe.LinkNoCarrier}, info + "Interface eth0 is without carrier\n"},
		{pppoe.LinkChanged{State: pppoe.LinkDown}, info + "Interface eth0 is down\n"},
		{pppoe.LinkChanged{State: pppoe.LinkGone}, info + "Interface eth0 is gone\n"},
		{pppoe.AddressChanged{From: client, To: ac}, info + "The Ethernet address of interface eth0 has changed from 02:00:5e:00:53:01 to 02:00:5e:00:53:02\n"},
		{pppoe.ListenerLost{Err: errors.New("network is down")}, fault + "Not serving on eth0 until it is usable again: network is down\n"},
		{pppoe.ListenerRestored{Addr: client}, info + "Serving on eth0 again, as 02:00:5e:00:53:01\n"},
		{pppoe.AwaitingLink{}, info + "Waiting for interface eth0\n"},
		{pppoe.AwaitingTraffic{}, info + "Waiting for traffic\n"},
		{pppoe.Ended{Counters: datapath.Counters{Spoofed: 1}}, info + "Dropped 1 packets with a spoofed source address.\n"},
		{pppoe.Ended{Counters: datapath.Counters{Exceeded: 1}}, info + "Dropped 1 packets over the session's rate limit.\n"},
		{pppoe.Ended{Uptime: 1}, info + "Connect time 0.0 minutes.\n" + info + "Sent 0 bytes, received 0 bytes.\n"},
		{pppoe.AwaitingRedial{Delay: 1500*time.Microsecond + 1}, info + "Dialling again in 2ms\n"},
		{pppoe.AwaitingRedial{Delay: 1499 * time.Microsecond}, info + "Dialling again in 1ms\n"},
	} {
		if got := logged(&EventLogger{}, line, c.event); got != c.want {
			t.Errorf("%#v is told as\n%swant\n%s", c.event, got, c.want)
		}
	}
}

// TestServerReasons: the reason of a server's session is logged at its end, a sent PADT is not.
func TestServerReasons(t *testing.T) {
	for _, c := range []struct {
		reason       session.Reason
		line, closed string
	}{
		{session.Reason{Cause: session.Idle}, "Terminating connection due to lack of activity.", "idle"},
		{session.Reason{Cause: session.Expired}, "Connect time expired", "expired"},
		{session.Reason{Cause: session.Exhausted}, "Traffic limit reached. Limit: session volume", "exhausted"},
		{session.Reason{Cause: session.HangUp}, "Modem hangup", "hangup"},
		{session.Reason{Cause: session.Looped}, "Serial line is looped back.", "looped"},
		{session.Reason{Cause: session.NotNegotiated, Text: "why"}, "why", "not-negotiated"},
		{session.Reason{Cause: session.PeerNotAuthenticated, Text: session.RefusedToAuthenticate}, "peer refused to authenticate: terminating link", "peer-not-authenticated"},
		{session.Reason{Cause: session.PeerNotAuthenticated, Text: "another"}, "", "peer-not-authenticated"},
		{session.Reason{Cause: session.UserRequest}, "", "user-request"},
	} {
		want := info + "ppp0: Connection terminated.\n" + info + "ppp0: Session 7 closed for client 02:00:5e:00:53:02 on eth0: " + c.closed + "\n"
		if c.line != "" {
			want = info + "ppp0: " + c.line + "\n" + want
		}
		if got := logged(&EventLogger{Server: true}, line, session.Ending{Reason: c.reason}, session.Closed{Reason: c.reason}, pppoe.Ended{Reason: c.reason, SentPADT: true}); got != want {
			t.Errorf("%+v is told as\n%swant\n%s", c.reason, got, want)
		}
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

// TestKindsOfEvents: the kinds of suppressed events in the client's log.
func TestKindsOfEvents(t *testing.T) {
	for _, c := range []struct {
		want   string
		events []pppoe.Event
	}{
		{"refusals of concentrators", []pppoe.Event{pppoe.Rejected{}}},
		{"announcements of concentrators", []pppoe.Event{pppoe.Announced{}}},
		{"starts of sessions", []pppoe.Event{pppoe.SessionEstablished{}, pppoe.DeviceOpened{}, pppoe.Connected{}}},
		{"changes of addresses", []pppoe.Event{pppoe.Configured{}}},
		{"results of authentication", []pppoe.Event{session.Authenticated{}, session.AuthFailed{}}},
		{"failures of network protocols", []pppoe.Event{session.NetworkFailed{}}},
		{"ends of sessions by the peer", []pppoe.Event{session.PeerClosed{}}},
		{"", []pppoe.Event{session.NetworkPhase{}, pppoe.HostNetworkFailed{}, pppoe.Ended{}}},
	} {
		for _, e := range c.events {
			if got := kindOf(e); got != c.want {
				t.Errorf("%T is of kind %q, want %q", e, got, c.want)
			}
		}
	}
	if maxEvents != 20 || eventPeriod != 10*time.Second {
		t.Errorf("%d events in %v are told; want 20 in 10 s", maxEvents, eventPeriod)
	}
}
