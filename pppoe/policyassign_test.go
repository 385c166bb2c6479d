package pppoe_test

import (
	"net/netip"
	"testing"
	"testing/synctest"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// TestPolicyAssigns: name servers, interface identifier and MTU are those of the policy of the user
// that is authenticated now, and the server's for a user whose policy has none.
func TestPolicyAssigns(t *testing.T) {
	ours, theirs := netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("198.51.100.53")
	id := ipv6cp.ID{0, 0, 0, 0, 0, 0, 0, 7}
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		name := "alice"
		l.client.Session.LCP.AllowAuth = []ppp.Method{renamed{chap.MD5, &name}}
		l.client.Session.IPv4.RequestDNS = true
		l.client.Session.IPv6, l.server.Session.IPv6 = &ipv6cp.Config{AcceptLocal: true}, &ipv6cp.Config{}
		l.server.Session.IPv4.DNS[0] = ours
		l.server.Authenticator = accountPolicies{
			"alice": {DNS: [2]netip.Addr{theirs}, InterfaceID: id, MTU: 1400},
			"bob":   nil,
		}
		l.startServer()
		l.startClient()
		synctest.Wait()
		check := func(who string, dns netip.Addr, mtu int, has bool) {
			t.Helper()
			client, _ := last[pppoe.Configured](&l.clientEvents)
			server, _ := last[pppoe.Configured](&l.serverEvents)
			if got := client.IPv4.DNS; got != [2]netip.Addr{dns, dns} {
				t.Errorf("%s: name servers %v, want %v", who, got, dns)
			}
			if server.MTU != mtu || (server.IPv6.Remote == id) != has || server.Policy == nil {
				t.Errorf("%s: MTU %d, identifier %x, policy %v; want MTU %d", who, server.MTU, server.IPv6.Remote, server.Policy, mtu)
			}
		}
		check("alice", theirs, 1400, true)
		name = "bob"
		l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, clientAddr, 1, []byte{0xc0, 0x21, 1, 99, 0, 4}))
		synctest.Wait()
		check("bob", ours, 1492, false)
		l.stop()
	})
}
