package ipcp

import (
	"math"
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
	cfg *Config // shared
	state
}

// state is all of a Negotiator but its Config.
type state struct {
	grant   *grant   // nil: the peer has none
	servers *servers // as currently requested; nil: we request none

	byDefault addr4 // assigned to the peer, unless Assign says otherwise
	assigned  addr4 // to the peer

	// Our options as currently requested.
	local          addr4
	requestAddress bool
	localRefused   bool // the peer has suggested an address for us that we do not accept

	remote         addr4 // as acknowledged
	addressRejects uint8 // rejected requests for an address that we do not have, at most 255
}

// grant is what this peer may have besides the address assigned.
type grant struct {
	allow      func(netip.Addr) bool // whether it may request the address, where none is assigned; nil: any
	alternates []netip.Addr          // which it may request instead of the one assigned
	dns        [2]netip.Addr         // in place of Config.DNS; both invalid: those
}

// setGrant sets the grant, or none if it has nothing.
func (n *Negotiator) setGrant(g grant) {
	n.grant = nil
	if g.allow != nil || len(g.alternates) > 0 || g.dns != [2]netip.Addr{} {
		n.grant = &g
	}
}

// granted returns the grant; of none, the zero value.
func (n *Negotiator) granted() grant {
	if n.grant == nil {
		return grant{}
	}
	return *n.grant
}

// serverOptions are the options of RFC 1877, in the order of Agreement's servers.
var serverOptions = [...]uint8{OptPrimaryDNS, OptSecondaryDNS, OptPrimaryNBNS, OptSecondaryNBNS}

// servers are the name servers that we request, by option.
type servers struct {
	requested [len(serverOptions)]bool
	addr      [len(serverOptions)]addr4
}

// find returns the index of the server of an option, if we request it.
func (s *servers) find(option uint8) (i int, requested bool) {
	i = slices.Index(serverOptions[:], option)
	return i, i >= 0 && s != nil && s.requested[i]
}

var _ ppp.Negotiator = (*Negotiator)(nil)

// New returns a negotiator for one link. Many may share a Config, which must not change.
func New(cfg *Config) *Negotiator {
	n := new(Negotiator)
	n.Init(cfg)
	return n
}

// Init makes a negotiator that is part of another struct as New does.
func (n *Negotiator) Init(cfg *Config) {
	*n = Negotiator{cfg: cfg, state: state{byDefault: from(cfg.Remote), assigned: from(cfg.Remote)}}
	n.Reset()
}

// SetDefault replaces Config.Remote on this link; invalid: it changes nothing.
func (n *Negotiator) SetDefault(remote netip.Addr) {
	if remote.IsValid() {
		n.byDefault = from(remote)
		n.assigned = n.byDefault
	}
}

// Assign sets the peer's address; 0.0.0.0: none; invalid: that of Config or SetDefault. It takes
// effect with the peer's next Configure-Request.
func (n *Negotiator) Assign(remote netip.Addr) {
	n.assigned = n.byDefault
	if remote.IsValid() {
		n.assigned = from(remote)
	}
}

// SetChoice sets addresses that the peer may request instead of the one assigned, and restricts
// those that it may request where none is assigned; nil: any. It is called after Assign, and takes
// effect like it.
func (n *Negotiator) SetChoice(alternates []netip.Addr, allow func(netip.Addr) bool) {
	g := n.granted()
	g.allow, g.alternates = nil, alternates
	if len(alternates) > 0 || n.assigned == (addr4{}) || n.cfg.AcceptRemote {
		g.allow = allow
	}
	n.setGrant(g)
}

// SetNameServers sets the DNS servers assigned to the peer in place of Config.DNS; if neither is valid,
// those of Config are. It takes effect like Assign.
func (n *Negotiator) SetNameServers(dns [2]netip.Addr) {
	g := n.granted()
	g.dns = dns
	n.setGrant(g)
}

// isAlternate reports whether the peer may have the address instead of the one assigned.
func (n *Negotiator) isAlternate(a addr4) bool {
	return n.cfg.AcceptRemote || n.grant != nil && slices.Contains(n.grant.alternates, a.addr())
}

// mayRequest reports whether the peer may have an address that was not assigned.
func (n *Negotiator) mayRequest(a addr4) bool {
	if !a.usable() || a == n.local && !n.cfg.Unnumbered {
		return false
	}
	return n.grant == nil || n.grant.allow == nil || n.grant.allow(a.addr())
}

// Protocol returns ppp.IPCP.
func (n *Negotiator) Protocol() ppp.Protocol { return ppp.IPCP }

// Reset begins a negotiation with our initial options.
func (n *Negotiator) Reset() {
	n.requestAddress, n.localRefused, n.addressRejects = true, false, 0
	n.local, n.remote = from(n.cfg.Local), addr4{}
	n.servers = nil
	if dns, nbns := n.cfg.RequestDNS, n.cfg.RequestNBNS; dns || nbns {
		n.servers = &servers{requested: [...]bool{dns, dns, nbns, nbns}}
	}
}

// AppendRequest appends our address and the servers that we request.
func (n *Negotiator) AppendRequest(b []byte) []byte {
	if n.requestAddress {
		b = appendOption(b, OptAddress, n.local)
	}
	for _, typ := range serverOptions {
		if i, requested := n.servers.find(typ); requested {
			b = appendOption(b, typ, n.servers.addr[i])
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
	assigned := n.assigned != addr4{}
	switch {
	case !ok && !assigned:
		return ppp.Reject, theirs
	case !assigned && n.mayRequest(addr):
		return ppp.Ack, theirs
	case !assigned && addr == addr4{} && n.countAddressReject():
		return ppp.Ack, theirs
	case !assigned:
		// It requests an address, or one that it may not have, and none is assigned.
		return ppp.Reject, theirs
	case ok && (addr == n.assigned || n.isAlternate(addr) && n.mayRequest(addr)):
		return ppp.Ack, theirs
	}
	return ppp.Nak, option(OptAddress, n.assigned)
}

// countAddressReject counts a request for an address where none is assigned, and reports
// whether to accept 0.0.0.0, as the peer ignores our Rejects (Unnumbered).
func (n *Negotiator) countAddressReject() bool {
	n.addressRejects = min(n.addressRejects, math.MaxUint8-1) + 1
	return n.cfg.Unnumbered && int(n.addressRejects) > n.cfg.Limits.WithDefaults().MaxFailure
}

// evaluateServer assigns our name servers, and rejects the option if there are none: an Ack
// would leave the peer with 0.0.0.0 (RFC 1877 section 1).
func (n *Negotiator) evaluateServer(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	server := n.serverFor(theirs.Type)
	if !server.IsValid() {
		return ppp.Reject, theirs
	}
	if addr, ok := address(theirs); ok && addr == from(server) {
		return ppp.Ack, theirs
	}
	return ppp.Nak, option(theirs.Type, from(server))
}

// serverFor returns the server that we assign for an option. A single one serves as both.
func (n *Negotiator) serverFor(typ uint8) netip.Addr {
	pair, i := n.cfg.DNS, 0
	if n.grant != nil && n.grant.dns != [2]netip.Addr{} {
		pair = n.grant.dns
	}
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
	if _, ok := peer.Find(OptAddress); !ok && n.assigned.usable() {
		b = appendOption(b, OptAddress, n.assigned)
	}
	return b
}

// Acknowledged stores the peer's address. A peer whose request has none gets the assigned
// one.
func (n *Negotiator) Acknowledged(peer ppp.Options) {
	n.remote = n.assigned
	if o, ok := peer.Find(OptAddress); ok {
		n.remote, _ = address(o)
	}
}

// ReceivedNak stores what the peer assigns.
func (n *Negotiator) ReceivedNak(theirs ppp.Option) {
	addr, ok := address(theirs)
	if !ok {
		return
	}
	if theirs.Type == OptAddress {
		if n.localNegotiable() && addr.usable() {
			n.local, n.requestAddress = addr, true
		} else {
			n.localRefused = true
		}
		return
	}
	if i, requested := n.servers.find(theirs.Type); requested {
		n.servers.addr[i] = addr
	}
}

// localNegotiable reports whether the peer may assign our address.
func (n *Negotiator) localNegotiable() bool { return n.cfg.AcceptLocal || !from(n.cfg.Local).usable() }

// ReceivedReject stops requesting the option.
func (n *Negotiator) ReceivedReject(ours ppp.Option) {
	if ours.Type == OptAddress {
		n.requestAddress = false
		return
	}
	if i, requested := n.servers.find(ours.Type); requested {
		n.servers.requested[i] = false
	}
}

// Agreement returns what both sides have agreed on, once the automaton has opened.
func (n *Negotiator) Agreement() Agreement {
	a := Agreement{Local: n.local.addr(), Remote: n.remote.addrOrInvalid()}
	if n.cfg.Unnumbered {
		a.Remote = n.remote.addr()
	}
	for i, server := range [...]*netip.Addr{&a.DNS[0], &a.DNS[1], &a.NBNS[0], &a.NBNS[1]} {
		// Some peers acknowledge the request 0.0.0.0.
		if _, requested := n.servers.find(serverOptions[i]); requested && n.servers.addr[i].usable() {
			*server = n.servers.addr[i].addr()
		}
	}
	return a
}

// Err returns nil, or the reason why the agreement cannot be used: each address must be one
// that a host can have, and the two must differ; with Unnumbered only ours is checked.
func (n *Negotiator) Err() error {
	switch {
	case !n.local.usable():
		return ErrNoLocal
	case n.localRefused && !n.requestAddress:
		return ErrLocalRefused
	case n.cfg.Unnumbered:
		return nil
	case !n.remote.usable():
		return ErrNoRemote
	case n.local == n.remote:
		return ErrSameAddress
	}
	return nil
}
