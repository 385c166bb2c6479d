package lcp

import (
	"bytes"
	"encoding/binary"
	"math"
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
	cfg             *Config // shared
	unsupportedAuth string  // the value of the peer's last Authentication-Protocol that we refused; empty: none
	options
}

// options are the options, and how they came about.
type options struct {
	maxMRU uint16 // bounds the MRU in both directions

	// Our options as currently requested.
	requestMRU   uint16
	magic        uint32
	requestMagic bool
	authRefused  bool
	loops        uint8  // successive requests with our Magic-Number
	peerMethod   method // of RequireAuth; agreed on, once LCP has opened
	tried        uint8  // bit i: method i of RequireAuth has been requested

	// What is agreed on.
	ownMethod method // of AllowAuth
	peerMRU   uint16
}

// maxMethods is the number of methods of RequireAuth that are requested: there are five.
const maxMethods = 8

// method is a method of a list of Config: its index, from 1 on; 0: none.
type method uint8

// of returns the method of a list, or nil.
func (m method) of(list []ppp.Method) ppp.Method {
	if m == 0 {
		return nil
	}
	return list[m-1]
}

var _ ppp.Negotiator = (*negotiator)(nil)

// init begins with our initial options. A maxMRU of 0 stands for that of the configuration.
func (n *negotiator) init(cfg *Config, maxMRU int) {
	if maxMRU <= 0 {
		maxMRU = cfg.MaxMRU
	}
	if maxMRU <= 0 {
		maxMRU = EtherMRU
	}
	n.cfg, n.maxMRU = cfg, uint16(min(maxMRU, math.MaxUint16))
	n.drawMagic()
	n.Reset()
}

// initialMRU returns the MRU that we request first.
func (n *negotiator) initialMRU() uint16 {
	mru := n.cfg.MRU
	if mru <= 0 {
		mru = EtherMRU
	}
	return uint16(max(min(mru, int(n.maxMRU)), MinMRU))
}

// maxLoops returns the number of loops after which the link is looped.
func (n *negotiator) maxLoops() uint8 {
	if m := n.cfg.Limits.MaxFailure; m > 0 {
		return uint8(min(m, maxLoops))
	}
	return maxLoops
}

func (n *negotiator) looped() bool { return n.loops >= n.maxLoops() }

// Protocol returns ppp.LCP.
func (n *negotiator) Protocol() ppp.Protocol { return ppp.LCP }

// Reset begins a negotiation with our initial options. The Magic-Number stays: it
// identifies this end of the link.
func (n *negotiator) Reset() {
	n.requestMRU, n.requestMagic = n.initialMRU(), !n.cfg.NoMagic
	n.authRefused = false
	n.peerMRU = min(DefaultMRU, n.maxMRU)
	n.ownMethod, n.peerMethod, n.tried = 0, 0, 0
	n.requestMethod(n.untried(nil))
}

// AppendRequest appends our options, in the order that pppd sends them.
func (n *negotiator) AppendRequest(b []byte) []byte {
	if n.requestMRU != DefaultMRU {
		b = appendMRU(b, n.requestMRU)
	}
	if m := n.peerMethod.of(n.cfg.RequireAuth); m != nil {
		b = ppp.Option{Type: OptAuth, Value: m.Option()}.AppendTo(b)
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
	switch mru := binary.BigEndian.Uint16(theirs.Value); {
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
	allowed := n.cfg.AllowAuth
	if index(allowed, theirs.Value) != 0 {
		n.unsupportedAuth = ""
		return ppp.Ack, theirs
	}
	n.unsupportedAuth = string(theirs.Value)
	if len(allowed) == 0 {
		return ppp.Reject, theirs
	}
	suggestion := max(0, slices.IndexFunc(allowed, func(m ppp.Method) bool {
		return len(theirs.Value) >= 2 && bytes.HasPrefix(m.Option(), theirs.Value[:2])
	}))
	return ppp.Nak, ppp.Option{Type: OptAuth, Value: allowed[suggestion].Option()}
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
		n.loops = min(n.loops+1, maxLoops)
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
	n.peerMRU, n.ownMethod, n.unsupportedAuth = min(DefaultMRU, n.maxMRU), 0, ""
	for theirs := range peer.All() {
		switch theirs.Type {
		case OptMRU:
			n.peerMRU = binary.BigEndian.Uint16(theirs.Value)
		case OptAuth:
			n.ownMethod = index(n.cfg.AllowAuth, theirs.Value)
		}
	}
}

// ReceivedNak changes our option to the peer's suggestion, if that is acceptable.
func (n *negotiator) ReceivedNak(theirs ppp.Option) {
	switch theirs.Type {
	case OptMRU:
		if len(theirs.Value) == 2 {
			if mru := binary.BigEndian.Uint16(theirs.Value); mru >= MinMRU && mru <= n.initialMRU() {
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
	if n.peerMethod == 0 {
		return
	}
	next := n.untried(suggestion)
	n.authRefused = n.authRefused || next == 0
	n.requestMethod(next)
}

// untried returns the method of RequireAuth with the option value, or else the first one, of
// those not requested yet; 0: all were.
func (n *negotiator) untried(value []byte) (first method) {
	for i, m := range n.cfg.RequireAuth[:min(len(n.cfg.RequireAuth), maxMethods)] {
		switch {
		case n.tried>>i&1 != 0:
		case bytes.Equal(m.Option(), value):
			return method(i + 1)
		case first == 0:
			first = method(i + 1)
		}
	}
	return first
}

// requestMethod requests a method, unless it is none.
func (n *negotiator) requestMethod(m method) {
	if m != 0 {
		n.peerMethod = m
		n.tried |= 1 << (m - 1)
	}
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
	if !n.cfg.NoMagic {
		n.magic = n.random()
	}
}

// random returns a random Magic-Number: never zero, and never our current one.
func (n *negotiator) random() uint32 {
	var b [magicLen]byte
	magic := binary.BigEndian.Uint32(random.Fill(n.cfg.Rand, b[:]))
	for magic == 0 || magic == n.magic {
		magic++
	}
	return magic
}

// index returns the method with the option value; 0: none.
func index(methods []ppp.Method, value []byte) method {
	return method(1 + slices.IndexFunc(methods, func(m ppp.Method) bool { return bytes.Equal(m.Option(), value) }))
}

func mruOption(mru uint16) ppp.Option {
	return ppp.Option{Type: OptMRU, Value: binary.BigEndian.AppendUint16(nil, mru)}
}

func magicOption(magic uint32) ppp.Option {
	return ppp.Option{Type: OptMagic, Value: binary.BigEndian.AppendUint32(nil, magic)}
}

func appendMRU(b []byte, mru uint16) []byte {
	return binary.BigEndian.AppendUint16(append(b, OptMRU, 4), mru)
}

func appendMagic(b []byte, magic uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, OptMagic, 6), magic)
}
