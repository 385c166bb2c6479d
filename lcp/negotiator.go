package lcp

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// maxLoops is the number of successive Configure-Requests with our own Magic-Number after
// which the link is looped. It is not above Max-Failure: after that many Naks the automaton
// rejects the option, and on a looped link we would then give it up.
const maxLoops = 5

// negotiator negotiates LCP's options.
type negotiator struct {
	mru, maxMRU int
	noMagic     bool
	requireAuth []ppp.Method
	allowAuth   []ppp.Method
	maxLoops    int
	rand        io.Reader

	// Our options as currently requested.
	requestMRU   int
	requestMagic bool
	untried      []ppp.Method // of requireAuth: those not requested yet
	magic        uint32
	loops        int // successive requests with our Magic-Number
	authRefused  bool

	// What is agreed on.
	peerMRU         int
	peerMethod      ppp.Method
	ownMethod       ppp.Method
	unsupportedAuth []byte // the value of the peer's last Authentication-Protocol that we refused; empty: none
}

var _ ppp.Negotiator = (*negotiator)(nil)

func newNegotiator(cfg *Config) *negotiator {
	n := &negotiator{
		mru: cfg.MRU, maxMRU: cfg.MaxMRU, noMagic: cfg.NoMagic,
		requireAuth: cfg.RequireAuth, allowAuth: cfg.AllowAuth, maxLoops: maxLoops, rand: cfg.Rand,
	}
	if m := cfg.Limits.MaxFailure; m > 0 {
		n.maxLoops = min(m, maxLoops)
	}
	if n.maxMRU <= 0 {
		n.maxMRU = EtherMRU
	}
	if n.mru <= 0 {
		n.mru = min(EtherMRU, n.maxMRU)
	}
	n.mru = max(min(n.mru, n.maxMRU), MinMRU)
	n.drawMagic()
	n.Reset()
	return n
}

// Protocol returns ppp.LCP.
func (n *negotiator) Protocol() ppp.Protocol { return ppp.LCP }

// Reset begins a negotiation with our initial options. The Magic-Number stays: it
// identifies this end of the link.
func (n *negotiator) Reset() {
	n.requestMRU, n.requestMagic = n.mru, !n.noMagic
	n.authRefused = false
	n.peerMRU = min(DefaultMRU, n.maxMRU)
	n.ownMethod, n.peerMethod = nil, nil
	n.untried = append(n.untried[:0], n.requireAuth...)
	if len(n.untried) > 0 {
		n.requestNextMethod(0)
	}
}

// AppendRequest appends our options, in the order that pppd sends them.
func (n *negotiator) AppendRequest(b []byte) []byte {
	if n.requestMRU != DefaultMRU {
		b = appendMRU(b, n.requestMRU)
	}
	if n.peerMethod != nil {
		b = ppp.Option{Type: OptAuth, Value: n.peerMethod.Option()}.AppendTo(b)
	}
	if n.requestMagic {
		b = appendMagic(b, n.magic)
	}
	return b
}

// Evaluate evaluates an option of the peer. The options of HDLC framing must be rejected
// over Ethernet (RFC 2516 section 7: FCS-Alternatives, ACFC, ACCM), and PFC would save
// nothing. Multilink, callback and link quality monitoring are not implemented.
func (n *negotiator) Evaluate(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	switch theirs.Type {
	case OptMRU:
		return n.evaluateMRU(theirs)
	case OptAuth:
		return n.evaluateAuth(theirs)
	case OptMagic:
		return n.evaluateMagic(theirs)
	}
	return ppp.Reject, theirs
}

// evaluateMRU bounds the peer's MRU: RFC 2516 section 7 forbids more than 1492, unless RFC
// 4638 allows it.
func (n *negotiator) evaluateMRU(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	if len(theirs.Value) != 2 {
		return ppp.Nak, mruOption(min(EtherMRU, n.maxMRU))
	}
	switch mru := int(binary.BigEndian.Uint16(theirs.Value)); {
	case mru < MinMRU:
		return ppp.Nak, mruOption(MinMRU)
	case mru > n.maxMRU:
		return ppp.Nak, mruOption(n.maxMRU)
	}
	return ppp.Ack, theirs
}

// evaluateAuth accepts a method of AllowAuth. For any other it suggests one of the same
// protocol, which the peer implements, or else our preferred one.
func (n *negotiator) evaluateAuth(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	if index(n.allowAuth, theirs.Value) >= 0 {
		n.unsupportedAuth = nil
		return ppp.Ack, theirs
	}
	n.unsupportedAuth = append(n.unsupportedAuth[:0], theirs.Value...)
	if len(n.allowAuth) == 0 {
		return ppp.Reject, theirs
	}
	suggestion := max(0, slices.IndexFunc(n.allowAuth, func(m ppp.Method) bool {
		return len(theirs.Value) >= 2 && bytes.HasPrefix(m.Option(), theirs.Value[:2])
	}))
	return ppp.Nak, ppp.Option{Type: OptAuth, Value: n.allowAuth[suggestion].Option()}
}

// evaluateMagic refuses zero, which is illegal, and our own number, which indicates a
// looped link (RFC 1661 section 6.4).
func (n *negotiator) evaluateMagic(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	if len(theirs.Value) != magicLen {
		// RFC 1661 section 6: a wrong Length gets a Nak with the right one.
		return ppp.Nak, magicOption(n.random())
	}
	magic := binary.BigEndian.Uint32(theirs.Value)
	if n.isOwnMagic(magic) {
		n.loops++
		return ppp.Nak, magicOption(n.random())
	}
	n.loops = 0
	if magic == 0 {
		return ppp.Nak, magicOption(n.random())
	}
	return ppp.Ack, theirs
}

// AppendMissing appends nothing: LCP requires no option of the peer.
func (n *negotiator) AppendMissing(b []byte, _ ppp.Options) []byte { return b }

// Acknowledged stores the peer's options. Those that are missing have their defaults.
func (n *negotiator) Acknowledged(peer ppp.Options) {
	n.peerMRU, n.ownMethod, n.unsupportedAuth = min(DefaultMRU, n.maxMRU), nil, nil
	for theirs := range peer.All() {
		switch theirs.Type {
		case OptMRU:
			n.peerMRU = int(binary.BigEndian.Uint16(theirs.Value))
		case OptAuth:
			n.ownMethod = n.allowAuth[index(n.allowAuth, theirs.Value)]
		}
	}
}

// ReceivedNak changes our option to the peer's suggestion, if that is acceptable.
func (n *negotiator) ReceivedNak(theirs ppp.Option) {
	switch theirs.Type {
	case OptMRU:
		if len(theirs.Value) == 2 {
			if mru := int(binary.BigEndian.Uint16(theirs.Value)); mru >= MinMRU && mru <= n.mru {
				n.requestMRU = mru
			}
		}
	case OptAuth:
		if n.loops == 0 { // otherwise see ReceivedReject
			n.tryNextMethod(theirs.Value)
		}
	case OptMagic:
		n.drawMagic()
	}
}

// ReceivedReject no longer requests the option. If it is required authentication, the peer
// has refused it.
func (n *negotiator) ReceivedReject(ours ppp.Option) {
	switch ours.Type {
	case OptMRU:
		n.requestMRU = DefaultMRU
	case OptAuth:
		// On a looped link this may be our own Reject: the next requests will show it.
		n.authRefused = n.loops == 0
	case OptMagic:
		n.requestMagic = false
	}
}

// tryNextMethod requests the method that the peer suggests, or else our next one. No method
// is requested twice, so that the negotiation ends.
func (n *negotiator) tryNextMethod(suggestion []byte) {
	switch {
	case n.peerMethod == nil:
	case len(n.untried) == 0:
		n.authRefused = true
	default:
		n.requestNextMethod(max(0, index(n.untried, suggestion)))
	}
}

func (n *negotiator) requestNextMethod(i int) {
	n.peerMethod = n.untried[i]
	n.untried = slices.Delete(n.untried, i, i+1)
}

// sentMagic returns the Magic-Number of our echo packets: zero if none was negotiated (RFC
// 1661 section 5.8).
func (n *negotiator) sentMagic() uint32 {
	if n.requestMagic {
		return n.magic
	}
	return 0
}

func (n *negotiator) isOwnMagic(magic uint32) bool { return n.requestMagic && magic == n.magic }

func (n *negotiator) drawMagic() {
	if !n.noMagic {
		n.magic = n.random()
	}
}

// random returns a random Magic-Number: never zero, and never our current one.
func (n *negotiator) random() uint32 {
	var b [magicLen]byte
	magic := binary.BigEndian.Uint32(random.Fill(n.rand, b[:]))
	for magic == 0 || magic == n.magic {
		magic++
	}
	return magic
}

// index returns the index of the method with the option value; -1: none.
func index(methods []ppp.Method, value []byte) int {
	return slices.IndexFunc(methods, func(m ppp.Method) bool { return bytes.Equal(m.Option(), value) })
}

func mruOption(mru int) ppp.Option {
	return ppp.Option{Type: OptMRU, Value: binary.BigEndian.AppendUint16(nil, uint16(mru))}
}

func magicOption(magic uint32) ppp.Option {
	return ppp.Option{Type: OptMagic, Value: binary.BigEndian.AppendUint32(nil, magic)}
}

func appendMRU(b []byte, mru int) []byte        { return mruOption(mru).AppendTo(b) }
func appendMagic(b []byte, magic uint32) []byte { return magicOption(magic).AppendTo(b) }
