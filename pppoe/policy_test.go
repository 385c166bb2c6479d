package pppoe_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
	"upppoe/tun/tuntest"
)

func ipv6From(src netip.Addr) []byte {
	p := append([]byte{0x60, 0, 0, 0, 0, 0, 59, 64}, src.AsSlice()...)
	return append(p, netip.MustParseAddr("2001:db8:ffff::1").AsSlice()...)
}

// receivedCount returns how many packets a device has received.
func receivedCount(d *tuntest.Device) (n int) {
	for synctest.Wait(); ; n++ {
		select {
		case <-d.Received():
		default:
			return n
		}
	}
}

// TestSourcePolicy: a server accepts packets from a peer's own addresses, from its framed routes
// and from its dynamic prefixes, and requests the policy for the peer's name.
func TestSourcePolicy(t *testing.T) {
	for _, path := range []datapath.Kind{datapath.KindPlain, datapath.KindGSO} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			l.server.DataPath = path
			requested := 0
			l.server.Policy = func(info pppoe.SessionInfo) *pppoe.SessionPolicy {
				if requested++; info.User != "testuser" {
					t.Errorf("requested the policy of %q", info.User)
				}
				return &pppoe.SessionPolicy{CheckSource: true, FramedRoutes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}}
			}
			s := l.startServer()
			l.startClient()
			synctest.Wait()
			here, there := l.clientHost.device(t, "ppp0"), l.serverHost.device(t, "ppp0")
			configured, _ := last[pppoe.Configured](&l.clientEvents)
			link := configured.IPv6.Local.LinkLocal()
			passes := func(packet []byte) bool {
				here.Inject(packet)
				return receivedCount(there) == 1
			}
			check := func(when string, dynamic bool) {
				for _, c := range []struct {
					what   string
					packet []byte
					ok     bool
				}{
					{"its address", ipv4("192.0.2.10", "203.0.113.1"), true},
					{"another's", ipv4("192.0.2.11", "203.0.113.1"), false},
					{"a framed route", ipv4("198.51.100.7", "203.0.113.1"), true},
					{"the address after it", ipv4("198.51.100.8", "203.0.113.1"), false},
					{"its link-local address", ipv6From(link), true},
					{"another's", ipv6From(link.Next()), false},
					{"a dynamic prefix", ipv6From(netip.MustParseAddr("2001:db8:1::1")), dynamic},
				} {
					if ok := passes(c.packet); ok != c.ok {
						t.Errorf("%v, %s: a packet from %s: passes %v, want %v", path, when, c.what, ok, c.ok)
					}
				}
			}
			check("at first", false)
			session := l.serverEvents.key()
			later := session
			later.Generation++
			s.SetSourcePrefixes(session, []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/64")})
			s.SetSourcePrefixes(later, []netip.Prefix{netip.MustParsePrefix("2001:db8:2::/64")}) // there is none
			check("with a dynamic prefix", true)
			s.SetSourcePrefixes(session, nil)
			check("with none again", false)
			if requested != 3 { // for the login, the address and the network phase
				t.Errorf("requested the policy %d times", requested)
			}
			l.stop()
			if e, _ := last[pppoe.Ended](&l.serverEvents); e.Counters.Spoofed != 11 || e.Counters.Dropped != 11 {
				t.Errorf("counted %+v; want 11 packets spoofed, and so dropped", e.Counters)
			}
		})
	}
}

// TestRateLimits: a server enforces a session's rates, each way, or none.
func TestRateLimits(t *testing.T) {
	for _, policy := range []pppoe.SessionPolicy{
		{}, {Up: datapath.Rate{Bits: 8000, Burst: time.Second}}, {Down: datapath.Rate{Bits: 8000, Burst: time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy { return &policy }
			l.startServer()
			l.startClient()
			synctest.Wait()
			here, there := l.clientHost.device(t, "ppp0"), l.serverHost.device(t, "ppp0")
			up, down := 0, 0
			packet := append(ipv4("192.0.2.10", "203.0.113.1"), make([]byte, 980)...)
			for range 20 { // of 1000 octets; the smallest bucket has 15,000
				here.Inject(packet)
				up += receivedCount(there)
				there.Inject(packet)
				down += receivedCount(here)
			}
			want := func(r datapath.Rate) int {
				if r.Bits > 0 {
					return 15
				}
				return 20
			}
			if up != want(policy.Up) || down != want(policy.Down) {
				t.Errorf("%+v: %d packets up and %d down", policy, up, down)
			}
			l.stop()
			if e, _ := last[pppoe.Ended](&l.serverEvents); int(e.Counters.Exceeded) != 40-up-down || e.Reason.Cause != session.CausePeerTerminated && e.Reason.Cause != session.CauseUserRequest {
				t.Errorf("%+v: counted %+v, ended by %v", policy, e.Counters, e.Reason)
			}
		})
	}
}

// TestDynamicPrefixesEndWithSession: dynamic prefixes of a session do not apply to the next one of
// its ID.
func TestDynamicPrefixesEndWithSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Pool.Max = 1
		l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy { return &pppoe.SessionPolicy{CheckSource: true} }
		l.client.Redial = persist(time.Second, 0)
		s := l.startServer()
		l.startClient()
		l.checkOnline(1, "at first")
		session := l.serverEvents.key()
		s.SetSourcePrefixes(session, []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/64")})
		for i, want := range []int{1, 0} {
			here, there := l.clientHost.device(t, "ppp"+string('0'+rune(i))), l.serverHost.device(t, "ppp"+string('0'+rune(i)))
			here.Inject(ipv6From(netip.MustParseAddr("2001:db8:1::1")))
			if n := receivedCount(there); n != want {
				t.Errorf("in session number %d, %d packets from the first one's dynamic prefix pass, want %d", i+1, n, want)
			}
			if i == 0 {
				l.dialer.Redial()
				time.Sleep(2 * time.Second) // the only slot may not be free when the client first requests it
				l.checkOnline(2, "again")
			}
		}
		l.stop()
		s.SetSourcePrefixes(session, nil) // there is no session any more
	})
}

// slowHost is a host whose Configure blocks until ready.
type slowHost struct {
	*host
	ready chan struct{}
}

func (h slowHost) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	<-h.ready
	return h.host.Configure(l, have, want)
}

// TestPolicyBeforeTraffic: no packet flows before a session's policy is applied, even if one of its
// families closes while the host's network is being configured for both.
func TestPolicyBeforeTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy { return &pppoe.SessionPolicy{CheckSource: true} }
		slow := slowHost{l.serverHost, make(chan struct{})}
		l.server.Network = slow
		l.startServer()
		l.startClient()
		synctest.Wait()
		here, there := l.clientHost.device(t, "ppp0"), l.serverHost.device(t, "ppp0")
		terminate := []byte{0x80, 0x21, 5, 1, 0, 4} // IPCP, Terminate-Request
		l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, clientAddr, 1, terminate))
		synctest.Wait()
		forged := netip.MustParseAddr("2001:db8::1")
		here.Inject(ipv6From(forged))
		if receivedCount(there) > 0 {
			t.Error("an IPv6 packet from anywhere passes before the session has its IPv6 address")
		}
		close(slow.ready)
		synctest.Wait()
		configured, _ := last[pppoe.Configured](&l.clientEvents)
		here.Inject(ipv6From(forged))
		here.Inject(ipv6From(configured.IPv6.Local.LinkLocal()))
		if n := receivedCount(there); n != 1 {
			t.Errorf("then %d packets of two pass, want that from the peer's own address", n)
		}
		l.stop()
	})
}
