package dhcp6

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"upppoe/internal/ipv6/lifetime"
)

var (
	start      = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clientDUID = DUID{0, 3, 0, 1, 2, 0, 0x5e, 0, 0x53, 1}
	serverDUID = DUID{0, 3, 0, 1, 2, 0, 0x5e, 0, 0x53, 2}
	otherDUID  = DUID{0, 3, 0, 1, 2, 0, 0x5e, 0, 0x53, 3}
	both       = IARequest{Address: true, Prefix: true}
	addr       = netip.MustParsePrefix("2001:db8:2::5/128")
	delegated  = netip.MustParsePrefix("2001:db8:100::/56")
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// testClient is a client and its clock.
type testClient struct {
	t   testing.TB
	c   *Client
	now time.Time
}

func newTestClient(t testing.TB) *testClient {
	return &testClient{t, NewClient(&ClientConfig{DUID: clientDUID, IAID: 7, PrefixHint: netip.MustParsePrefix("::/56"), Rand: newRand()}), start}
}

// sent returns what the client sends now; nil: nothing.
func (b *testClient) sent() *dhcpv6.Message {
	b.t.Helper()
	data := b.c.Advance(b.now)
	if data == nil {
		return nil
	}
	m, err := dhcpv6.MessageFromBytes(data)
	if err != nil {
		b.t.Fatalf("the client sends % x: %v", data, err)
	}
	return m
}

// next advances the time to the client's next message.
func (b *testClient) next() *dhcpv6.Message {
	b.t.Helper()
	for range 100 {
		if m := b.sent(); m != nil {
			return m
		}
		next := b.c.Next()
		if next.IsZero() {
			b.t.Fatalf("the client, %v, waits without timer", b.c.state)
		}
		b.now = next
	}
	b.t.Fatal("the client wakes up and does nothing")
	return nil
}

// expect is like next, and checks the message type.
func (b *testClient) expect(kind dhcpv6.MessageType) *dhcpv6.Message {
	b.t.Helper()
	m := b.next()
	if m.MessageType != kind {
		b.t.Fatalf("after %v the client sends %v, want %v", b.now.Sub(start), m.MessageType, kind)
	}
	return m
}

// answer makes a server's message with options.
func answer(kind dhcpv6.MessageType, to *dhcpv6.Message, options ...dhcpv6.Option) *dhcpv6.Message {
	m := &dhcpv6.Message{MessageType: kind, TransactionID: to.TransactionID}
	m.AddOption(rawOption(dhcpv6.OptionClientID, clientDUID))
	m.AddOption(rawOption(dhcpv6.OptionServerID, serverDUID))
	for _, o := range options {
		m.AddOption(o)
	}
	return m
}

func (b *testClient) receive(m *dhcpv6.Message, want error) {
	b.t.Helper()
	if err := b.c.Receive(b.now, m.ToBytes()); !errors.Is(err, want) {
		b.t.Fatalf("%v: %v, want %v", m.MessageType, err, want)
	}
}

const second = time.Second

func ia(preferred, valid, t1, t2 time.Duration) *dhcpv6.OptIANA {
	o := &dhcpv6.OptIANA{IaId: [4]byte{3: 7}, T1: t1, T2: t2}
	o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: addr.Addr().AsSlice(), PreferredLifetime: preferred, ValidLifetime: valid})
	return o
}

func pd(preferred, valid, t1, t2 time.Duration) *dhcpv6.OptIAPD {
	o := &dhcpv6.OptIAPD{IaId: [4]byte{3: 7}, T1: t1, T2: t2}
	o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(delegated), PreferredLifetime: preferred, ValidLifetime: valid})
	return o
}

func statusOption(c iana.StatusCode) dhcpv6.Option { return &dhcpv6.OptStatusCode{StatusCode: c} }

// noAddress is an IA_NA with a status and no address.
func noAddress(c iana.StatusCode) *dhcpv6.OptIANA {
	o := &dhcpv6.OptIANA{IaId: [4]byte{3: 7}}
	o.Options.Add(statusOption(c))
	return o
}

func noPrefix(c iana.StatusCode) *dhcpv6.OptIAPD {
	o := &dhcpv6.OptIAPD{IaId: [4]byte{3: 7}}
	o.Options.Add(statusOption(c))
	return o
}

// bind assigns both leases, for 100 s preferred and 200 s valid, T1 50 s and T2 80 s.
func (b *testClient) bind() {
	b.t.Helper()
	b.c.Request(b.now, both)
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionRapidCommit, nil),
		ia(100*second, 200*second, 50*second, 80*second), pd(100*second, 200*second, 50*second, 80*second)), nil)
	b.wantLease(addr, delegated)
}

// wantLease checks the address and the prefix; invalid: none.
func (b *testClient) wantLease(address, prefix netip.Prefix) {
	b.t.Helper()
	l := b.c.Configuration()
	for _, c := range []struct {
		got  []Lease
		want netip.Prefix
	}{{l.Addresses, address}, {l.Prefixes, prefix}} {
		if len(c.got) > 1 || len(c.got) == 1 != c.want.IsValid() || len(c.got) == 1 && c.got[0].Prefix != c.want {
			b.t.Fatalf("leased is %v, want %v (%s)", c.got, c.want, l.State)
		}
	}
}

func serverOf(m *dhcpv6.Message) []byte {
	if o := m.GetOneOption(dhcpv6.OptionServerID); o != nil {
		return o.ToBytes()
	}
	return nil
}

// TestFourMessages: the client waits during the first second for other servers (RFC 8415 section
// 18.2.1), then requests what the best one has offered.
func TestFourMessages(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, both)
	solicit := b.expect(dhcpv6.MessageTypeSolicit)
	if !bytes.Equal(solicit.GetOneOption(dhcpv6.OptionClientID).ToBytes(), clientDUID) || solicit.Options.OneIANA() == nil ||
		solicit.GetOneOption(dhcpv6.OptionRapidCommit) == nil || !solicit.IsOptionRequested(dhcpv6.OptionSolMaxRT) {
		t.Errorf("solicits with %v", solicit.Summary())
	}
	if hint := solicit.Options.OneIAPD().Options.Prefixes(); len(hint) != 1 || hint[0].Prefix.String() != "::/56" {
		t.Errorf("asks for prefixes %v, want ::/56", hint)
	}
	other := answer(dhcpv6.MessageTypeAdvertise, solicit, ia(second, second, 0, 0))
	other.UpdateOption(rawOption(dhcpv6.OptionServerID, otherDUID))
	b.receive(other, nil)
	b.receive(answer(dhcpv6.MessageTypeAdvertise, solicit, ia(100*second, 200*second, 0, 0), pd(100*second, 200*second, 0, 0)), nil)
	request := b.expect(dhcpv6.MessageTypeRequest)
	if waited := b.now.Sub(start); waited <= second || waited > 1100*time.Millisecond {
		t.Errorf("requests after %v, want a little more than 1s", waited)
	}
	if got := request.Options.OneIANA().Options.OneAddress().IPv6Addr; !got.Equal(net.IP(addr.Addr().AsSlice())) || !bytes.Equal(serverOf(request), serverDUID) {
		t.Errorf("requests %v of %x", got, serverOf(request))
	}
	if request.TransactionID == solicit.TransactionID {
		t.Error("the request has the identifier of the solicitation")
	}
	b.receive(answer(dhcpv6.MessageTypeReply, request, ia(100*second, 200*second, 0, 0), pd(100*second, 200*second, 0, 0),
		dhcpv6.OptDNS(net.ParseIP("2001:db8::53"), net.ParseIP("ff02::1")), rawOption(dhcpv6.OptionDomainSearchList, []byte("\x07example\x03org\x00\x02a;\x00"))), nil)
	b.wantLease(addr, delegated)
	l := b.c.Configuration()
	if l.Addresses[0].Lifetime != lifetime.New(b.now, 100*second, 200*second) || !bytes.Equal(l.Server, serverDUID) {
		t.Errorf("leased %v of %v", l.Addresses, l.Server)
	}
	if !slices.Equal(l.NameServers, []netip.Addr{netip.MustParseAddr("2001:db8::53")}) || !slices.Equal(l.SearchDomains, []string{"example.org"}) {
		t.Errorf("learned name servers %v, domains %q", l.NameServers, l.SearchDomains)
	}
	// T1 and T2 are left to the client: half and four fifths of the preferred lifetime.
	if next := b.c.Next().Sub(b.now); next != 50*second {
		t.Errorf("renews after %v, want 50s", next)
	}
}

// TestHints: the hints are requested until there is a lease.
func TestHints(t *testing.T) {
	b := newTestClient(t)
	b.c = NewClient(&ClientConfig{DUID: clientDUID, IAID: 7, AddressHint: addr.Addr(), PrefixHint: delegated, Rand: newRand()})
	b.c.Request(b.now, both)
	m := b.expect(dhcpv6.MessageTypeSolicit)
	if a, p := m.Options.OneIANA().Options.OneAddress(), m.Options.OneIAPD().Options.Prefixes(); a.IPv6Addr.String() != addr.Addr().String() || len(p) != 1 || p[0].Prefix.String() != delegated.String() {
		t.Errorf("solicits %v", m.Summary())
	}
	other := netip.MustParsePrefix("2001:db8:200::/56")
	o := &dhcpv6.OptIAPD{IaId: [4]byte{3: 7}}
	o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(other), PreferredLifetime: 100 * second, ValidLifetime: 200 * second})
	b.receive(answer(dhcpv6.MessageTypeReply, m, rawOption(dhcpv6.OptionRapidCommit, nil), o), nil)
	b.wantLease(netip.Prefix{}, other)
	m = b.expect(dhcpv6.MessageTypeRenew)
	if p := m.Options.OneIAPD().Options.Prefixes(); len(p) != 1 || p[0].Prefix.String() != other.String() {
		t.Errorf("renews %v", p)
	}
}

// TestRequestWithoutDelay: a server of preference 255 is used without waiting for others, as is any
// server after the first second.
func TestRequestWithoutDelay(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, both)
	solicit := b.expect(dhcpv6.MessageTypeSolicit)
	b.receive(answer(dhcpv6.MessageTypeAdvertise, solicit, ia(second, second, 0, 0), rawOption(dhcpv6.OptionPreference, []byte{255})), nil)
	if m := b.sent(); m == nil || m.MessageType != dhcpv6.MessageTypeRequest {
		t.Errorf("sends %v", m)
	}
	b = newTestClient(t)
	b.c.Request(b.now, both)
	b.expect(dhcpv6.MessageTypeSolicit)
	solicit = b.expect(dhcpv6.MessageTypeSolicit)
	b.receive(answer(dhcpv6.MessageTypeAdvertise, solicit, ia(second, second, 0, 0)), nil)
	if m := b.sent(); m == nil || m.MessageType != dhcpv6.MessageTypeRequest {
		t.Errorf("sends %v", m)
	}
}

func TestRapidCommit(t *testing.T) {
	b := newTestClient(t)
	b.bind()
	if b.now != start || b.sent() != nil {
		t.Errorf("bound after %v", b.now.Sub(start))
	}
	b = newTestClient(t)
	b.c.Request(b.now, both)
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeSolicit), ia(second, second, 0, 0)), ErrUnexpected)
}

// TestSolicitRetransmission: RFC 8415 section 15, with a server's SOL_MAX_RT (section 21.24), also
// from an Advertise without leases.
func TestSolicitRetransmission(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, both)
	first := b.expect(dhcpv6.MessageTypeSolicit)
	last := b.now
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64} {
		m := b.expect(dhcpv6.MessageTypeSolicit)
		gap := b.now.Sub(last)
		// A tenth each time, of a time that may already be longer by a tenth.
		if want *= second; gap < want*8/10 || gap > want*13/10 || m.TransactionID != first.TransactionID {
			t.Errorf("gap %d is %v, want about %v", i, gap, want)
		}
		last = b.now
	}
	b.receive(answer(dhcpv6.MessageTypeAdvertise, first, statusOption(iana.StatusNoAddrsAvail), rawOption(dhcpv6.OptionSolMaxRT, []byte{0, 0, 0, 90})), ErrStatus)
	for range 5 {
		last = b.now
		b.expect(dhcpv6.MessageTypeSolicit)
	}
	if gap := b.now.Sub(last); gap < 81*second || gap > 99*second {
		t.Errorf("the gap is %v, want about the server's 90s", gap)
	}
	b.receive(answer(dhcpv6.MessageTypeAdvertise, first, rawOption(dhcpv6.OptionSolMaxRT, []byte{0, 0, 0, 1})), ErrEmpty)
	if b.c.solMaxRT != 90*second {
		t.Errorf("a maximum of 1 s is used: %v", b.c.solMaxRT)
	}
}

func TestElapsedTime(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, both)
	if got := b.expect(dhcpv6.MessageTypeSolicit).Options.ElapsedTime(); got != 0 {
		t.Errorf("elapsed are %v at first", got)
	}
	got := b.expect(dhcpv6.MessageTypeSolicit).Options.ElapsedTime()
	if want := b.now.Sub(start); got < want-10*time.Millisecond || got > want+10*time.Millisecond {
		t.Errorf("elapsed are %v, want %v", got, want)
	}
}

// TestRequestGivesUp: after ten times (REQ_MAX_RC) the client solicits again.
func TestRequestGivesUp(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, both)
	b.receive(answer(dhcpv6.MessageTypeAdvertise, b.expect(dhcpv6.MessageTypeSolicit), ia(second, second, 0, 0)), nil)
	for range 10 {
		b.expect(dhcpv6.MessageTypeRequest)
	}
	b.expect(dhcpv6.MessageTypeSolicit)
}
