package dhcp6

import (
	"bytes"
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

func newServer() *Server {
	return NewServer(&ServerConfig{
		DUID:      serverDUID,
		Address:   func() (netip.Addr, error) { return addr.Addr(), nil },
		Prefix:    func() (netip.Prefix, error) { return delegated, nil },
		Preferred: 100 * second, Valid: 200 * second,
		NameServers: []netip.Addr{netip.MustParseAddr("2001:db8::53")}, SearchDomains: []string{"example.org"},
	})
}

// clientMessage makes a client's message with options.
func clientMessage(kind dhcpv6.MessageType, options ...dhcpv6.Option) *dhcpv6.Message {
	m := &dhcpv6.Message{MessageType: kind, TransactionID: dhcpv6.TransactionID{1, 2, 3}}
	m.AddOption(rawOption(dhcpv6.OptionClientID, clientDUID))
	switch kind {
	case dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeDecline:
		m.AddOption(rawOption(dhcpv6.OptionServerID, serverDUID))
	}
	for _, o := range options {
		m.AddOption(o)
	}
	return m
}

func send(t testing.TB, s *Server, now time.Time, m *dhcpv6.Message) *dhcpv6.Message {
	t.Helper()
	b, err := s.Receive(now, m.ToBytes())
	if err != nil || b == nil {
		t.Fatalf("reply to %v: % x, %v", m.MessageType, b, err)
	}
	r, err := dhcpv6.MessageFromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantStatus(t *testing.T, what string, s status, want iana.StatusCode) {
	t.Helper()
	if got := statusCode(s); got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// exchangeMessages exchanges messages until both sides are silent, and returns their types.
func exchangeMessages(b *testClient, s *Server) (kinds []dhcpv6.MessageType) {
	b.t.Helper()
	for m := b.sent(); m != nil; m = b.sent() {
		kinds = append(kinds, m.MessageType)
		reply, err := s.Receive(b.now, m.ToBytes())
		if err != nil {
			b.t.Fatal(err)
		}
		if reply != nil {
			if err := b.c.Receive(b.now, reply); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	return kinds
}

// TestBothSides: client and server over a day with renewals, until the Release.
func TestBothSides(t *testing.T) {
	b, s := newTestClient(t), newServer()
	b.c.Request(b.now, both)
	if got := exchangeMessages(b, s); !slices.Equal(got, []dhcpv6.MessageType{dhcpv6.MessageTypeSolicit}) {
		t.Errorf("messages are %v, want but one, for Rapid Commit", got)
	}
	for b.now.Sub(start) < 24*time.Hour {
		b.wantLease(addr, delegated)
		b.now = b.c.Next()
		s.Advance(b.now)
		if got := exchangeMessages(b, s); !slices.Equal(got, []dhcpv6.MessageType{dhcpv6.MessageTypeRenew}) {
			t.Fatalf("messages are %v, want a renewal", got)
		}
	}
	if l := s.Leases(); l.Address.Prefix != addr || l.Prefix.Prefix != delegated {
		t.Errorf("leased are %v", l)
	}
	if l := b.c.Configuration(); len(l.NameServers) != 1 || !slices.Equal(l.SearchDomains, []string{"example.org"}) {
		t.Errorf("learned %v, %v", l.NameServers, l.SearchDomains)
	}
	b.c.Release(b.now)
	exchangeMessages(b, s)
	if l := s.Leases(); l != (Leases{}) || !b.c.Done() {
		t.Errorf("after the release there is %v", l)
	}
}

// TestFourMessagesBothSides: an Advertise assigns nothing.
func TestFourMessagesBothSides(t *testing.T) {
	s := newServer()
	r := send(t, s, start, clientMessage(dhcpv6.MessageTypeSolicit, &dhcpv6.OptIANA{}, &dhcpv6.OptIAPD{}))
	if r.MessageType != dhcpv6.MessageTypeAdvertise || r.Options.Preference() != 255 || s.Leases() != (Leases{}) {
		t.Errorf("answers %v, leases %v", r.Summary(), s.Leases())
	}
	r = send(t, s, start, clientMessage(dhcpv6.MessageTypeRequest, r.Options.OneIANA(), r.Options.OneIAPD()))
	ia, pd := r.Options.OneIANA(), r.Options.OneIAPD()
	if r.MessageType != dhcpv6.MessageTypeReply || !ia.Options.OneAddress().IPv6Addr.Equal(net.IP(addr.Addr().AsSlice())) ||
		pd.Options.Prefixes()[0].Prefix.String() != delegated.String() || ia.T1 != 50*second || pd.T2 != 80*second || pd.T1 != 50*second {
		t.Errorf("answers %v", r.Summary())
	}
	if l := s.Leases(); l.Address.Lifetime != lifetime.New(start, 100*second, 200*second) {
		t.Errorf("leases %v", l)
	}
}

// TestServerLeaseExpires: a lease that is not renewed ends, and its address remains allocated.
func TestServerLeaseExpires(t *testing.T) {
	s := newServer()
	send(t, s, start, clientMessage(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{}))
	if at := s.Next().Sub(start); at != 200*second {
		t.Errorf("has something to do after %v", at)
	}
	s.Advance(start.Add(200 * second))
	if s.Leases() != (Leases{}) || !s.Next().IsZero() {
		t.Errorf("leases %v", s.Leases())
	}
}

// TestBindingOfAnotherClient: the lease belongs to the client that requested it last; the previous
// one has no binding. A Renew may also request what is not bound.
func TestBindingOfAnotherClient(t *testing.T) {
	s := newServer()
	send(t, s, start, clientMessage(dhcpv6.MessageTypeRequest, &dhcpv6.OptIANA{}))
	second := clientMessage(dhcpv6.MessageTypeRequest, &dhcpv6.OptIANA{IaId: [4]byte{1}})
	second.UpdateOption(rawOption(dhcpv6.OptionClientID, otherDUID))
	send(t, s, start, second)
	for _, kind := range []dhcpv6.MessageType{dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRebind, dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeDecline} {
		r := send(t, s, start, clientMessage(kind, &dhcpv6.OptIANA{}))
		wantStatus(t, kind.String(), r.Options.OneIANA().Options, iana.StatusNoBinding)
	}
	if s.Leases().Address.Prefix != addr {
		t.Errorf("leases %v", s.Leases())
	}
	r := send(t, s, start, clientMessage(dhcpv6.MessageTypeRenew, &dhcpv6.OptIAPD{}))
	wantStatus(t, "an unbound prefix", r.Options.OneIAPD().Options, iana.StatusSuccess)
}

// TestUnknownAddressExpired: addresses that are not assigned to the client get lifetimes of 0.
func TestUnknownAddressExpired(t *testing.T) {
	s := newServer()
	o := &dhcpv6.OptIAPD{}
	_, had, _ := net.ParseCIDR("2001:db8:999::/56")
	o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: had})
	ps := send(t, s, start, clientMessage(dhcpv6.MessageTypeRequest, o)).Options.OneIAPD().Options.Prefixes()
	if len(ps) != 2 || ps[1].Prefix.String() != had.String() || ps[1].ValidLifetime != 0 {
		t.Errorf("answers %v", ps)
	}
}

func TestNothingAvailable(t *testing.T) {
	s := NewServer(&ServerConfig{DUID: serverDUID, Prefix: func() (netip.Prefix, error) { return netip.Prefix{}, errors.New("none left") }})
	r := send(t, s, start, clientMessage(dhcpv6.MessageTypeSolicit, &dhcpv6.OptIANA{}, &dhcpv6.OptIAPD{}))
	wantStatus(t, "address", r.Options.OneIANA().Options, iana.StatusNoAddrsAvail)
	wantStatus(t, "prefix", r.Options.OneIAPD().Options, iana.StatusNoPrefixAvail)
	// A second association of a client gets nothing.
	r = send(t, newServer(), start, clientMessage(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{}, &dhcpv6.OptIAPD{IaId: [4]byte{9}}))
	wantStatus(t, "second prefix", r.Options.IAPD()[1].Options, iana.StatusNoPrefixAvail)
}

func TestConfirm(t *testing.T) {
	s := newServer()
	send(t, s, start, clientMessage(dhcpv6.MessageTypeRequest, &dhcpv6.OptIANA{}))
	r := send(t, s, start, clientMessage(dhcpv6.MessageTypeConfirm, ia(0, 0, 0, 0)))
	wantStatus(t, "its own", r.Options, iana.StatusSuccess)
	o := &dhcpv6.OptIANA{}
	o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: net.ParseIP("2001:db8::9")})
	wantStatus(t, "another", send(t, s, start, clientMessage(dhcpv6.MessageTypeConfirm, o)).Options, iana.StatusNotOnLink)
	if b, err := s.Receive(start, clientMessage(dhcpv6.MessageTypeConfirm).ToBytes()); b != nil || err != nil {
		t.Errorf("of nothing: % x, %v", b, err)
	}
}

func TestInformationRequest(t *testing.T) {
	m := clientMessage(dhcpv6.MessageTypeInformationRequest)
	m.Options.Del(dhcpv6.OptionClientID)
	r := send(t, newServer(), start, m)
	if len(r.Options.DNS()) != 1 || r.Options.ClientID() != nil || !bytes.Equal(data2(r), serverDUID) {
		t.Errorf("answers %v", r.Summary())
	}
}

func data2(m *dhcpv6.Message) []byte { return m.GetOneOption(dhcpv6.OptionServerID).ToBytes() }

// TestServerDrops: RFC 8415 section 16.
func TestServerDrops(t *testing.T) {
	with := func(m *dhcpv6.Message, o dhcpv6.Option) *dhcpv6.Message { m.UpdateOption(o); return m }
	without := func(m *dhcpv6.Message, c dhcpv6.OptionCode) *dhcpv6.Message { m.Options.Del(c); return m }
	other := rawOption(dhcpv6.OptionServerID, otherDUID)
	for name, c := range map[string]struct {
		m    *dhcpv6.Message
		want error
	}{
		"solicit to a server":      {with(clientMessage(dhcpv6.MessageTypeSolicit), other), ErrServer},
		"rebind to a server":       {with(clientMessage(dhcpv6.MessageTypeRebind), rawOption(dhcpv6.OptionServerID, serverDUID)), ErrServer},
		"request to another":       {with(clientMessage(dhcpv6.MessageTypeRequest), other), ErrServer},
		"renew to no server":       {without(clientMessage(dhcpv6.MessageTypeRenew), dhcpv6.OptionServerID), ErrServer},
		"release to another":       {with(clientMessage(dhcpv6.MessageTypeRelease), other), ErrServer},
		"solicit of no client":     {without(clientMessage(dhcpv6.MessageTypeSolicit), dhcpv6.OptionClientID), ErrClient},
		"solicit of a long name":   {with(clientMessage(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionClientID, make([]byte, 131))), ErrClient},
		"information with address": {with(clientMessage(dhcpv6.MessageTypeInformationRequest), &dhcpv6.OptIANA{}), ErrServer},
		"reply":                    {clientMessage(dhcpv6.MessageTypeReply), ErrUnexpected},
		"relayed":                  {clientMessage(dhcpv6.MessageTypeRelayForward), ErrUnexpected},
		"malformed":                {with(clientMessage(dhcpv6.MessageTypeSolicit), rawOption(dhcpv6.OptionStatusCode, []byte{1})), ErrMessage},
	} {
		if b, err := newServer().Receive(start, c.m.ToBytes()); !errors.Is(err, c.want) || b != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestRate: a burst is answered, then five a second.
func TestRate(t *testing.T) {
	s := newServer()
	flood := func(now time.Time) (answered int) {
		for range 1000 {
			if _, err := s.Receive(now, clientMessage(dhcpv6.MessageTypeSolicit).ToBytes()); err == nil {
				answered++
			} else if !errors.Is(err, ErrRate) {
				t.Fatal(err)
			}
		}
		return answered
	}
	for i, want := range []int{20, 5, 5, 5} {
		if got := flood(start.Add(time.Duration(i) * second)); got != want {
			t.Errorf("in second %d %d are answered, want %d", i, got, want)
		}
	}
}

// FuzzServer: for any input the server does not panic, and its replies are short.
func FuzzServer(f *testing.F) {
	for _, kind := range []dhcpv6.MessageType{dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeConfirm} {
		f.Add(clientMessage(kind, ia(0, 0, 0, 0), pd(0, 0, 0, 0), rawOption(dhcpv6.OptionRapidCommit, nil)).ToBytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newServer()
		for range 2 {
			if r, _ := s.Receive(start, b); len(r) > 3000 {
				t.Errorf("answers % x with %d octets", b, len(r))
			}
		}
	})
}

// TestResumeServer: a server resumed from the state after every message answers as one that was
// not interrupted.
func TestResumeServer(t *testing.T) {
	one, resumed := newServer(), newServer()
	iana, iapd := &dhcpv6.OptIANA{IaId: [4]byte{1}}, &dhcpv6.OptIAPD{IaId: [4]byte{2}}
	now := start
	for i, kind := range []dhcpv6.MessageType{
		dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeConfirm,
		dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRebind, dhcpv6.MessageTypeInformationRequest,
	} {
		for range rateBurst {
			now = now.Add(time.Second / 10)
			m := clientMessage(kind, iana, iapd).ToBytes()
			want, wantErr := one.Receive(now, m)
			got, err := resumed.Receive(now, m)
			if !bytes.Equal(got, want) || !errors.Is(err, wantErr) || resumed.Leases() != one.Leases() || resumed.Next() != one.Next() {
				t.Fatalf("message %d, %v: answers % x, %v, want % x, %v", i, kind, got, err, want, wantErr)
			}
			resumed = ResumeServer(&resumed.cfg, resumed.State())
		}
	}
}
