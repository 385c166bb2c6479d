package dhcp6

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"upppoe/internal/ipv6/lifetime"
)

// decide assigns an allocated resource to a client or returns why not.
type decide func(now time.Time, b *Binding, client DUID, iaid [4]byte) iana.StatusCode

func (s *Server) lease(now time.Time, m, r *dhcpv6.Message, client DUID, decide decide) {
	for i, ia := range bounded(m.Options.IANA()) {
		status := iana.StatusNoAddrsAvail
		if i == 0 && s.reserveAddress() {
			status = decide(now, &s.state.Address, client, ia.IaId)
		}
		r.AddOption(s.addressReply(ia, status))
	}
	for i, ia := range bounded(m.Options.IAPD()) {
		status := iana.StatusNoPrefixAvail
		if i == 0 && s.reservePrefix() {
			status = decide(now, &s.state.Prefix, client, ia.IaId)
		}
		r.AddOption(s.prefixReply(ia, status))
	}
}

func (s *Server) reserveAddress() bool {
	if !s.state.Address.Resource.IsValid() && s.cfg.Address != nil {
		if a, err := s.cfg.Address(); err == nil {
			s.state.Address.Resource = netip.PrefixFrom(a, a.BitLen())
		}
	}
	return s.state.Address.Resource.IsValid()
}

func (s *Server) reservePrefix() bool {
	if !s.state.Prefix.Resource.IsValid() && s.cfg.Prefix != nil {
		if p, err := s.cfg.Prefix(); err == nil {
			s.state.Prefix.Resource = p
		}
	}
	return s.state.Prefix.Resource.IsValid()
}

func (*Server) offerLease(time.Time, *Binding, DUID, [4]byte) iana.StatusCode {
	return iana.StatusSuccess
}

// grant assigns the lease to the last client that requests it: there is one client on the link,
// which may have restarted with another DUID.
func (s *Server) grant(now time.Time, b *Binding, client DUID, iaid [4]byte) iana.StatusCode {
	b.Client, b.IAID, b.Bound = slices.Clone(client), iaid, true
	b.Lifetime = lifetime.New(now, s.cfg.Preferred, s.cfg.Valid)
	return iana.StatusSuccess
}

// extend also assigns a resource that is not bound, to a client that requests more than it has (RFC
// 8415 section 18.3.4).
func (s *Server) extend(now time.Time, b *Binding, client DUID, iaid [4]byte) iana.StatusCode {
	if b.Bound && !b.belongsTo(client, iaid) {
		return iana.StatusNoBinding
	}
	return s.grant(now, b, client, iaid)
}

func (b *Binding) belongsTo(client DUID, iaid [4]byte) bool {
	return b.Bound && bytes.Equal(b.Client, client) && b.IAID == iaid
}

// times returns T1 and T2 (RFC 8415 section 14.2).
func (s *Server) times() (t1, t2 time.Duration) {
	return fraction(s.cfg.Preferred, 5), fraction(s.cfg.Preferred, 8)
}

// addressReply also sends lifetimes of 0 for addresses that the client has and that are not
// assigned to it.
func (s *Server) addressReply(request *dhcpv6.OptIANA, status iana.StatusCode) dhcpv6.Option {
	o := &dhcpv6.OptIANA{IaId: request.IaId}
	if status != iana.StatusSuccess {
		o.Options.Add(&dhcpv6.OptStatusCode{StatusCode: status})
		return o
	}
	o.T1, o.T2 = s.times()
	o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: s.state.Address.Resource.Addr().AsSlice(), PreferredLifetime: s.cfg.Preferred, ValidLifetime: s.cfg.Valid})
	for _, a := range bounded(request.Options.Addresses()) {
		if !a.IPv6Addr.Equal(net.IP(s.state.Address.Resource.Addr().AsSlice())) && !a.IPv6Addr.IsUnspecified() {
			o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: a.IPv6Addr})
		}
	}
	return o
}

func (s *Server) prefixReply(request *dhcpv6.OptIAPD, status iana.StatusCode) dhcpv6.Option {
	o := &dhcpv6.OptIAPD{IaId: request.IaId}
	if status != iana.StatusSuccess {
		o.Options.Add(&dhcpv6.OptStatusCode{StatusCode: status})
		return o
	}
	o.T1, o.T2 = s.times()
	o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(s.state.Prefix.Resource), PreferredLifetime: s.cfg.Preferred, ValidLifetime: s.cfg.Valid})
	for _, p := range bounded(request.Options.Prefixes()) {
		// An unspecified prefix is a hint of its length.
		if had, ok := parsePrefix(p.Prefix); ok && had != s.state.Prefix.Resource {
			o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(had)})
		}
	}
	return o
}
