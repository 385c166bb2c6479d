package ipv6cp

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// ID is an interface identifier (RFC 5072 section 4.1), in the order it has on
// the wire; zero: none.
type ID [8]byte

// LinkLocal is the address that the identifier makes, fe80::/10 and the
// identifier (RFC 5072 section 5).
func (id ID) LinkLocal() netip.Addr {
	a := [16]byte{0: 0xfe, 1: 0x80}
	copy(a[8:], id[:])
	return netip.AddrFrom16(a)
}

// Config is what we want of IPv6 on a link.
type Config struct {
	// Local is our identifier; zero: a random one.
	Local ID
	// Remote is the peer's; zero: it has its own, and gets a random one if not.
	Remote ID
	// AcceptLocal lets the peer give us another identifier than Local.
	AcceptLocal bool
	// AcceptNoRemote lets the peer be without an identifier: its link-local address is then not known.
	AcceptNoRemote bool
	// OmitLocal keeps our identifier to ourselves.
	OmitLocal bool
	// Limits are the automaton's.
	Limits ppp.Limits
	// Rand is where identifiers come from; nil: crypto/rand. It must not fail.
	Rand io.Reader
}

// Agreement is the pair of identifiers that both sides have agreed on.
type Agreement struct{ Local, Remote ID }

// Negotiator is IPv6CP's side of the automaton.
type Negotiator struct {
	cfg    Config
	ask    bool
	local  ID
	spare  ID // suggested to a peer that has none, or ours
	remote ID // as acknowledged
}

var _ ppp.Negotiator = (*Negotiator)(nil)

// ErrNoID is why what was agreed on is of no use: a side is left without an
// identifier, or both have the same.
var ErrNoID = errors.New("could not determine two different interface identifiers")

// New makes a policy for one link.
func New(cfg *Config) *Negotiator {
	p := &Negotiator{cfg: *cfg}
	if p.cfg.Local == (ID{}) {
		p.cfg.Local, p.cfg.AcceptLocal = p.random(), true
	}
	p.spare = p.cfg.Remote
	if p.spare == (ID{}) {
		p.spare = p.random()
	}
	p.Reset()
	return p
}

// Protocol is IPv6CP.
func (p *Negotiator) Protocol() ppp.Protocol { return ppp.IPv6CP }

// Reset begins a negotiation with our first wishes.
func (p *Negotiator) Reset() {
	p.ask, p.local, p.remote = !p.cfg.OmitLocal, p.cfg.Local, ID{}
}

// AppendRequest appends our identifier.
func (p *Negotiator) AppendRequest(b []byte) []byte {
	if !p.ask {
		return b
	}
	return option(p.local).AppendTo(b)
}

// Evaluate says what we think of an option of theirs. Header compression is
// refused.
//
// RFC 5072 section 4.1: an identifier of zero, or the same as ours, is answered
// by Nak with another; by Reject where neither side has one. RFC 1661 section
// 6 has a wrong length answered by Nak with the right one.
func (p *Negotiator) Evaluate(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	if theirs.Type != OptInterfaceID {
		return ppp.Reject, theirs
	}
	id, _ := identifier(theirs)
	switch {
	case id == ID{} && p.local == ID{}:
		return ppp.Reject, theirs
	case id == ID{}, id == p.local, p.cfg.Remote != ID{} && id != p.cfg.Remote:
		return ppp.Nak, option(p.spare)
	}
	return ppp.Ack, theirs
}

// AppendMissing asks a peer that does not speak of its identifier to take one, unless it may be
// without.
func (p *Negotiator) AppendMissing(b []byte, peer ppp.Options) []byte {
	if _, ok := peer.Find(OptInterfaceID); !ok && !p.cfg.AcceptNoRemote {
		b = option(p.spare).AppendTo(b)
	}
	return b
}

// Acknowledged takes over the peer's identifier as we acknowledge it.
func (p *Negotiator) Acknowledged(peer ppp.Options) {
	o, _ := peer.Find(OptInterfaceID)
	p.remote, _ = identifier(o)
}

// ReceivedNak takes the identifier that the peer suggests. One that is zero, or the
// peer's own, means that it wants us to find another ourselves; so does the one
// that we suggest to it, which we would only take from each other again (RFC 5072
// section 4.1).
func (p *Negotiator) ReceivedNak(theirs ppp.Option) {
	id, ok := identifier(theirs)
	if !ok || !p.cfg.AcceptLocal {
		return
	}
	if id == (ID{}) || id == p.remote || id == p.spare {
		id = p.random()
	}
	p.ask, p.local = !p.cfg.OmitLocal, id
}

// ReceivedReject stops asking; the link is then left without an identifier of ours.
func (p *Negotiator) ReceivedReject(ppp.Option) { p.ask, p.local = false, ID{} }

// Agreement is what is agreed on, once the automaton has opened.
func (p *Negotiator) Agreement() Agreement { return Agreement{p.local, p.remote} }

// Err says why what was agreed on is of no use, or nil.
func (p *Negotiator) Err() error {
	if p.local == (ID{}) || p.remote == (ID{}) && !p.cfg.AcceptNoRemote || p.local == p.remote {
		return ErrNoID
	}
	return nil
}

// random draws an identifier with the universal/local bit 0, as one that is
// not globally unique must have it (RFC 5072 section 4.1).
func (p *Negotiator) random() (id ID) {
	random.Fill(p.cfg.Rand, id[:])
	id[0] &^= 0x02
	for id == (ID{}) || id == p.cfg.Local || id == p.spare || id == p.remote {
		binary.BigEndian.PutUint32(id[4:], binary.BigEndian.Uint32(id[4:])+1)
	}
	return id
}

// identifier reads an option whose value is one; zero if it is not.
func identifier(o ppp.Option) (ID, bool) {
	if o.Type != OptInterfaceID || len(o.Value) != len(ID{}) {
		return ID{}, false
	}
	return ID(o.Value), true
}

func option(id ID) ppp.Option {
	return ppp.Option{Type: OptInterfaceID, Value: id[:]}
}
