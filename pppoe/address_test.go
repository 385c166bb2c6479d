package pppoe_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"

	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
)

// column is an Authority that allows one address.
type column struct {
	accounts
	allows netip.Addr
}

func (c column) Judge(ctx context.Context, l pppoe.Line, p ppp.Proof) pppoe.Decision {
	d := c.accounts.Judge(ctx, l, p)
	d.Allowed = func(a netip.Addr) bool { return a == c.allows }
	return d
}

// TestAddressOfItsOwn: a client of a server without a pool names its own address, which has to
// be one that the Authority allows: another session's traffic would go to it.
func TestAddressOfItsOwn(t *testing.T) {
	allowed, other := netip.MustParseAddr("192.0.2.66"), netip.MustParseAddr("192.0.2.10")
	for _, own := range []netip.Addr{allowed, other} {
		for _, accept := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				l.server.Authority = column{accounts{"testuser": "testpassword"}, allowed}
				l.client.Session.IPv4 = &ipcp.Config{Local: own}
				l.server.Session.IPv4.AcceptRemote = accept
				l.server.Pool.First = netip.Addr{}
				if accept {
					l.server.Pool.First = netip.MustParseAddr("192.0.2.99")
				}
				l.startServer()
				l.startClient()
				synctest.Wait()
				got, _ := last[pppoe.Configured](&l.serverEvents)
				if has := got.IPv4.Remote == own; has != (own == allowed) {
					t.Errorf("a client that wants %v, accept %v: has it %v", own, accept, has)
				}
				l.stop()
			})
		}
	}
}
