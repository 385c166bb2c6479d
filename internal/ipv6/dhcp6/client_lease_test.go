package dhcp6

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"upppoe/internal/ipv6/lifetime"
)

func TestRenewRebindExpire(t *testing.T) {
	b := newTestClient(t)
	b.bind()
	renew := b.expect(dhcpv6.MessageTypeRenew)
	if at := b.now.Sub(start); at != 50*second || !bytes.Equal(serverOf(renew), serverDUID) || renew.Options.OneIANA().Options.OneAddress() == nil {
		t.Errorf("renews after %v with %v", at, renew.Summary())
	}
	b.expect(dhcpv6.MessageTypeRenew) // about 10 s later
	b.expect(dhcpv6.MessageTypeRenew) // about 20 s later
	b.expect(dhcpv6.MessageTypeRebind)
	if at := b.now.Sub(start); at != 80*second {
		t.Errorf("rebinds after %v, want 80s", at)
	}
	for b.now.Sub(start) < 200*second {
		b.wantLease(addr, delegated)
		if m := b.next(); m.MessageType == dhcpv6.MessageTypeSolicit {
			break
		} else if serverOf(m) != nil {
			t.Fatalf("rebinds with a server: %v", m.Summary())
		}
	}
	if at := b.now.Sub(start); at != 200*second {
		t.Errorf("restarts after %v, want 200s", at)
	}
	b.wantLease(netip.Prefix{}, netip.Prefix{})
}

func TestRenewReply(t *testing.T) {
	b := newTestClient(t)
	b.bind()
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeRenew),
		ia(100*second, 200*second, 50*second, 80*second), pd(100*second, 200*second, 40*second, 80*second)), nil)
	if l := b.c.Configuration(); l.Addresses[0].Lifetime != lifetime.New(b.now, 100*second, 200*second) {
		t.Errorf("renewed to %v", l.Addresses)
	}
	if next := b.c.Next().Sub(b.now); next != 40*second {
		t.Errorf("renews after %v, want the earlier T1, 40s", next)
	}
}

// TestRebindReply: another server answers, which is used from then on.
func TestRebindReply(t *testing.T) {
	b := newTestClient(t)
	b.bind()
	m := b.next()
	for m.MessageType == dhcpv6.MessageTypeRenew {
		m = b.next()
	}
	reply := answer(dhcpv6.MessageTypeReply, m, ia(100*second, 200*second, 50*second, 80*second), pd(100*second, 200*second, 50*second, 80*second))
	reply.UpdateOption(rawOption(dhcpv6.OptionServerID, otherDUID))
	b.receive(reply, nil)
	if m := b.expect(dhcpv6.MessageTypeRenew); !bytes.Equal(serverOf(m), otherDUID) {
		t.Errorf("renews with %x", serverOf(m))
	}
}

// TestRenumbered: leases with lifetimes of 0 are removed, new ones are added.
func TestRenumbered(t *testing.T) {
	b := newTestClient(t)
	b.bind()
	next := netip.MustParsePrefix("2001:db8:200::/56")
	o := pd(0, 0, 0, 0)
	o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(next), PreferredLifetime: 100 * second, ValidLifetime: 200 * second})
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeRenew), ia(100*second, 200*second, 0, 0), o), nil)
	b.wantLease(addr, next)
}

// TestNoBinding: after NoBinding the same leases are requested anew (RFC 8415 section 18.2.10.1).
func TestNoBinding(t *testing.T) {
	b := newTestClient(t)
	b.bind()
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeRenew),
		noAddress(iana.StatusNoBinding), noPrefix(iana.StatusNoBinding)), ErrStatus)
	request := b.expect(dhcpv6.MessageTypeRequest)
	if at := b.now.Sub(start); at != 50*second || request.Options.OneIAPD().Options.Prefixes()[0].Prefix.String() != delegated.String() {
		t.Errorf("after %v requests %v", at, request.Summary())
	}
	b.receive(answer(dhcpv6.MessageTypeReply, request, noAddress(iana.StatusNoBinding), noPrefix(iana.StatusNoBinding)), ErrEmpty)
	b.expect(dhcpv6.MessageTypeSolicit)
	if waited := b.now.Sub(start) - 50*second; waited < second {
		t.Errorf("restarts after %v, want a while", waited)
	}
	b.wantLease(addr, delegated) // the lease lasts until it expires
}

func TestNotOnLink(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, both)
	b.receive(answer(dhcpv6.MessageTypeAdvertise, b.expect(dhcpv6.MessageTypeSolicit), ia(second, second, 0, 0)), nil)
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeRequest), statusOption(iana.StatusNotOnLink)), ErrStatus)
	b.expect(dhcpv6.MessageTypeSolicit)
}

// TestBackoff: a server that advertises but assigns nothing is asked at growing intervals.
func TestBackoff(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, both)
	n := 0
	for b.now.Sub(start) < time.Hour {
		n++
		b.receive(answer(dhcpv6.MessageTypeAdvertise, b.expect(dhcpv6.MessageTypeSolicit), ia(second, second, 0, 0), rawOption(dhcpv6.OptionPreference, []byte{255})), nil)
		b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeRequest), noAddress(iana.StatusNoAddrsAvail)), ErrEmpty)
	}
	if n > 15 {
		t.Errorf("asks %d times in an hour", n)
	}
}

// TestUnspecFail: the message is retransmitted at its time.
func TestUnspecFail(t *testing.T) {
	b := newTestClient(t)
	b.bind()
	renew := b.expect(dhcpv6.MessageTypeRenew)
	b.receive(answer(dhcpv6.MessageTypeReply, renew, statusOption(iana.StatusUnspecFail)), ErrStatus)
	if m := b.sent(); m != nil {
		t.Errorf("sends %v at once", m)
	}
	if m := b.expect(dhcpv6.MessageTypeRenew); m.TransactionID != renew.TransactionID {
		t.Error("with another identifier")
	}
}

// TestAddressGrantedLater: if only one association is assigned it is used, and the other is
// requested with the next Renew.
func TestAddressGrantedLater(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, both)
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionRapidCommit, nil),
		noAddress(iana.StatusNoAddrsAvail), pd(100*second, 200*second, 50*second, 80*second)), nil)
	b.wantLease(netip.Prefix{}, delegated)
	renew := b.expect(dhcpv6.MessageTypeRenew)
	if renew.Options.OneIANA() == nil || b.now.Sub(start) != 50*second {
		t.Errorf("after %v renews %v", b.now.Sub(start), renew.Summary())
	}
	b.receive(answer(dhcpv6.MessageTypeReply, renew, ia(100*second, 200*second, 0, 0), pd(100*second, 200*second, 50*second, 80*second)), nil)
	b.wantLease(addr, delegated)
}

// TestRequestMore: an address is requested later, as when a router sets the managed flag only now.
func TestRequestMore(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, IARequest{Prefix: true})
	solicit := b.expect(dhcpv6.MessageTypeSolicit)
	if solicit.Options.OneIANA() != nil {
		t.Error("solicits an address that is not requested")
	}
	b.receive(answer(dhcpv6.MessageTypeReply, solicit, rawOption(dhcpv6.OptionRapidCommit, nil), pd(100*second, 200*second, 50*second, 80*second)), nil)
	b.c.Request(b.now, IARequest{Prefix: true})
	if m := b.sent(); m != nil {
		t.Errorf("sends %v for what it has", m)
	}
	b.c.Request(b.now, IARequest{Address: true})
	if m := b.sent(); m == nil || m.MessageType != dhcpv6.MessageTypeRenew || m.Options.OneIANA() == nil || m.Options.OneIAPD() == nil {
		t.Errorf("sends %v", m)
	}
}

func TestInfiniteLifetime(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, IARequest{Prefix: true})
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionRapidCommit, nil),
		pd(lifetime.Infinity, lifetime.Infinity, 0, 0)), nil)
	if next := b.c.Next(); !next.IsZero() {
		t.Errorf("has something to do after %v", next.Sub(start))
	}
	b.wantLease(netip.Prefix{}, delegated)
}
