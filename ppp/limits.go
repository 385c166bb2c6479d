package ppp

import "time"

// NegotiationLimits configures the Restart timer and the counters of the automaton (RFC 1661
// section 4.6). A zero field stands for the default.
type NegotiationLimits struct {
	Restart      time.Duration // between retransmissions of a request; default 3 s
	MaxConfigure int           // Configure-Requests without an answer; default 10
	MaxTerminate int           // Terminate-Requests without an answer; default 2
	MaxFailure   int           // Configure-Naks before we send Configure-Rejects instead; default 5
	// RoundTrip is how long this peer has taken to answer before; zero: not known. The
	// early retransmission of the first request waits twice as long.
	RoundTrip time.Duration
}

// WithDefaults replaces zero fields by the defaults.
func (l NegotiationLimits) WithDefaults() NegotiationLimits {
	def := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	if l.Restart <= 0 {
		l.Restart = 3 * time.Second
	}
	def(&l.MaxConfigure, 10)
	def(&l.MaxTerminate, 2)
	def(&l.MaxFailure, 5)
	return l
}

// terminateWait is how long a side that has received a Terminate-Request waits for
// repetitions of it: the timeout that Zero-Restart-Count leaves to the implementation
// (RFC 1661 section 4.4).
const terminateWait = time.Second
