package lcp

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// maxLoops is how many Configure-Requests in a row that bear our own
// Magic-Number make a looped link; fewer, where Max-Failure is: after so many
// Naks the automaton rejects the option, and we would hear ourselves give it up.
const maxLoops = 5

// options is LCP's side of the automaton: what we ask for, and what we think of
// what the peer asks for.
type options struct {
	mru, maxMRU int
	noMagic     bool
	demand      []ppp.Method
	answer      []ppp.Method
	maxLoops    int
	rand        io.Reader

	// What we ask for as the negotiation stands.
	askMRU   int
	askMagic bool
	untried  []ppp.Method // of demand: those the peer has not been asked for
	magic    uint32
	loops    int
	refused  bool

	// What is agreed.
	peerMRU int
	demands ppp.Method
	answers ppp.Method
	wanted  []byte // the value of the peer's Authentication-Protocol that we do not take; empty: none
}

var _ ppp.Negotiator = (*options)(nil)

func newOptions(cfg *Config) *options {
	o := &options{
		mru: cfg.MRU, maxMRU: cfg.MaxMRU, noMagic: cfg.NoMagic,
		demand: cfg.RequireAuth, answer: cfg.AllowAuth, maxLoops: maxLoops, rand: cfg.Rand,
	}
	if n := cfg.Limits.MaxFailure; n > 0 {
		o.maxLoops = min(n, maxLoops)
	}
	if o.maxMRU <= 0 {
		o.maxMRU = EtherMRU
	}
	if o.mru <= 0 {
		o.mru = min(EtherMRU, o.maxMRU)
	}
	o.mru = max(min(o.mru, o.maxMRU), MinMRU)
	o.drawMagic()
	o.Reset()
	return o
}

// Protocol is LCP.
func (o *options) Protocol() ppp.Protocol { return ppp.LCP }

// Reset begins a negotiation with our first wishes. The magic number stays: it
// marks this end of the link, not the attempt.
func (o *options) Reset() {
	o.askMRU, o.askMagic = o.mru, !o.noMagic
	o.refused = false
	o.peerMRU = min(DefaultMRU, o.maxMRU)
	o.answers, o.demands = nil, nil
	o.untried = append(o.untried[:0], o.demand...)
	if len(o.untried) > 0 {
		o.demandNext(0)
	}
}

// AppendRequest appends our options, in the order that pppd sends them.
func (o *options) AppendRequest(b []byte) []byte {
	if o.askMRU != DefaultMRU {
		b = appendMRU(b, o.askMRU)
	}
	if o.demands != nil {
		b = ppp.Option{Type: OptAuth, Value: o.demands.Option()}.AppendTo(b)
	}
	if o.askMagic {
		b = appendMagic(b, o.magic)
	}
	return b
}

// Evaluate says what we think of an option of theirs. All that HDLC framing needs
// must be rejected over Ethernet (RFC 2516 section 7: FCS-Alternatives,
// ACFC, ACCM), and PFC would save nothing; multilink, callback and link
// quality are not ours.
func (o *options) Evaluate(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	switch theirs.Type {
	case OptMRU:
		return o.judgeMRU(theirs)
	case OptAuth:
		return o.judgeAuth(theirs)
	case OptMagic:
		return o.judgeMagic(theirs)
	}
	return ppp.Reject, theirs
}

// judgeMRU keeps the peer's MRU within what Ethernet carries: RFC 2516 section
// 7 forbids to agree on more than 1492, but where RFC 4638 raises it.
func (o *options) judgeMRU(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	if len(theirs.Value) != 2 {
		return ppp.Nak, mruOption(min(EtherMRU, o.maxMRU))
	}
	switch mru := int(binary.BigEndian.Uint16(theirs.Value)); {
	case mru < MinMRU:
		return ppp.Nak, mruOption(MinMRU)
	case mru > o.maxMRU:
		return ppp.Nak, mruOption(o.maxMRU)
	}
	return ppp.Ack, theirs
}

// judgeAuth accepts a method that we are ready to answer. For any other it
// suggests one of the same protocol, which the peer knows, or else our best.
func (o *options) judgeAuth(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	if index(o.answer, theirs.Value) >= 0 {
		o.wanted = nil
		return ppp.Ack, theirs
	}
	o.wanted = append(o.wanted[:0], theirs.Value...)
	if len(o.answer) == 0 {
		return ppp.Reject, theirs
	}
	nearest := max(0, slices.IndexFunc(o.answer, func(m ppp.Method) bool {
		return len(theirs.Value) >= 2 && bytes.HasPrefix(m.Option(), theirs.Value[:2])
	}))
	return ppp.Nak, ppp.Option{Type: OptAuth, Value: o.answer[nearest].Option()}
}

// judgeMagic refuses zero, which is illegal, and our own number, which hints at
// a looped link (RFC 1661 section 6.4).
func (o *options) judgeMagic(theirs ppp.Option) (ppp.Verdict, ppp.Option) {
	if len(theirs.Value) != magicLen {
		// RFC 1661 section 6: a wrong Length gets a Nak that has the right one.
		return ppp.Nak, magicOption(o.random())
	}
	magic := binary.BigEndian.Uint32(theirs.Value)
	if o.isOurs(magic) {
		o.loops++
		return ppp.Nak, magicOption(o.random())
	}
	o.loops = 0
	if magic == 0 {
		return ppp.Nak, magicOption(o.random())
	}
	return ppp.Ack, theirs
}

// AppendMissing appends nothing: LCP can do without any option of the peer's.
func (o *options) AppendMissing(b []byte, _ ppp.Options) []byte { return b }

// Acknowledged takes over the peer's options as we acknowledge them. What is not among
// them has its default.
func (o *options) Acknowledged(peer ppp.Options) {
	o.peerMRU, o.answers, o.wanted = min(DefaultMRU, o.maxMRU), nil, nil
	for theirs := range peer.All() {
		switch theirs.Type {
		case OptMRU:
			o.peerMRU = int(binary.BigEndian.Uint16(theirs.Value))
		case OptAuth:
			o.answers = o.answer[index(o.answer, theirs.Value)]
		}
	}
}

// ReceivedNak changes what we ask for as the peer suggests, where that is acceptable.
func (o *options) ReceivedNak(theirs ppp.Option) {
	switch theirs.Type {
	case OptMRU:
		if len(theirs.Value) == 2 {
			if mru := int(binary.BigEndian.Uint16(theirs.Value)); mru >= MinMRU && mru <= o.mru {
				o.askMRU = mru
			}
		}
	case OptAuth:
		if o.loops == 0 { // else as with Rejected
			o.tryNextMethod(theirs.Value)
		}
	case OptMagic:
		o.drawMagic()
	}
}

// ReceivedReject stops asking for an option. Without authentication, though, there
// is no link for those who demand it.
func (o *options) ReceivedReject(ours ppp.Option) {
	switch ours.Type {
	case OptMRU:
		o.askMRU = DefaultMRU
	case OptAuth:
		// What bears our own Magic-Number may be our own refusal that comes back, on a looped
		// link: whether it is, more of the same will show.
		o.refused = o.loops == 0
	case OptMagic:
		o.askMagic = false
	}
}

// tryNextMethod follows the peer's suggestion, or else our own order of
// preference, and never goes back: so it ends.
func (o *options) tryNextMethod(suggestion []byte) {
	switch {
	case o.demands == nil:
	case len(o.untried) == 0:
		o.refused = true
	default:
		o.demandNext(max(0, index(o.untried, suggestion)))
	}
}

func (o *options) demandNext(i int) {
	o.demands = o.untried[i]
	o.untried = slices.Delete(o.untried, i, i+1)
}

func (o *options) ourMRU() int { return o.askMRU }

// sentMagic is the number that our echo packets bear: zero if none was agreed
// (RFC 1661 section 5.8).
func (o *options) sentMagic() uint32 {
	if o.askMagic {
		return o.magic
	}
	return 0
}

func (o *options) isOurs(magic uint32) bool { return o.askMagic && magic == o.magic }

func (o *options) drawMagic() {
	if !o.noMagic {
		o.magic = o.random()
	}
}

// random draws a magic number: never zero, and never our own.
func (o *options) random() uint32 {
	var b [magicLen]byte
	n := binary.BigEndian.Uint32(random.Fill(o.rand, b[:]))
	for n == 0 || n == o.magic {
		n++
	}
	return n
}

// index is where the method stands whose option value is given; -1: nowhere.
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
