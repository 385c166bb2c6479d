package ppp

// Negotiator is what a control protocol supplies to the automaton: its options. The
// Automaton implements all rules that LCP, IPCP and IPv6CP share.
type Negotiator interface {
	// Protocol returns the number of the control protocol.
	Protocol() Protocol
	// Reset begins a new negotiation: it discards the peer's answers to our options.
	Reset()
	// AppendRequest appends our options as currently requested.
	AppendRequest(b []byte) []byte
	// Evaluate returns the verdict on one option of the peer's request. With Nak, the
	// Option is what we suggest instead. It does not change what was agreed on.
	Evaluate(o Option) (Verdict, Option)
	// AppendMissing appends options that a Configure-Nak asks the peer to add to a request
	// without them (RFC 1661 section 5.3).
	AppendMissing(b []byte, peer Options) []byte
	// Acknowledged is called with the peer's options when we acknowledge them.
	Acknowledged(peer Options)
	// ReceivedNak is called with each option of the peer's Configure-Nak. We may not have
	// requested it.
	ReceivedNak(o Option)
	// ReceivedReject is called with each option of ours in the peer's Configure-Reject, and
	// with one that the peer has answered with too many Naks.
	ReceivedReject(o Option)
}

// Verdict is the result of evaluating an option. The most severe one of a request
// determines the answer to it.
type Verdict uint8

// Verdicts, in the order of severity.
const (
	Ack Verdict = iota
	Nak
	Reject
)
