package ipcp

import (
	"net/netip"
	"slices"

	"upppoe/ppp"
)

// Config configures IPv4 on a link. Which side requests and which assigns addresses follows
// from the addresses that are not set.
type Config struct {
	// Local is our address; 0.0.0.0 or invalid: the peer assigns one.
	Local netip.Addr
	// Remote is the address assigned to the peer; 0.0.0.0 or invalid: the peer has its own.
	Remote netip.Addr
	// AcceptLocal allows the peer to assign us an address other than Local.
	AcceptLocal bool
	// AcceptRemote allows the peer to have an address other than Remote.
	AcceptRemote bool
	// Unnumbered accepts a peer without an address, or with ours: Agreement.Remote is then
	// 0.0.0.0, or the same as Local. It is for hosts, as in pppd: routing does not need the
	// peer's address. A side that assigns addresses does not set it.
	Unnumbered bool
	// RequestDNS and RequestNBNS request name servers from the peer (RFC 1877).
	RequestDNS, RequestNBNS bool
	// DNS and NBNS are the primary and secondary servers assigned to a peer that requests
	// them. If only one is valid, it is assigned for both; if none is, the option is rejected.
	DNS, NBNS [2]netip.Addr
	// Limits configures the automaton.
	Limits ppp.NegotiationLimits
}

// Agreement is what both sides have agreed on. Servers that the peer has not assigned are
// invalid.
type Agreement struct {
	Local, Remote netip.Addr
	DNS, NBNS     [2]netip.Addr
}

// Negotiator negotiates IPCP's options on one link. It implements ppp.Negotiator.
type Negotiator struct {
	cfg          Config
	allowAddress func(netip.Addr) bool // whether the peer may request the address; nil: any
	alternates   []netip.Addr          // which it may request instead of the one assigned

	// Our options as currently requested.
	requestAddress bool
	localRefused   bool // the peer has suggested an address for us that we do not accept
	local          netip.Addr
	servers        [4]server

	remote         netip.Addr // as acknowledged
	addressRejects int        // rejected requests for an address that we do not have
}

// server is one of the four options of RFC 1877, as we request it.
type server struct {
	typ     uint8
	request bool
	addr    netip.Addr
}

var _ ppp.Negotiator = (*Negotiator)(nil)

// New returns a negotiator for one link.
func New(cfg *Config) *Negotiator {
	n := &Negotiator{cfg: *cfg}
	n.Reset()
	return n
}

// Assign sets the peer's address, when the peer has been authenticated. It takes effect with
// the peer's next Configure-Request.
func (n *Negotiator) Assign(remote netip.Addr) { n.cfg.Remote = remote }

// SetAlternates sets addresses that the peer may request instead of the one assigned. It
// takes effect like Assign.
func (n *Negotiator) SetAlternates(addrs []netip.Addr) { n.alternates = addrs }

// SetAddressFilter restricts the addresses that the peer may request; nil: any. It takes
// effect like Assign.
func (n *Negotiator) SetAddressFilter(allow func(netip.Addr) bool) { n.allowAddress = allow }

// mayRequest reports whether the peer may have an address that was not assigned.
func (n *Negotiator) mayRequest(addr netip.Addr) bool {
	return usable(addr) && (addr != n.local || n.cfg.Unnumbered) && (n.allowAddress == nil || n.allowAddress(addr))
}

// Protocol returns ppp.IPCP.
func (n *Negotiator) Protocol() ppp.Protocol { return ppp.IPCP }

// Reset begins a negotiation with our initial options.
func (n *Negotiator) Reset() {
	n.requestAddress, n.localRefused, n.addressRejects = true, false, 0
	n.local = orUnspecified(n.cfg.Local)
	n.remote = netip.Addr{}
	none := netip.IPv4Unspecified()
	n.servers = [4]server{
		{OptPrimaryDNS, n.cfg.RequestDNS, none},
		{OptSecondaryDNS, n.cfg.RequestDNS, none},
		{OptPrimaryNBNS, n.cfg.RequestNBNS, none},
		{OptSecondaryNBNS, n.cfg.RequestNBNS, none},
	}
}

// AppendRequest appends our address and the servers that we request.
func (n *Negotiator) AppendRequest(b []byte) []byte {
	if n.requestAddress {
		b = option(OptAddress, n.local).AppendTo(b)
	}
	for _, s := range n.servers {
		if s.request {
			b = option(s.typ, s.addr).AppendTo(b)
		}
	}
	return b
}

// Evaluate evaluates an option of the peer. Header compression is rejected: it costs time for
// every packet, and helps only on slow links.
func (n *Negotiator) Evaluate(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	switch theirs.Type {
	case OptAddress:
		return n.evaluateAddress(theirs)
	case OptPrimaryDNS, OptSecondaryDNS, OptPrimaryNBNS, OptSecondaryNBNS:
		return n.evaluateServer(theirs)
	}
	return ppp.Reject, theirs
}

// evaluateAddress naks 0.0.0.0, and any address that the peer may not have, with the
// assigned one (RFC 1332 section 3.3).
func (n *Negotiator) evaluateAddress(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	addr, ok := address(theirs)
	remote := n.cfg.Remote
	assigned := remote.IsValid() && !remote.IsUnspecified()
	switch {
	case !ok && !assigned:
		return ppp.Reject, theirs
	case !assigned && n.mayRequest(addr):
		return ppp.Ack, theirs
	case !assigned && addr.IsUnspecified() && n.countAddressReject():
		return ppp.Ack, theirs
	case !assigned:
		// It requests an address, or one that it may not have, and none is assigned.
		return ppp.Reject, theirs
	case addr == remote, ok && (n.cfg.AcceptRemote || slices.Contains(n.alternates, addr)) && n.mayRequest(addr):
		return ppp.Ack, theirs
	}
	return ppp.Nak, option(OptAddress, remote)
}

// countAddressReject counts a request for an address where none is assigned, and reports
// whether to accept 0.0.0.0, as the peer ignores our Rejects (Unnumbered).
func (n *Negotiator) countAddressReject() bool {
	n.addressRejects++
	return n.cfg.Unnumbered && n.addressRejects > n.cfg.Limits.WithDefaults().MaxFailure
}

// evaluateServer assigns our name servers, and rejects the option if there are none: an Ack
// would leave the peer with 0.0.0.0 (RFC 1877 section 1).
func (n *Negotiator) evaluateServer(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	server := n.serverFor(theirs.Type)
	if !server.IsValid() {
		return ppp.Reject, theirs
	}
	if addr, ok := address(theirs); ok && addr == server {
		return ppp.Ack, theirs
	}
	return ppp.Nak, option(theirs.Type, server)
}

// serverFor returns the server that we assign for an option. A single one serves as both.
func (n *Negotiator) serverFor(typ uint8) netip.Addr {
	pair, i := n.cfg.DNS, 0
	if typ == OptPrimaryNBNS || typ == OptSecondaryNBNS {
		pair = n.cfg.NBNS
	}
	if typ == OptSecondaryDNS || typ == OptSecondaryNBNS {
		i = 1
	}
	if !pair[i].IsValid() {
		i = 1 - i
	}
	return pair[i]
}

// AppendMissing asks a peer whose request has no address to use the assigned one: otherwise
// we could not route to it.
func (n *Negotiator) AppendMissing(b []byte, peer ppp.Options) []byte {
	if _, ok := peer.Find(OptAddress); !ok && usable(n.cfg.Remote) {
		b = option(OptAddress, n.cfg.Remote).AppendTo(b)
	}
	return b
}

// Acknowledged stores the peer's address. A peer whose request has none gets the assigned
// one.
func (n *Negotiator) Acknowledged(peer ppp.Options) {
	n.remote = n.cfg.Remote
	if o, ok := peer.Find(OptAddress); ok {
		n.remote, _ = address(o)
	}
	if n.cfg.Unnumbered {
		n.remote = orUnspecified(n.remote)
	}
}

// ReceivedNak stores what the peer assigns.
func (n *Negotiator) ReceivedNak(theirs ppp.Option) {
	addr, ok := address(theirs)
	if !ok {
		return
	}
	if theirs.Type == OptAddress {
		if n.localNegotiable() && usable(addr) {
			n.local, n.requestAddress = addr, true
		} else {
			n.localRefused = true
		}
		return
	}
	for i := range n.servers {
		if s := &n.servers[i]; s.typ == theirs.Type && s.request {
			s.addr = addr
		}
	}
}

// localNegotiable reports whether the peer may assign our address.
func (n *Negotiator) localNegotiable() bool { return n.cfg.AcceptLocal || !usable(n.cfg.Local) }

// ReceivedReject stops requesting the option.
func (n *Negotiator) ReceivedReject(ours ppp.Option) {
	if ours.Type == OptAddress {
		n.requestAddress = false
		return
	}
	for i := range n.servers {
		if s := &n.servers[i]; s.typ == ours.Type {
			s.request = false
		}
	}
}

// Agreement returns what both sides have agreed on, once the automaton has opened.
func (n *Negotiator) Agreement() Agreement {
	a := Agreement{Local: n.local, Remote: n.remote}
	for i, s := range n.servers {
		// Some peers acknowledge the request 0.0.0.0.
		if s.request && usable(s.addr) {
			pair := [4]*netip.Addr{&a.DNS[0], &a.DNS[1], &a.NBNS[0], &a.NBNS[1]}
			*pair[i] = s.addr
		}
	}
	return a
}

// Err returns nil, or the reason why the agreement cannot be used: each address must be one
// that a host can have, and the two must differ; with Unnumbered only ours is checked.
func (n *Negotiator) Err() error {
	switch {
	case !usable(n.local):
		return ErrNoLocal
	case n.localRefused && !n.requestAddress:
		return ErrLocalRefused
	case n.cfg.Unnumbered:
		return nil
	case !usable(n.remote):
		return ErrNoRemote
	case n.local == n.remote:
		return ErrSameAddress
	}
	return nil
}
