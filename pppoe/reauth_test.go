package pppoe_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// renamed is a method whose peer may use another name each time.
type renamed struct {
	ppp.Method
	name *string
}

func (n renamed) NewPeer(c ppp.Credentials) ppp.AuthExchange {
	c.Name = *n.name
	return n.Method.NewPeer(c)
}

// accountPolicies is an Authenticator over accounts that have a policy of their own, or nil.
type accountPolicies map[string]*pppoe.SessionPolicy

func (p accountPolicies) Authenticate(_ context.Context, _ pppoe.SessionInfo, r ppp.AuthResponse) pppoe.AuthResult {
	policy, known := p[r.User()]
	_, ok := r.Verify([]byte("testpassword"))
	return pppoe.AuthResult{AuthResult: ppp.AuthResult{Accepted: known && ok}, Policy: policy}
}

// TestPolicyFollowsUser: the policy of a session is that of the user that is authenticated now,
// however often the link is renegotiated; nothing stays of an earlier one.
func TestPolicyFollowsUser(t *testing.T) {
	behind := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}
	slow := datapath.Rate{Bits: 8000, Burst: time.Second} // 15 packets of 1000 octets
	for _, path := range []datapath.Kind{datapath.KindPlain, datapath.KindGSO} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			l.server.DataPath = path
			name := "alice"
			l.client.Session.LCP.AllowAuth = []ppp.Method{renamed{chap.MD5, &name}}
			l.server.Authenticator = accountPolicies{
				"alice": {CheckSource: true, FramedRoutes: behind, Up: slow},
				"bob":   nil,
				"carol": {CheckSource: true, Down: slow},
				"dave":  {CheckSource: true, FramedRoutes: behind, Up: datapath.Rate{Bits: 8000, Burst: 2 * time.Second}},
			}
			l.server.Policy = func(info pppoe.SessionInfo) *pppoe.SessionPolicy {
				if info.User != "bob" {
					t.Errorf("requested the policy of %q, whose account has one", info.User)
				}
				return &pppoe.SessionPolicy{}
			}
			s := l.startServer()
			l.startClient()
			l.checkOnline(1, "at first")
			here, there := l.clientHost.device(t, "ppp0"), l.serverHost.device(t, "ppp0")
			own := append(ipv4("192.0.2.10", "203.0.113.1"), make([]byte, 980)...)
			for i, c := range []struct {
				user            string
				another, allows bool // packets from there pass
				up, down        int  // of 20 packets
			}{
				{"alice", false, true, 15, 20},
				{"alice", false, true, 3, 20}, // the bucket keeps its level
				{"bob", true, true, 20, 20},
				{"carol", false, false, 20, 15},
				{"carol", false, false, 20, 3},
				{"alice", false, true, 15, 20},
				{"dave", false, true, 15, 20}, // another burst is another rate
				{"bob", true, true, 20, 20},
			} {
				if i > 0 {
					name = c.user
					l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, clientAddr, 1, []byte{0xc0, 0x21, 1, byte(99 + i), 0, 4}))
					l.checkOnline(i+1, c.user)
				}
				up, down := 0, 0
				for range 20 {
					here.Inject(own)
					up += receivedCount(there)
					there.Inject(own)
					down += receivedCount(here)
				}
				if up != c.up || down != c.down {
					t.Errorf("%v, %d: %s: %d packets up and %d down, want %d and %d", path, i, c.user, up, down, c.up, c.down)
				}
				time.Sleep(3 * time.Second) // for three packets of 1000 octets
				for from, ok := range map[string]bool{"192.0.2.11": c.another, "198.51.100.7": c.allows} {
					here.Inject(ipv4(from, "203.0.113.1"))
					if passes := receivedCount(there) == 1; passes != ok {
						t.Errorf("%v, %d: %s: a packet from %s: passes %v, want %v", path, i, c.user, from, passes, ok)
					}
				}
			}
			s.SetSourcePrefixes(l.serverEvents.key(), nil)
			l.stop()
		})
	}
}

// TestLimitsFollowUser: a user's session time does not include an earlier user's, and renegotiation
// does not restart it.
func TestLimitsFollowUser(t *testing.T) {
	for second, want := range map[string]time.Duration{"alice": time.Minute, "bob": 50*time.Second + time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			name := "alice"
			l.client.Session.LCP.AllowAuth = []ppp.Method{renamed{chap.MD5, &name}}
			l.server.Authenticator = accountPolicies{"alice": nil, "bob": nil}
			l.server.Limits.SessionTimeout = time.Minute
			l.startServer()
			l.startClient()
			l.checkOnline(1, "at first")
			time.Sleep(50 * time.Second)
			name = second
			l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, clientAddr, 1, []byte{0xc0, 0x21, 1, 99, 0, 4}))
			l.checkOnline(2, second)
			time.Sleep(want - 50*time.Second - time.Millisecond)
			synctest.Wait()
			if n := count[pppoe.Ended](&l.serverEvents); n != 0 {
				t.Errorf("alice, then %s: ended before %v", second, want)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if e, _ := last[pppoe.Ended](&l.serverEvents); e.Reason.Cause != session.CauseExpired {
				t.Errorf("alice, then %s: after %v ended by %v", second, want, e.Reason)
			}
			l.stop()
		})
	}
}
