package pppoe_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
)

// oneAddress is an Authenticator that allows one address.
type oneAddress struct {
	accounts
	allows netip.Addr
}

func (c oneAddress) Authenticate(ctx context.Context, l pppoe.SessionInfo, p ppp.AuthResponse) pppoe.AuthResult {
	d := c.accounts.Authenticate(ctx, l, p)
	d.AllowAddress = func(a netip.Addr) bool { return a == c.allows }
	return d
}

// TestClientChosenAddress: a client of a server without a pool requests its own address, which the
// Authenticator must allow: otherwise the client would get the traffic of another session.
func TestClientChosenAddress(t *testing.T) {
	allowed, other := netip.MustParseAddr("192.0.2.66"), netip.MustParseAddr("192.0.2.10")
	for _, own := range []netip.Addr{allowed, other} {
		for _, accept := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				l.server.Authenticator = oneAddress{accounts{"testuser": "testpassword"}, allowed}
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
					t.Errorf("a client that requests %v, accept %v: got it: %v", own, accept, has)
				}
				l.stop()
			})
		}
	}
}

// ownAddresses is an Authenticator whose accounts have addresses of their own, and may be allowed
// others.
type ownAddresses struct {
	accounts
	own    []netip.Addr
	allows string // a prefix
}

func (c ownAddresses) Authenticate(ctx context.Context, l pppoe.SessionInfo, p ppp.AuthResponse) pppoe.AuthResult {
	d := c.accounts.Authenticate(ctx, l, p)
	if d.Alternates = c.own; len(c.own) > 0 {
		d.Address = c.own[0]
	}
	d.AllowAddress = netip.MustParsePrefix(c.allows).Contains
	return d
}

// TestAccountAddress: a client gets the first of its account's own addresses, or the one of them
// that it requests; else one of the pool that its account allows; else the one that it requests.
func TestAccountAddress(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("192.0.2.60"), netip.MustParseAddr("192.0.2.61")}
	for _, c := range []struct {
		what           string
		own            []netip.Addr
		allows         string
		requests, want string // empty: none
	}{
		{"any", nil, "0.0.0.0/0", "", "192.0.2.10"},
		{"any, and requests one", nil, "0.0.0.0/0", "192.0.2.77", "192.0.2.10"},
		{"the second of the pool", nil, "192.0.2.11/32", "", "192.0.2.11"},
		{"the last of the pool", nil, "192.0.2.13/32", "", "192.0.2.13"},
		{"a part of the pool", nil, "192.0.2.12/30", "192.0.2.15", "192.0.2.12"},
		{"one beyond the pool", nil, "192.0.2.14/32", "", ""},
		{"one beyond the pool, which it requests", nil, "192.0.2.14/32", "192.0.2.14", "192.0.2.14"},
		{"one beyond the pool, and requests another", nil, "192.0.2.14/32", "192.0.2.15", ""},
		{"its own", own[:1], "192.0.2.60/32", "", "192.0.2.60"},
		{"several", own, "192.0.2.60/31", "", "192.0.2.60"},
		{"several, and requests the second", own, "192.0.2.60/31", "192.0.2.61", "192.0.2.61"},
		{"several, and requests another", own, "0.0.0.0/0", "192.0.2.62", "192.0.2.60"},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			l.server.Authenticator = ownAddresses{accounts{"testuser": "testpassword"}, c.own, c.allows}
			if c.requests != "" {
				l.client.Session.IPv4 = &ipcp.Config{Local: netip.MustParseAddr(c.requests), AcceptLocal: true}
			}
			l.startServer()
			l.startClient()
			synctest.Wait()
			time.Sleep(5 * time.Minute)
			got, _ := last[pppoe.Configured](&l.serverEvents)
			if has := got.IPv4.Remote; has.IsValid() != (c.want != "") || has.IsValid() && has.String() != c.want {
				t.Errorf("%s: got %v, want %q", c.what, has, c.want)
			}
			l.stop()
		})
	}
}
