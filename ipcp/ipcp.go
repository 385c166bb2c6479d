package ipcp

import (
	"net/netip"
	"slices"

	"upppoe/ppp"
)

// Config is what we want of IPv4 on a link. Which side asks and which assigns
// is only a matter of who leaves what open.
type Config struct {
	// Local is our address; 0.0.0.0 or invalid: the peer must assign one.
	Local netip.Addr
	// Remote is the peer's; 0.0.0.0 or invalid: the peer must know its own.
	Remote netip.Addr
	// AcceptLocal lets the peer give us another address than Local.
	AcceptLocal bool
	// AcceptRemote lets the peer have another address than Remote.
	AcceptRemote bool
	// Unnumbered has a link come up whose peer says no address of its own, or ours: then
	// Agreement.Remote is 0.0.0.0, or the same as Local. It is for hosts, as pppd has it: a
	// point-to-point link needs no address on the far side. Who assigns addresses leaves it out.
	Unnumbered bool
	// RequestDNS and RequestNBNS ask the peer for its name servers (RFC 1877).
	RequestDNS, RequestNBNS bool
	// DNS and NBNS are the servers given to a peer that asks: primary and
	// secondary. An invalid one is not given; a lone one is given for both.
	DNS, NBNS [2]netip.Addr
	// Limits are the automaton's.
	Limits ppp.Limits
}

// Agreement is what both sides have agreed on. Servers that the peer did not
// name are invalid.
type Agreement struct {
	Local, Remote netip.Addr
	DNS, NBNS     [2]netip.Addr
}

// Negotiator is IPCP's side of the automaton.
type Negotiator struct {
	cfg     Config
	allowed func(netip.Addr) bool // what the peer may choose; nil: any
	own     []netip.Addr          // what it may choose instead of the one assigned

	// What we ask for as the negotiation stands.
	askAddress bool
	naked      bool // the peer wants us to have an address that we do not take
	local      netip.Addr
	servers    [4]server

	remote   netip.Addr // as acknowledged
	withheld int        // how often the peer has asked for an address that we do not have
}

// server is one of the four options of RFC 1877, on the side that asks.
type server struct {
	typ  uint8
	ask  bool
	addr netip.Addr
}

var _ ppp.Negotiator = (*Negotiator)(nil)

// New makes a policy for one link.
func New(cfg *Config) *Negotiator {
	p := &Negotiator{cfg: *cfg}
	p.Reset()
	return p
}

// Assign sets the peer's address, once it is known who the peer is. It takes
// effect with the peer's next Configure-Request.
func (p *Negotiator) Assign(remote netip.Addr) { p.cfg.Remote = remote }

// SetAlternates lets the peer name one of these addresses instead of the one assigned. It takes effect
// like Assign.
func (p *Negotiator) SetAlternates(own []netip.Addr) { p.own = own }

// SetAddressFilter bounds what address the peer may choose where it may; nil: any. It takes effect
// like Assign.
func (p *Negotiator) SetAddressFilter(allowed func(netip.Addr) bool) { p.allowed = allowed }

// mayChoose reports whether the peer may have an address that is not the one assigned.
func (p *Negotiator) mayChoose(addr netip.Addr) bool {
	return usable(addr) && (addr != p.local || p.cfg.Unnumbered) && (p.allowed == nil || p.allowed(addr))
}

// Protocol is IPCP.
func (p *Negotiator) Protocol() ppp.Protocol { return ppp.IPCP }

// Reset begins a negotiation with our first wishes.
func (p *Negotiator) Reset() {
	p.askAddress, p.naked, p.withheld = true, false, 0
	p.local = orUnspecified(p.cfg.Local)
	p.remote = netip.Addr{}
	none := netip.IPv4Unspecified()
	p.servers = [4]server{
		{OptPrimaryDNS, p.cfg.RequestDNS, none},
		{OptSecondaryDNS, p.cfg.RequestDNS, none},
		{OptPrimaryNBNS, p.cfg.RequestNBNS, none},
		{OptSecondaryNBNS, p.cfg.RequestNBNS, none},
	}
}

// AppendRequest appends our address and the servers we ask for.
func (p *Negotiator) AppendRequest(b []byte) []byte {
	if p.askAddress {
		b = option(OptAddress, p.local).AppendTo(b)
	}
	for _, s := range p.servers {
		if s.ask {
			b = option(s.typ, s.addr).AppendTo(b)
		}
	}
	return b
}

// Evaluate says what we think of an option of theirs. Header compression would
// have to be done for every packet, for the sake of slow serial lines: refused.
func (p *Negotiator) Evaluate(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	switch theirs.Type {
	case OptAddress:
		return p.judgeAddress(theirs)
	case OptPrimaryDNS, OptSecondaryDNS, OptPrimaryNBNS, OptSecondaryNBNS:
		return p.judgeServer(theirs)
	}
	return ppp.Reject, theirs
}

// judgeAddress answers 0.0.0.0 with the address the peer is to have (RFC 1332
// section 3.3), and any other that is not what we want likewise.
func (p *Negotiator) judgeAddress(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	addr, ok := address(theirs)
	want := p.cfg.Remote
	assigned := want.IsValid() && !want.IsUnspecified()
	switch {
	case !ok && !assigned:
		return ppp.Reject, theirs
	case !assigned && p.mayChoose(addr):
		return ppp.Ack, theirs
	case !assigned && addr.IsUnspecified() && p.insists():
		return ppp.Ack, theirs
	case !assigned:
		// It asks for an address, or insists on a bad one, and we have none to
		// give.
		return ppp.Reject, theirs
	case addr == want, ok && (p.cfg.AcceptRemote || slices.Contains(p.own, addr)) && p.mayChoose(addr):
		return ppp.Ack, theirs
	}
	return ppp.Nak, option(OptAddress, want)
}

// insists counts a request for an address where we have none to give, and reports whether the
// peer has had its Reject often enough: it does not want to know.
func (p *Negotiator) insists() bool {
	p.withheld++
	return p.cfg.Unnumbered && p.withheld > p.cfg.Limits.WithDefaults().MaxFailure
}

// judgeServer gives our name servers, and rejects the question where we have
// none: ignoring it would leave the peer with 0.0.0.0 (RFC 1877 section 1).
func (p *Negotiator) judgeServer(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	ours := p.given(theirs.Type)
	if !ours.IsValid() {
		return ppp.Reject, theirs
	}
	if addr, ok := address(theirs); ok && addr == ours {
		return ppp.Ack, theirs
	}
	return ppp.Nak, option(theirs.Type, ours)
}

// given is the server we give for an option. One alone serves as both.
func (p *Negotiator) given(typ uint8) netip.Addr {
	pair, i := p.cfg.DNS, 0
	if typ == OptPrimaryNBNS || typ == OptSecondaryNBNS {
		pair = p.cfg.NBNS
	}
	if typ == OptSecondaryDNS || typ == OptSecondaryNBNS {
		i = 1
	}
	if !pair[i].IsValid() {
		i = 1 - i
	}
	return pair[i]
}

// AppendMissing asks a peer that does not speak of its address to take the one
// we assign: we could not route to it otherwise.
func (p *Negotiator) AppendMissing(b []byte, peer ppp.Options) []byte {
	if _, ok := peer.Find(OptAddress); !ok && usable(p.cfg.Remote) {
		b = option(OptAddress, p.cfg.Remote).AppendTo(b)
	}
	return b
}

// Acknowledged takes over the peer's address as we acknowledge it. A peer that named
// none, though asked, has the one we assigned.
func (p *Negotiator) Acknowledged(peer ppp.Options) {
	p.remote = p.cfg.Remote
	if o, ok := peer.Find(OptAddress); ok {
		p.remote, _ = address(o)
	}
	if p.cfg.Unnumbered {
		p.remote = orUnspecified(p.remote)
	}
}

// ReceivedNak takes what the peer assigns.
func (p *Negotiator) ReceivedNak(theirs ppp.Option) {
	addr, ok := address(theirs)
	if !ok {
		return
	}
	if theirs.Type == OptAddress {
		if p.free() && usable(addr) {
			p.local, p.askAddress = addr, true
		} else {
			p.naked = true
		}
		return
	}
	for i := range p.servers {
		if s := &p.servers[i]; s.typ == theirs.Type && s.ask {
			s.addr = addr
		}
	}
}

// free reports whether the peer may choose our address.
func (p *Negotiator) free() bool { return p.cfg.AcceptLocal || !usable(p.cfg.Local) }

// ReceivedReject stops asking for an option.
func (p *Negotiator) ReceivedReject(ours ppp.Option) {
	if ours.Type == OptAddress {
		p.askAddress = false
		return
	}
	for i := range p.servers {
		if s := &p.servers[i]; s.typ == ours.Type {
			s.ask = false
		}
	}
}

// Agreement is what is agreed on, once the automaton has opened.
func (p *Negotiator) Agreement() Agreement {
	a := Agreement{Local: p.local, Remote: p.remote}
	for i, s := range p.servers {
		// Some peers acknowledge the question 0.0.0.0 as it stands.
		if s.ask && usable(s.addr) {
			pair := [4]*netip.Addr{&a.DNS[0], &a.DNS[1], &a.NBNS[0], &a.NBNS[1]}
			*pair[i] = s.addr
		}
	}
	return a
}

// Err says why what was agreed on is of no use, or nil: an address must be one
// that a host can have, and not both sides' at once.
func (p *Negotiator) Err() error {
	switch {
	case !usable(p.local):
		return ErrNoLocal
	case p.naked && !p.askAddress:
		return ErrLocalRefused
	case p.cfg.Unnumbered:
		return nil
	case !usable(p.remote):
		return ErrNoRemote
	case p.local == p.remote:
		return ErrSameAddress
	}
	return nil
}
