package ppp

// Negotiator is what a control protocol supplies to the automaton: its options,
// and nothing else. The Machine calls it and keeps every rule that LCP, IPCP
// and IPv6CP share.
type Negotiator interface {
	Protocol() Protocol
	// Reset forgets what the peer said of our options: a new negotiation begins.
	Reset()
	// AppendRequest appends our options as we now want them.
	AppendRequest(b []byte) []byte
	// Evaluate says what we think of one option of theirs; with Nak, the Option
	// is what we suggest instead. It has no side effect on what was agreed.
	Evaluate(o Option) (Verdict, Option)
	// AppendMissing appends what a Configure-Nak should ask the peer to add to
	// a request that lacks it (RFC 1661 section 5.3).
	AppendMissing(b []byte, peer Options) []byte
	// Acknowledged is told the peer's request at the moment we acknowledge it.
	Acknowledged(peer Options)
	// ReceivedNak is told one option of the peer's Configure-Nak: perhaps one we
	// never sent.
	ReceivedNak(o Option)
	// ReceivedReject is told one option of ours that the peer's Configure-Reject,
	// or its endless naks, refused.
	ReceivedReject(o Option)
}

// Verdict is what we think of an option. The severest in a request decides
// the answer to all of it.
type Verdict uint8

// Verdicts, in the order of their severity.
const (
	Ack Verdict = iota
	Nak
	Reject
)

// Signal tells the layer above what a step meant for it (RFC 1661 section 4.4):
// a set, empty most of the time.
type Signal uint8

// Signals.
const (
	LayerUp       Signal = 1 << iota // the protocol has opened
	LayerDown                        // it is open no more
	LayerStarted                     // it needs the layer below
	LayerFinished                    // it needs it no more
)

// Has reports whether the set holds all of the given signals.
func (s Signal) Has(of Signal) bool { return s&of == of }
