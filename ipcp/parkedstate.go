package ipcp

import (
	"net/netip"

	"upppoe/internal/tlv"
)

// Tags of a negotiator's fields. They do not change.
const (
	tagByDefault      = 1
	tagAssigned       = 2
	tagLocal          = 3
	tagRequestAddress = 4
	tagLocalRefused   = 5
	tagRemote         = 6
	tagAddressRejects = 7
	tagRequested      = 8 // servers: bit i is that of serverOptions[i]
	tagServers        = 9
	tagAlternates     = 10
	tagDNS            = 11
	tagRestricted     = 12 // the peer may not request any address
)

// AppendState appends the state of the negotiator, encoded, which RestoreState reads.
func (p *Parked) AppendState(b []byte) []byte { return tlv.Append(b, p.state.fields) }

// RestoreState reads what AppendState has encoded, maybe in another version. Our address must be one that
// the configuration allows.
//
// A function that restricted what addresses the peer may request (SetChoice) is not in the state: the peer
// may have the one that it has.
func (p *Parked) RestoreState(cfg *Config, state []byte) error {
	*p = Parked{}
	return tlv.Parse(state, func(c *tlv.Codec) {
		p.state.fields(c)
		n := Negotiator{cfg: cfg}
		if local := from(cfg.Local); !n.localNegotiable() && p.state.local != local {
			c.Fail("our address is %v, but the configuration has %v", p.state.local.addr(), local.addr())
		}
	})
}

func (s *state) fields(c *tlv.Codec) {
	c.Octets(tagByDefault, s.byDefault[:])
	c.Octets(tagAssigned, s.assigned[:])
	c.Octets(tagLocal, s.local[:])
	c.Bool(tagRequestAddress, &s.requestAddress)
	c.Bool(tagLocalRefused, &s.localRefused)
	c.Octets(tagRemote, s.remote[:])
	tlv.Uint(c, tagAddressRejects, &s.addressRejects)
	if c.Optional(tagRequested, s.servers != nil) {
		if s.servers == nil {
			s.servers = new(servers)
		}
		s.servers.fields(c)
	}
	s.grantFields(c)
}

func (s *servers) fields(c *tlv.Codec) {
	var requested uint8
	var addresses [len(serverOptions) * len(addr4{})]byte
	for i := range serverOptions {
		if s.requested[i] {
			requested |= 1 << i
		}
		copy(addresses[i*len(addr4{}):], s.addr[i][:])
	}
	tlv.Uint(c, tagRequested, &requested)
	c.Octets(tagServers, addresses[:])
	for i := range serverOptions {
		s.requested[i] = requested>>i&1 != 0
		copy(s.addr[i][:], addresses[i*len(addr4{}):])
	}
}

// grantFields are those of the grant.
func (s *state) grantFields(c *tlv.Codec) {
	n := Negotiator{state: *s}
	g := n.granted()
	if c.Optional(tagAlternates, len(g.alternates) > 0) {
		g.alternates = addressesField(c, tagAlternates, g.alternates)
	}
	if c.Optional(tagDNS, g.dns != [2]netip.Addr{}) {
		if dns := addressesField(c, tagDNS, g.dns[:]); len(dns) == len(g.dns) {
			g.dns = [2]netip.Addr(dns)
		} else {
			c.Fail("%d DNS servers", len(dns))
		}
	}
	restricted := g.allow != nil
	c.Bool(tagRestricted, &restricted)
	if !c.Reading() {
		return
	}
	if restricted {
		has := s.remote.addr()
		g.allow = func(a netip.Addr) bool { return a == has }
	}
	n.setGrant(g)
	s.grant = n.grant
}

// addressesField is a list of addresses; 0.0.0.0 stands for one that is invalid.
func addressesField(c *tlv.Codec, tag uint8, addresses []netip.Addr) []netip.Addr {
	var b []byte
	for _, a := range addresses {
		four := from(a)
		b = append(b, four[:]...)
	}
	tlv.Bytes(c, tag, &b)
	if len(b)%len(addr4{}) != 0 {
		c.Fail("addresses with %d octets", len(b))
		return nil
	}
	addresses = nil
	for ; len(b) > 0; b = b[len(addr4{}):] {
		addresses = append(addresses, addr4(b[:len(addr4{})]).addrOrInvalid())
	}
	return addresses
}
