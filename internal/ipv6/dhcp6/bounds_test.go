package dhcp6

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

// TestConstants checks what is sent against RFC 8415 sections 7.1 to 7.3 and IANA's registry.
func TestConstants(t *testing.T) {
	if ClientPort != 546 || ServerPort != 547 || AllRelayAgentsAndServers != netip.MustParseAddr("ff02::1:2") {
		t.Errorf("ports %d and %d, group %v", ClientPort, ServerPort, AllRelayAgentsAndServers)
	}
	if optionMalformed != 0 {
		t.Errorf("an option that is malformed counts as one of code %d, which is not reserved", optionMalformed)
	}
	b := newTestClient(t)
	first := func(kind byte, options ...uint16) {
		t.Helper()
		data := b.c.Advance(b.now)
		for data == nil {
			b.now = b.c.Next()
			data = b.c.Advance(b.now)
		}
		var codes []uint16
		for code := range suboptions(data[4:]) {
			codes = append(codes, code)
		}
		if data[0] != kind || fmt.Sprint(codes) != fmt.Sprint(options) {
			t.Errorf("message %d has options %v, want %d with %v", data[0], codes, kind, options)
		}
	}
	reply := func(options ...dhcpv6.Option) {
		t.Helper()
		m := answer(dhcpv6.MessageTypeReply, &dhcpv6.Message{TransactionID: b.c.exchange.id}, options...)
		if err := b.c.Receive(b.now, m.ToBytes()); err != nil {
			t.Fatal(err)
		}
	}
	// 1 Client ID, 2 Server ID, 3 IA_NA, 6 ORO, 8 Elapsed Time, 14 Rapid Commit, 25 IA_PD.
	b.c.Request(b.now, both)
	first(1, 1, 8, 14, 6, 3, 25) // SOLICIT
	reply(rawOption(14, nil), ia(100*second, 200*second, 50*second, 80*second), pd(100*second, 200*second, 50*second, 80*second))
	first(5, 1, 2, 8, 6, 3, 25) // RENEW
	b.now = start.Add(80 * second)
	first(6, 1, 8, 6, 3, 25) // REBIND
	b.c.Release(b.now)
	first(8, 1, 2, 8, 3, 25) // RELEASE
	reply()
	b.c.want = IARequest{}
	b.c.Request(b.now, IARequest{})
	first(11, 1, 8, 6) // INFORMATION-REQUEST
	b.c = NewClient(&ClientConfig{DUID: clientDUID, IAID: 0x01020304, Rand: newRand()})
	b.c.Request(b.now, IARequest{Prefix: true})
	first(1, 1, 8, 14, 6, 25)
	if b.c.iaid != [4]byte{1, 2, 3, 4} {
		t.Errorf("the IAID is %x", b.c.iaid)
	}
	o := pd(100*second, 200*second, 50*second, 80*second)
	o.IaId = b.c.iaid
	m := answer(dhcpv6.MessageTypeAdvertise, &dhcpv6.Message{TransactionID: b.c.exchange.id}, o, rawOption(7, []byte{255}))
	if err := b.c.Receive(b.now, m.ToBytes()); err != nil {
		t.Fatal(err)
	}
	first(3, 1, 2, 8, 6, 25) // REQUEST
}

// TestPreference is RFC 8415 section 18.2.9: the higher preference wins, then the more complete
// offer, then the first; only preference 255 is requested at once.
func TestPreference(t *testing.T) {
	for _, c := range []struct {
		first, second   byte
		more            bool // the second server offers both
		want            DUID
		secondIsAskedAt time.Duration
	}{
		{0, 0, false, serverDUID, second}, {0, 1, false, otherDUID, second}, {1, 0, false, serverDUID, second}, {1, 0, true, serverDUID, second},
		{0, 0, true, otherDUID, second}, {0, 254, false, otherDUID, second}, {0, 255, false, otherDUID, 0}, {254, 255, false, otherDUID, 0},
	} {
		b := newTestClient(t)
		b.c.Request(b.now, both)
		solicit := b.expect(dhcpv6.MessageTypeSolicit)
		b.receive(answer(dhcpv6.MessageTypeAdvertise, solicit, ia(second, second, 0, 0), rawOption(7, []byte{c.first})), nil)
		m := answer(dhcpv6.MessageTypeAdvertise, solicit, ia(second, second, 0, 0), rawOption(7, []byte{c.second}))
		if c.more {
			m.AddOption(pd(second, second, 0, 0))
		}
		m.UpdateOption(rawOption(dhcpv6.OptionServerID, otherDUID))
		b.receive(m, nil)
		request := b.expect(dhcpv6.MessageTypeRequest)
		if at := b.now.Sub(start); !bytes.Equal(serverOf(request), c.want) || at < c.secondIsAskedAt || c.secondIsAskedAt == 0 && at != 0 {
			t.Errorf("%+v: after %v asks %x", c, at, serverOf(request))
		}
	}
}

// TestExpiryDuringExchange: the end of a lease restarts the client only if the exchange is about
// that lease.
func TestExpiryDuringExchange(t *testing.T) {
	b := newTestClient(t)
	b.bind()
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeRenew), noAddress(iana.StatusNoBinding), noPrefix(iana.StatusNoBinding)), ErrStatus)
	id := b.expect(dhcpv6.MessageTypeRequest).TransactionID
	b.now = start.Add(200*second - 1)
	b.c.Advance(b.now)
	if b.c.exchange.id != id || b.c.state != requesting {
		t.Errorf("just before the expiry the client, %v, has restarted", b.c.state)
	}
	b.now = start.Add(200 * second)
	if m := b.expect(dhcpv6.MessageTypeSolicit); m.TransactionID == id {
		t.Error("a Solicit with a Request's identifier")
	}
	b = newTestClient(t)
	b.bind()
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeRenew), noAddress(iana.StatusNoBinding), noPrefix(iana.StatusNoBinding)), ErrStatus)
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeRequest), noAddress(iana.StatusNoBinding), noPrefix(iana.StatusNoBinding)), ErrEmpty)
	id = b.expect(dhcpv6.MessageTypeSolicit).TransactionID
	b.now = start.Add(200 * second)
	b.c.Advance(b.now)
	if b.c.exchange.id != id {
		t.Error("a Solicit under way is restarted when the old lease ends")
	}
	b.wantLease(netip.Prefix{}, netip.Prefix{})
}

// TestLeaseBeforeHint: a current lease is requested rather than the hint.
func TestLeaseBeforeHint(t *testing.T) {
	b := newTestClient(t)
	b.c = NewClient(&ClientConfig{DUID: clientDUID, IAID: 7, AddressHint: netip.MustParseAddr("2001:db8:9::9"), PrefixHint: netip.MustParsePrefix("2001:db8:900::/56"), Rand: newRand()})
	b.bind()
	m := b.expect(dhcpv6.MessageTypeRenew)
	if a := m.Options.OneIANA().Options.Addresses(); len(a) != 1 || a[0].IPv6Addr.String() != addr.Addr().String() {
		t.Errorf("renews addresses %v", a)
	}
	if p := m.Options.OneIAPD().Options.Prefixes(); len(p) != 1 || p[0].Prefix.String() != delegated.String() {
		t.Errorf("renews prefixes %v", p)
	}
	b = newTestClient(t)
	b.c = NewClient(&ClientConfig{DUID: clientDUID, IAID: 7, Rand: newRand()})
	b.c.Request(b.now, both)
	m = b.expect(dhcpv6.MessageTypeSolicit)
	if a, p := m.Options.OneIANA().Options.Addresses(), m.Options.OneIAPD().Options.Prefixes(); len(a) != 0 || len(p) != 0 {
		t.Errorf("without a hint asks for %v and %v", a, p)
	}
}

// TestDUIDOctets: a DUID of a random UUID (RFC 6355, RFC 9562 section 5.4), octet by octet, and the
// bounds of its text.
func TestDUIDOctets(t *testing.T) {
	random := []byte{0xf0, 1, 2, 3, 4, 5, 0xa6, 7, 0x38, 9, 10, 11, 12, 13, 14, 15}
	d, err := NewDUID(bytes.NewReader(random))
	if want := "00:04:f0:01:02:03:04:05:46:07:b8:09:0a:0b:0c:0d:0e:0f"; err != nil || d.String() != want {
		t.Errorf("%v, %v, want %s", d, err, want)
	}
	for octets, want := range map[int]bool{2: false, 3: true, 130: true, 131: false} {
		if d, err := ParseDUID(strings.Repeat("0a", octets)); (err == nil) != want || want && len(d) != octets {
			t.Errorf("%d octets: %v", octets, err)
		}
	}
}

// TestListsAreBounded: eight entries are kept, not nine, and no duplicates.
func TestListsAreBounded(t *testing.T) {
	var servers, names, ntp, groups []byte
	for i := range 9 {
		a := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)}).AsSlice()
		g := netip.AddrFrom16([16]byte{0xff, 5, 15: byte(i)}).AsSlice()
		name := []byte{1, 'a' + byte(i), 0}
		servers = append(append(servers, a...), a...)
		names = append(append(names, name...), name...)
		for range 2 {
			ntp = append(append(ntp, 0, 1, 0, 16), a...)
			ntp = append(append(ntp, 0, 3, 0, 3), name...)
			groups = append(append(groups, 0, 2, 0, 16), g...)
		}
	}
	if got := addressList(servers); len(got) != 8 {
		t.Errorf("servers are %v", got)
	}
	if got := domainNames(names); len(got) != 8 {
		t.Errorf("domains are %v", got)
	}
	if list, names := timeServers(ntp); len(list) != 8 || len(names) != 8 {
		t.Errorf("time servers are %v and %v", list, names)
	}
	if list, _ := timeServers(groups); len(list) != 8 {
		t.Errorf("groups of time servers are %v", list)
	}
}

// TestServerTimes: when a lease ends, and how many messages are answered, to the nanosecond.
func TestServerTimes(t *testing.T) {
	s := newServer()
	send(t, s, start, clientMessage(dhcpv6.MessageTypeRequest, &dhcpv6.OptIANA{}))
	s.Advance(start.Add(200*second - 1))
	if s.Leases().Address.Prefix != addr {
		t.Error("a lease ends too early")
	}
	// A Renew of an expired lease assigns it anew, also to another client, without a call of
	// Advance.
	m := clientMessage(dhcpv6.MessageTypeRenew, &dhcpv6.OptIANA{IaId: [4]byte{9}})
	wantStatus(t, "another's while it lasts", send(t, s, start.Add(200*second-1), m).Options.OneIANA().Options, iana.StatusNoBinding)
	wantStatus(t, "another's when it is over", send(t, s, start.Add(200*second), m).Options.OneIANA().Options, iana.StatusSuccess)

	s = newServer()
	allowed := func(at time.Duration) bool {
		_, err := s.Receive(start.Add(at), clientMessage(dhcpv6.MessageTypeSolicit).ToBytes())
		return err == nil
	}
	for range 20 {
		allowed(0)
	}
	for _, c := range []struct {
		at   time.Duration
		want bool
	}{{0, false}, {200*time.Millisecond - 1, false}, {200 * time.Millisecond, true}, {200 * time.Millisecond, false}, {599 * time.Millisecond, true}, {599 * time.Millisecond, false}} {
		if got := allowed(c.at); got != c.want {
			t.Errorf("after %v a message is answered: %v", c.at, got)
		}
	}
	r := send(t, newServer(), start, clientMessage(dhcpv6.MessageTypeRelease))
	if r.GetOneOption(dhcpv6.OptionStatusCode) == nil {
		t.Error("a Release is answered without a status (RFC 8415 section 18.3.7)")
	}
}

// TestNotOnLinkReasons: a status of the whole Reply to a Request is reported.
func TestNotOnLinkReasons(t *testing.T) {
	b := newTestClient(t)
	b.c.Request(b.now, both)
	b.receive(answer(dhcpv6.MessageTypeAdvertise, b.expect(dhcpv6.MessageTypeSolicit), ia(second, second, 0, 0), pd(second, second, 0, 0)), nil)
	b.receive(answer(dhcpv6.MessageTypeReply, b.expect(dhcpv6.MessageTypeRequest), statusOption(iana.StatusNotOnLink)), ErrStatus)
	if got := b.c.Rejections(); len(got) != 2 || got[0].Reason != "NotOnLink" || got[1].Reason != "NotOnLink" {
		t.Errorf("refused are %+v", got)
	}
}

// TestUnanswered counts the messages since the last answer.
func TestUnanswered(t *testing.T) {
	b := newTestClient(t)
	want := func(n int) {
		t.Helper()
		if got := b.c.Unanswered(); got != n {
			t.Errorf("%d are unanswered, want %d", got, n)
		}
	}
	want(0)
	b.c.Request(b.now, both)
	want(0)
	first := b.expect(dhcpv6.MessageTypeSolicit)
	want(1)
	b.expect(dhcpv6.MessageTypeSolicit)
	want(2)
	b.receive(answer(dhcpv6.MessageTypeAdvertise, first), ErrEmpty)
	want(0)
	b = newTestClient(t)
	b.bind()
	want(0)
	b.expect(dhcpv6.MessageTypeRenew)
	want(1)
	b.c.Release(b.now)
	b.expect(dhcpv6.MessageTypeRelease)
	want(0)
}
