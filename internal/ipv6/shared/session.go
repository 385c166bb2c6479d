package shared

import (
	"net/netip"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/radv"
	"upppoe/ppp/ipv6cp"
)

// session is all that is kept of a session, packed, as there are tens of thousands.
type session[K comparable] struct {
	key        K
	subscriber uint64 // assign.Hash
	extra      *extra
	timer      deadlines.Timer

	local, remote ipv6cp.ID
	network       subnet // allocated if hasNetwork
	delegation    subnet // allocated if delegationBits > 0
	delegated     binding
	address       *addressBinding // nil: none is allocated

	next, lastSent, replyAt instant   // as in radv.Schedule
	replyTo                 ipv6cp.ID // identifier of a host in fe80::/64
	refilled                instant   // of the rate limit of DHCPv6
	answered                instant   // of the rate limit of ICMPv6: see allow

	mtu            uint16
	delegationBits uint8
	sent           uint8 // as in radv.Schedule
	tokens         uint8 // of the rate limit of DHCPv6
	hasNetwork     bool
}

// Timer implements deadlines.Timed.
func (s *session[K]) Timer() *deadlines.Timer { return &s.timer }

// subnet is the first half of an address.
type subnet [8]byte

func subnetOf(p netip.Prefix) subnet {
	a := p.Addr().As16()
	return subnet(a[:8])
}

func (n subnet) prefix(bits int) netip.Prefix {
	var a [16]byte
	copy(a[:], n[:])
	return netip.PrefixFrom(netip.AddrFrom16(a), bits)
}

// binding is a dhcp6.Binding without its resource.
type binding struct {
	client string  // DUID; empty: not bound
	valid  instant // end of the lifetime; 0: never
	iaid   [4]byte
}

// addressBinding is an allocated address and its binding.
type addressBinding struct {
	binding
	address netip.Addr
}

// extra is what most sessions do not have; nil: nothing of it.
type extra struct {
	fixed  assign.State
	choice assign.Choice
	stale  radv.AdvertisedPrefix // the network that was replaced
}

// fixed returns what is assigned to the session instead of prefixes of the pools.
func (s *session[K]) fixed() assign.State {
	if s.extra == nil {
		return assign.State{}
	}
	return s.extra.fixed
}

// choice returns the pools of the session.
func (s *session[K]) choice() assign.Choice {
	if s.extra == nil {
		return assign.Choice{}
	}
	return s.extra.choice
}

// replaceNetwork records that the peer may have addresses of an earlier network until a time.
func (s *session[K]) replaceNetwork(earlier netip.Prefix, until time.Time) {
	if s.extra == nil {
		s.extra = &extra{}
	}
	s.extra.stale = radv.AdvertisedPrefix{Prefix: earlier, Lifetime: lifetime.Lifetime{Valid: until}}
}

// prefixes returns what is allocated to the session.
func (s *session[K]) prefixes() (p assign.State) {
	if s.hasNetwork {
		p.Network = s.network.prefix(networkBits)
	}
	if s.address != nil {
		p.Address = netip.PrefixFrom(s.address.address, addressBits)
	}
	if s.delegationBits > 0 {
		p.Delegated = s.delegation.prefix(int(s.delegationBits))
	}
	return p
}

// state returns what the session's peer has.
func (s *session[K]) state() assign.State {
	p := s.prefixes()
	if s.address == nil || s.address.client == "" {
		p.Address = netip.Prefix{}
	}
	if s.delegated.client == "" {
		p.Delegated = netip.Prefix{}
	}
	return p
}

// Prefix lengths of a subnet with SLAAC (RFC 4291 section 2.5.1) and of a single address.
const (
	networkBits = 64
	addressBits = 128
)
