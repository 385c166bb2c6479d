package ipv6cp

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// ID is an interface identifier (RFC 5072 section 4.1), in network byte order; zero: none.
type ID [8]byte

// LinkLocal returns the link-local address of the identifier: fe80::/10 and the identifier
// (RFC 5072 section 5).
func (id ID) LinkLocal() netip.Addr {
	a := [16]byte{0: 0xfe, 1: 0x80}
	copy(a[8:], id[:])
	return netip.AddrFrom16(a)
}

// Config configures IPv6 on a link.
type Config struct {
	// Local is our identifier; zero: a random one.
	Local ID
	// Remote is the identifier assigned to the peer; zero: the peer's own, or a random one if
	// it has none.
	Remote ID
	// AcceptLocal allows the peer to assign us another identifier than Local.
	AcceptLocal bool
	// AcceptNoRemote allows the peer to have no identifier: its link-local address is then
	// unknown.
	AcceptNoRemote bool
	// OmitLocal omits our identifier from requests.
	OmitLocal bool
	// Limits configures the automaton.
	Limits ppp.NegotiationLimits
	// Rand is the source of random identifiers; nil: crypto/rand. It must not fail.
	Rand io.Reader
}

// Agreement is the pair of identifiers that both sides have agreed on.
type Agreement struct{ Local, Remote ID }

// Negotiator negotiates IPv6CP's options on one link. It implements ppp.Negotiator.
type Negotiator struct {
	cfg *Config // shared
	state
}

// state is all of a Negotiator but its Config.
type state struct {
	override   *ID // assigned in place of suggestion; nil: none
	initial    ID  // ours, as first requested
	local      ID
	suggestion ID   // for a peer without an identifier, or with ours
	remote     ID   // as acknowledged
	assigned   bool // suggestion is assigned to the peer
	request    bool // our identifier is requested
}

var _ ppp.Negotiator = (*Negotiator)(nil)

// ErrNoID reports an agreement that cannot be used: a side has no identifier, or both have
// the same.
var ErrNoID = errors.New("could not determine two different interface identifiers")

// New returns a negotiator for one link. Many may share a Config, which must not change.
func New(cfg *Config) *Negotiator {
	n := new(Negotiator)
	n.Init(cfg)
	return n
}

// Init makes a negotiator that is part of another struct as New does.
func (n *Negotiator) Init(cfg *Config) {
	*n = Negotiator{cfg: cfg, state: state{initial: cfg.Local}}
	if n.initial == (ID{}) {
		n.initial = n.random()
	}
	n.suggestion, n.assigned = cfg.Remote, cfg.Remote != ID{}
	if !n.assigned {
		n.suggestion = n.random()
	}
	n.Reset()
}

// Assign assigns the peer an identifier, in place of Config.Remote; zero changes nothing. It takes
// effect with the peer's next Configure-Request.
func (n *Negotiator) Assign(remote ID) {
	if remote != (ID{}) {
		n.suggestion, n.assigned = remote, true
	}
}

// AssignUser assigns an identifier that belongs to the peer's user, in place of that of Assign or
// Config.Remote, until it is called again; zero: none. It takes effect like Assign.
func (n *Negotiator) AssignUser(remote ID) {
	n.override = nil
	if remote != (ID{}) {
		n.override = &remote
	}
}

// proposal returns the identifier for the peer, and whether it may have no other.
func (n *Negotiator) proposal() (id ID, assigned bool) {
	if n.override != nil {
		return *n.override, true
	}
	return n.suggestion, n.assigned
}

// Protocol returns ppp.IPv6CP.
func (n *Negotiator) Protocol() ppp.Protocol { return ppp.IPv6CP }

// Reset begins a negotiation with our initial options.
func (n *Negotiator) Reset() {
	n.request, n.local, n.remote = !n.cfg.OmitLocal, n.initial, ID{}
}

// AppendRequest appends our identifier.
func (n *Negotiator) AppendRequest(b []byte) []byte {
	if !n.request {
		return b
	}
	return appendOption(b, n.local)
}

// Evaluate evaluates an option of the peer. Header compression is rejected.
//
// RFC 5072 section 4.1: an identifier of zero, or the same as ours, gets a Nak with another
// one; a Reject if neither side has one. RFC 1661 section 6: a wrong length gets a Nak with
// the right one.
func (n *Negotiator) Evaluate(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	if theirs.Type != OptInterfaceID {
		return ppp.Reject, theirs
	}
	id, _ := identifier(theirs)
	proposal, assigned := n.proposal()
	switch {
	case id == ID{} && n.local == ID{}:
		return ppp.Reject, theirs
	case id == ID{}, id == n.local, assigned && id != proposal:
		return ppp.Nak, option(proposal)
	}
	return ppp.Ack, theirs
}

// AppendMissing asks a peer whose request has no identifier to use one, unless it may have
// none.
func (n *Negotiator) AppendMissing(b []byte, peer ppp.Options) []byte {
	if _, ok := peer.Find(OptInterfaceID); !ok && !n.cfg.AcceptNoRemote {
		proposal, _ := n.proposal()
		b = appendOption(b, proposal)
	}
	return b
}

// Acknowledged stores the peer's identifier.
func (n *Negotiator) Acknowledged(peer ppp.Options) {
	o, _ := peer.Find(OptInterfaceID)
	n.remote, _ = identifier(o)
}

// ReceivedNak stores the identifier that the peer suggests. Zero, or the peer's own, asks us
// for another random one. So does the one that we suggest to the peer: otherwise both could
// take it (RFC 5072 section 4.1).
func (n *Negotiator) ReceivedNak(theirs ppp.Option) {
	id, ok := identifier(theirs)
	if !ok || !n.cfg.AcceptLocal && n.cfg.Local != (ID{}) {
		return
	}
	if id == (ID{}) || id == n.remote || id == n.suggestion {
		id = n.random()
	}
	n.request, n.local = !n.cfg.OmitLocal, id
}

// ReceivedReject no longer requests our identifier: we then have none.
func (n *Negotiator) ReceivedReject(ppp.Option) { n.request, n.local = false, ID{} }

// Agreement returns what both sides have agreed on, once the automaton has opened.
func (n *Negotiator) Agreement() Agreement { return Agreement{n.local, n.remote} }

// Err returns nil, or the reason why the agreement cannot be used.
func (n *Negotiator) Err() error {
	if n.local == (ID{}) || n.remote == (ID{}) && !n.cfg.AcceptNoRemote || n.local == n.remote {
		return ErrNoID
	}
	return nil
}

// random returns a random identifier. Its universal/local bit is 0, as it is not globally
// unique (RFC 5072 section 4.1).
func (n *Negotiator) random() (id ID) {
	random.Fill(n.cfg.Rand, id[:])
	id[0] &^= 0x02
	for id == (ID{}) || id == n.initial || id == n.suggestion || id == n.remote {
		binary.BigEndian.PutUint32(id[4:], binary.BigEndian.Uint32(id[4:])+1)
	}
	return id
}

// identifier returns the identifier of an option; zero and false: it has none.
func identifier(o ppp.Option) (ID, bool) {
	if o.Type != OptInterfaceID || len(o.Value) != len(ID{}) {
		return ID{}, false
	}
	return ID(o.Value), true
}

func option(id ID) ppp.Option {
	return ppp.Option{Type: OptInterfaceID, Value: id[:]}
}

// appendOption appends an option, as option(id).AppendTo(b) does, but without a copy of its
// value on the heap.
func appendOption(b []byte, id ID) []byte {
	return append(append(b, OptInterfaceID, byte(2+len(id))), id[:]...)
}
