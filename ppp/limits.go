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
	return NegotiationLimits{
		Restart: l.restart(), MaxConfigure: l.maxConfigure(), MaxTerminate: l.maxTerminate(), MaxFailure: l.maxFailure(),
		RoundTrip: l.RoundTrip,
	}
}

func (l *NegotiationLimits) restart() time.Duration { return positiveOr(l.Restart, 3*time.Second) }
func (l *NegotiationLimits) maxConfigure() int      { return positiveOr(l.MaxConfigure, 10) }
func (l *NegotiationLimits) maxTerminate() int      { return positiveOr(l.MaxTerminate, 2) }
func (l *NegotiationLimits) maxFailure() int        { return positiveOr(l.MaxFailure, 5) }

// positiveOr returns v, or the default if v is not positive.
func positiveOr[T int | time.Duration](v, byDefault T) T {
	if v <= 0 {
		return byDefault
	}
	return v
}

// terminateWait is how long a side that has received a Terminate-Request waits for
// repetitions of it: the timeout that Zero-Restart-Count leaves to the implementation
// (RFC 1661 section 4.4).
const terminateWait = time.Second
