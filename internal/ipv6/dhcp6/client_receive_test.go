package dhcp6

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"upppoe/internal/ipv6/lifetime"
)

// TestInvalidLeases: none of these is accepted.
func TestInvalidLeases(t *testing.T) {
	address := func(a string, preferred, valid, t1, t2 time.Duration) dhcpv6.Option {
		o := &dhcpv6.OptIANA{IaId: [4]byte{3: 7}, T1: t1, T2: t2}
		o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: net.ParseIP(a), PreferredLifetime: preferred, ValidLifetime: valid})
		return o
	}
	network := func(p string) dhcpv6.Option {
		o := &dhcpv6.OptIAPD{IaId: [4]byte{3: 7}}
		n := netip.MustParsePrefix(p)
		o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(n), PreferredLifetime: second, ValidLifetime: second})
		return o
	}
	for name, o := range map[string]dhcpv6.Option{
		"multicast":              address("ff02::1", 9*second, 9*second, 0, 0),
		"link-local":             address("fe80::1", 9*second, 9*second, 0, 0),
		"unspecified":            address("::", 9*second, 9*second, 0, 0),
		"loopback":               address("::1", 9*second, 9*second, 0, 0),
		"IPv4":                   address("192.0.2.1", 9*second, 9*second, 0, 0),
		"preferred too long":     address("2001:db8::1", 9*second, 8*second, 0, 0),
		"T1 after T2":            address("2001:db8::1", 9*second, 9*second, 8*second, 7*second),
		"over":                   address("2001:db8::1", 0, 0, 0, 0),
		"another association":    &dhcpv6.OptIANA{IaId: [4]byte{3: 8}, Options: ia(9*second, 9*second, 0, 0).Options},
		"prefix too long":        network("2001:db8::/65"),
		"the whole internet":     network("::/0"),
		"link-local prefix":      network("fe80::/56"),
		"prefix of length 0":     &dhcpv6.OptIAPD{IaId: [4]byte{3: 7}, Options: dhcpv6.PDOptions{Options: dhcpv6.Options{&dhcpv6.OptIAPrefix{PreferredLifetime: second, ValidLifetime: second}}}},
		"prefix longer than 128": rawOption(dhcpv6.OptionIAPD, slices.Concat([]byte{0, 0, 0, 7, 11: 0, 13: 26, 15: 25}, []byte{3: 9, 7: 9, 8: 200, 24: 1})),
	} {
		b := newTestClient(t)
		b.c.Request(b.now, both)
		solicit := b.expect(dhcpv6.MessageTypeSolicit)
		b.receive(answer(dhcpv6.MessageTypeAdvertise, solicit, o), ErrEmpty)
		b.receive(answer(dhcpv6.MessageTypeReply, solicit, rawOption(dhcpv6.OptionRapidCommit, nil), o), ErrEmpty)
		b.wantLease(netip.Prefix{}, netip.Prefix{})
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestDropped(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*dhcpv6.Message)
		want  error
	}{
		"transaction":    {func(m *dhcpv6.Message) { m.TransactionID[0]++ }, ErrUnexpected},
		"other client":   {func(m *dhcpv6.Message) { m.UpdateOption(rawOption(dhcpv6.OptionClientID, otherDUID)) }, ErrClient},
		"no client":      {func(m *dhcpv6.Message) { m.Options.Del(dhcpv6.OptionClientID) }, ErrClient},
		"no server":      {func(m *dhcpv6.Message) { m.Options.Del(dhcpv6.OptionServerID) }, ErrServer},
		"short server":   {func(m *dhcpv6.Message) { m.UpdateOption(rawOption(dhcpv6.OptionServerID, []byte{0, 1})) }, ErrServer},
		"long server":    {func(m *dhcpv6.Message) { m.UpdateOption(rawOption(dhcpv6.OptionServerID, make([]byte, 131))) }, ErrServer},
		"request":        {func(m *dhcpv6.Message) { m.MessageType = dhcpv6.MessageTypeRequest }, ErrUnexpected},
		"relay":          {func(m *dhcpv6.Message) { m.MessageType = dhcpv6.MessageTypeRelayReply }, ErrUnexpected},
		"reconfigure":    {func(m *dhcpv6.Message) { m.MessageType = dhcpv6.MessageTypeReconfigure }, ErrUnexpected},
		"malformed":      {func(m *dhcpv6.Message) { m.AddOption(rawOption(dhcpv6.OptionStatusCode, []byte{1})) }, ErrMessage},
		"too long":       {func(m *dhcpv6.Message) { m.AddOption(rawOption(99, make([]byte, 5000))) }, ErrMessage},
		"no such status": {func(m *dhcpv6.Message) { m.AddOption(statusOption(999)) }, ErrStatus},
	} {
		b := newTestClient(t)
		b.c.Request(b.now, both)
		m := answer(dhcpv6.MessageTypeAdvertise, b.expect(dhcpv6.MessageTypeSolicit), ia(second, second, 0, 0))
		c.spoil(m)
		if err := b.c.Receive(b.now, m.ToBytes()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if b.c.best != nil {
			t.Errorf("%s: is taken for an offer", name)
		}
	}
	if err := newTestClient(t).c.Receive(start, nil); !errors.Is(err, ErrMessage) {
		t.Errorf("nothing at all: %v", err)
	}
}

// TestRelease: no lease is held from then on; the message lists all leases, and is sent four times
// (REL_MAX_RC) if no server answers.
func TestRelease(t *testing.T) {
	b := newTestClient(t)
	b.bind()
	b.c.Release(b.now)
	b.wantLease(netip.Prefix{}, netip.Prefix{})
	m := b.expect(dhcpv6.MessageTypeRelease)
	if m.Options.OneIANA().Options.OneAddress() == nil || len(m.Options.OneIAPD().Options.Prefixes()) != 1 || !bytes.Equal(serverOf(m), serverDUID) || b.c.Done() {
		t.Errorf("releases with %v", m.Summary())
	}
	b.receive(answer(dhcpv6.MessageTypeReply, m), nil)
	if !b.c.Done() || b.sent() != nil {
		t.Error("is not Done")
	}
	b = newTestClient(t)
	b.bind()
	b.c.Release(b.now)
	for range 4 {
		b.expect(dhcpv6.MessageTypeRelease)
	}
	b.now = b.c.Next()
	if b.sent() != nil || !b.c.Done() {
		t.Error("retransmits without end")
	}
	b = newTestClient(t)
	b.c.Request(b.now, both)
	b.expect(dhcpv6.MessageTypeSolicit)
	if b.c.Release(b.now); !b.c.Done() || b.sent() != nil {
		t.Error("releases without a lease")
	}
}

// TestStatelessClient: only name servers, requested again after the information refresh time (RFC
// 8415 section 21.23), within its bounds.
func TestStatelessClient(t *testing.T) {
	for refreshTime, want := range map[time.Duration]time.Duration{0: 24 * time.Hour, second: 10 * time.Minute, time.Hour: time.Hour} {
		b := newTestClient(t)
		b.c.Request(b.now, IARequest{})
		m := b.expect(dhcpv6.MessageTypeInformationRequest)
		if m.Options.OneIANA() != nil || m.Options.OneIAPD() != nil || !m.IsOptionRequested(dhcpv6.OptionInformationRefreshTime) {
			t.Errorf("asks with %v", m.Summary())
		}
		reply := answer(dhcpv6.MessageTypeReply, m, dhcpv6.OptDNS(net.ParseIP("2001:db8::53")))
		if refreshTime > 0 {
			reply.AddOption(rawOption(dhcpv6.OptionInformationRefreshTime, binary.BigEndian.AppendUint32(nil, uint32(refreshTime/second))))
		}
		b.receive(reply, nil)
		if len(b.c.Configuration().NameServers) != 1 {
			t.Errorf("learned %+v", b.c.Configuration())
		}
		b.expect(dhcpv6.MessageTypeInformationRequest)
		if at := b.now.Sub(start); at != want {
			t.Errorf("refresh time %v: asks again after %v, want %v", refreshTime, at, want)
		}
		b.c.Request(b.now, both)
		b.expect(dhcpv6.MessageTypeSolicit)
	}
}

// FuzzClient: for any options in any state the client does not panic, accepts no invalid lease, and
// does not loop.
func FuzzClient(f *testing.F) {
	for _, o := range []dhcpv6.Option{ia(9*second, 9*second, 0, 0), pd(9*second, 9*second, 1, 2), noAddress(iana.StatusNoBinding), rawOption(dhcpv6.OptionRapidCommit, nil)} {
		b := (&dhcpv6.MessageOptions{Options: dhcpv6.Options{o, rawOption(dhcpv6.OptionRapidCommit, nil)}}).ToBytes()
		f.Add(byte(dhcpv6.MessageTypeReply), b, false)
		f.Add(byte(dhcpv6.MessageTypeAdvertise), b, true)
	}
	f.Fuzz(func(t *testing.T, kind byte, options []byte, bound bool) {
		b := newTestClient(t)
		if bound {
			b.bind()
		} else {
			b.c.Request(b.now, both)
		}
		for range 3 {
			m := answer(dhcpv6.MessageType(kind), b.next())
			b.c.Receive(b.now, append(m.ToBytes(), options...))
		}
		l := b.c.Configuration()
		for _, x := range append(l.Addresses, l.Prefixes...) {
			if !lifetime.IsHostPrefix(x.Prefix) || x.Prefix != x.Prefix.Masked() {
				t.Errorf("leased %v", x)
			}
		}
		for n := 0; n < 50 && !b.c.Next().IsZero(); n++ {
			b.next()
			if b.now.Sub(start) > time.Hour {
				return
			}
		}
	})
}
