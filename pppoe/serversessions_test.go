package pppoe_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// sessionsOf returns the sessions of a server by VLAN.
func sessionsOf(s *pppoe.Server) map[string]pppoe.SessionStatus {
	all := make(map[string]pppoe.SessionStatus)
	for status := range s.Sessions() {
		all[status.VLAN] = status
	}
	return all
}

// TestSessions: each session with its user, addresses, VLAN, policy, traffic, uptime and round-trip
// time; one of them by its key.
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{Delay: 5 * time.Millisecond})
		l.server.Session.LCP.Echo.Interval = 10 * time.Second
		l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy {
			return &pppoe.SessionPolicy{Up: datapath.Rate{Bits: 1e6, Burst: time.Second}, CheckSource: true}
		}
		s := l.startTrunk("any")
		for range s.Sessions() {
			t.Error("there is a session before any has begun")
		}
		a, b := l.clientIn("50"), l.clientIn("50.100")
		a.client.Discovery.AccessLine = wire.AccessLine{CircuitID: "port 1"}
		begin := time.Now()
		a.startClient()
		time.Sleep(time.Second)
		b.startClient()
		time.Sleep(time.Minute)
		synctest.Wait()
		a.clientHost.device(t, "ppp0").Inject(ipv4("192.0.2.10", "203.0.113.254"))
		time.Sleep(time.Second)
		all := sessionsOf(s)
		first, second := all["50"], all["50.100"]
		if len(all) != 2 || first.Interface != "s.50" || first.Ethernet != "s" || first.User != "testuser" || first.Phase != pppoe.PhaseOnline {
			t.Fatalf("sessions are %+v", all)
		}
		if first.IPv4.Remote != netip.MustParseAddr("192.0.2.10") || !second.HasIPv6() || first.IPv4.Remote == second.IPv4.Remote {
			t.Errorf("addresses are %v and %v", first.Addressing, second.Addressing)
		}
		if first.Policy.Up.Bits != 1e6 || first.Counters.ReceivedPackets != 1 || first.Counters.ReceivedBytes != 20 || second.Counters.ReceivedPackets != 0 {
			t.Errorf("policy and traffic: %+v", first)
		}
		if up := first.Opened.Sub(begin); up <= 0 || up > time.Second || !second.Opened.After(first.Opened) {
			t.Errorf("opened after %v, and at %v", up, second.Opened)
		}
		if rtt := first.RoundTrip; rtt == 0 || rtt > 10*time.Millisecond+32*time.Microsecond {
			t.Errorf("the round-trip time is %v", rtt)
		}
		if first.AccessLine == nil || first.AccessLine.CircuitID != "port 1" || second.AccessLine != nil {
			t.Errorf("access lines are %v and %v", first.AccessLine, second.AccessLine)
		}
		prefix := netip.MustParsePrefix("2001:db8:1::/64")
		s.SetSourcePrefixes(first.Key(), []netip.Prefix{prefix})
		again, err := s.Session(first.Key())
		if err != nil || again.Counters != first.Counters || again.User != first.User || len(again.Prefixes) != 1 || again.Prefixes[0] != prefix {
			t.Errorf("by its key: %+v, %v", again, err)
		}
		for range s.Sessions() {
			break // the loop is not held
		}
		l.stopAll(a, b)
		lost := 0
		for _, e := range l.serverEvents.events {
			if e, ok := e.(pppoe.NetworkLost); ok && slices.Equal(e.Prefixes, again.Prefixes) {
				lost++
			}
		}
		if lost != 2 {
			t.Errorf("%d address families of the session with a prefix are lost with it, want 2", lost)
		}
		if _, err := s.Session(first.Key()); !errors.Is(err, pppoe.ErrNoSession) {
			t.Errorf("after its end: %v", err)
		}
		for range s.Sessions() {
			t.Error("there is a session after the end")
		}
	})
}

// TestDisconnect: softly by a Terminate-Request with the reason, hard by a PADT at once; the cause is
// reported.
func TestDisconnect(t *testing.T) {
	for _, c := range []struct {
		how   pppoe.DisconnectMode
		why   session.Reason
		cause session.Cause // here
		there session.Cause // at the client
		text  string
	}{
		{pppoe.DisconnectSoft, session.Reason{Text: "bye"}, session.CauseUserRequest, session.CausePeerTerminated, "bye"},
		{pppoe.DisconnectHard, session.Reason{Cause: session.CauseExpired, Text: "over"}, session.CauseExpired, session.CauseHangUp, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			s := l.startServer()
			l.startClient()
			synctest.Wait()
			key := l.serverEvents.key()
			other := key
			other.Generation++
			if err := s.Disconnect(other, c.how, c.why); !errors.Is(err, pppoe.ErrNoSession) {
				t.Errorf("of another generation: %v", err)
			}
			l.checkOnline(1, "before")
			if err := s.Disconnect(key, c.how, c.why); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			here, _ := last[pppoe.Ended](&l.serverEvents)
			there, _ := last[pppoe.Ended](&l.clientEvents)
			if here.Reason != (session.Reason{Cause: c.cause, Text: c.why.Text}) || !here.SentPADT {
				t.Errorf("ended here by %+v", here)
			}
			if there.Reason.Cause != c.there || c.text != "" && there.Reason.Text != c.text {
				t.Errorf("ended at the client by %+v, want %v %q", there.Reason, c.there, c.text)
			}
			if err := s.Disconnect(key, c.how, c.why); !errors.Is(err, pppoe.ErrNoSession) {
				t.Errorf("a second time: %v", err)
			}
			l.stop()
		})
	}
}

// TestDisconnectSilentPeer: a session that is being closed softly is ended by a PADT at once.
func TestDisconnectSilentPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		s := l.startServer()
		id, key := l.establish(&seen)
		synctest.Wait()
		if err := s.Disconnect(key, pppoe.DisconnectHard, session.Reason{Text: "bye"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if all := seen.all(wire.PADT); len(all) != 1 || all[0].SessionID != id {
			t.Errorf("PADTs are %v", all)
		}
		l.stopAll()
	})
}

// establish opens a session of a client that answers nothing afterwards.
func (l *lab) establish(seen *recorder) (id uint16, key pppoe.SessionKey) {
	l.segment.Send(forge(wire.Broadcast, clientAddr, wire.PADI, 0, anyService(1)))
	synctest.Wait()
	pados := seen.all(wire.PADO)
	l.segment.Send(forge(serverAddr, clientAddr, wire.PADR, 0, anyService(1).Echo(pados[len(pados)-1].Tags, wire.TagACCookie)))
	synctest.Wait()
	pads := seen.all(wire.PADS)
	return pads[len(pads)-1].SessionID, l.serverEvents.key()
}

// TestDrain: a server that drains answers no PADI and opens no session, and keeps those that it has;
// a repeated PADR of theirs is confirmed.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		s := l.startServer()
		id, _ := l.establish(&seen)
		cookie := anyService(1).Echo(seen.all(wire.PADO)[0].Tags, wire.TagACCookie)
		l.segment.Send(forge(wire.Broadcast, clientAddr, wire.PADI, 0, anyService(2)))
		synctest.Wait()
		other := anyService(2).Echo(seen.all(wire.PADO)[1].Tags, wire.TagACCookie)
		s.Drain(true)
		l.segment.Send(forge(wire.Broadcast, clientAddr, wire.PADI, 0, anyService(3)))
		l.segment.Send(forge(serverAddr, clientAddr, wire.PADR, 0, other))
		synctest.Wait()
		pads := seen.all(wire.PADS)
		if e, is := pads[len(pads)-1].Tags.FindError(); len(pads) != 2 || pads[1].SessionID != 0 || !is || e.Tag != wire.TagACSystemError {
			t.Errorf("PADSs are %v", pads)
		}
		if e, ok := last[pppoe.NoFreeSlots](&l.serverEvents); !ok || e.Reason != pppoe.ErrDraining {
			t.Errorf("reported %v, %v", e, ok)
		}
		l.segment.Send(forge(serverAddr, clientAddr, wire.PADR, 0, cookie))
		synctest.Wait()
		if pads := seen.all(wire.PADS); len(pads) != 3 || pads[2].SessionID != id {
			t.Errorf("a repeated PADR is answered by %v", pads)
		}
		if n := len(seen.all(wire.PADO)); n != 2 || s.Drops()[pppoe.ErrDraining] != 2 {
			t.Errorf("%d PADOs, want 2; dropped %v", n, s.Drops())
		}
		s.Drain(false)
		l.startClient()
		synctest.Wait()
		l.checkOnline(1, "after the drain")
		l.stop()
	})
}

// TestStats: what the server counts.
func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		s := l.startServer()
		l.startClient()
		synctest.Wait()
		_, halfOpen := l.establish(&seen)
		is := s.Stats()
		if is.Sessions != 2 || is.HalfOpen != 1 || is.Online != 1 || is.MaxSessions != 4 || is.Draining {
			t.Errorf("sessions: %+v", is)
		}
		if is.Established != 2 || is.Opened != 1 || is.Accepted != 1 || is.Rejected != 0 {
			t.Errorf("totals: %+v", is)
		}
		if want := (pppoe.DiscoveryCounts{PADI: 2, PADR: 2}); is.Received != want {
			t.Errorf("received %+v, want %+v", is.Received, want)
		}
		if want := (pppoe.DiscoveryCounts{PADO: 2, PADS: 2}); is.Sent != want {
			t.Errorf("sent %+v, want %+v", is.Sent, want)
		}
		if len(is.Queues) != 1 || is.Queues[0].Interface != "s" || is.Queues[0].Capacity == 0 || is.Queues[0].Control != 0 {
			t.Errorf("queues: %+v", is.Queues)
		}
		l.exchange()
		s.Disconnect(halfOpen, pppoe.DisconnectHard, session.Reason{})
		l.stop()
		is = s.Stats()
		if is.Sessions != 0 || is.HalfOpen != 0 || is.Online != 0 || len(is.Queues) != 1 {
			t.Errorf("at the end: %+v", is)
		}
		if is.Failed[session.CauseUserRequest] != 1 || is.Ended[session.CausePeerTerminated] != 1 {
			t.Errorf("ends: %+v", is)
		}
		if past := is.EndedTraffic; past.SentPackets != 1 || past.ReceivedPackets != 1 || past.ReceivedBytes != uint64(len(pingFromClient)) {
			t.Errorf("traffic of ended sessions: %+v", past)
		}
	})
}

// TestAccessLineOfPADI: the access line of a PADI counts if the PADR has none, for the same client in
// the same VLAN, and not for long.
func TestAccessLineOfPADI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.startServer()
		line := wire.AccessLine{CircuitID: "port", RemoteID: "r"}
		request := func(uniq byte, wait time.Duration, inPADR wire.AccessLine) *wire.AccessLine {
			l.segment.Send(forge(wire.Broadcast, clientAddr, wire.PADI, 0, line.AppendTags(anyService(uniq))))
			synctest.Wait()
			time.Sleep(wait)
			l.segment.Send(forge(wire.Broadcast, clientAddr, wire.PADI, 0, anyService(uniq)))
			synctest.Wait()
			pados := seen.all(wire.PADO)
			l.segment.Send(forge(serverAddr, clientAddr, wire.PADR, 0, inPADR.AppendTags(anyService(uniq).Echo(pados[len(pados)-1].Tags, wire.TagACCookie))))
			synctest.Wait()
			l.serverEvents.mu.Lock()
			defer l.serverEvents.mu.Unlock()
			return l.serverEvents.infos[len(l.serverEvents.infos)-1].AccessLine
		}
		if got := request(1, 0, wire.AccessLine{}); got == nil || *got != line {
			t.Errorf("that of the PADI: %v", got)
		}
		if got, want := request(2, 0, wire.AccessLine{CircuitID: "other"}), (wire.AccessLine{CircuitID: "other"}); got == nil || *got != want {
			t.Errorf("that of the PADR: %v", got)
		}
		if got := request(3, 2*time.Minute, wire.AccessLine{}); got != nil {
			t.Errorf("that of a PADI two minutes ago: %v", got)
		}
		l.stopAll()
	})
}
