package dhcp6

import (
	"math/rand/v2"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// retransmission has the parameters of RFC 8415 section 15: the initial time (IRT), which doubles
// with each transmission, the maximum time (MRT; 0: none) and the maximum count (MRC; 0: none).
type retransmission struct {
	irt, mrt time.Duration
	mrc      int
}

// RFC 8415 section 7.6.
var (
	solicitRetransmission = retransmission{irt: time.Second, mrt: defaultSolMaxRT}
	requestRetransmission = retransmission{irt: time.Second, mrt: 30 * time.Second, mrc: 10}
	renewRetransmission   = retransmission{irt: 10 * time.Second, mrt: 10 * time.Minute}
	informRetransmission  = retransmission{irt: time.Second, mrt: defaultSolMaxRT}
	releaseRetransmission = retransmission{irt: time.Second, mrc: 4}
)

const (
	defaultSolMaxRT = time.Hour
	// RFC 8415 sections 21.24 and 21.25.
	minMaxRT = time.Minute
	maxMaxRT = 24 * time.Hour
)

// exchange is one message, its retransmissions, and the wait for an answer.
type exchange struct {
	kind     dhcpv6.MessageType // MessageTypeNone: there is no exchange
	id       dhcpv6.TransactionID
	start    time.Time // of the first transmission
	next     time.Time // transmission
	deadline time.Time // of the exchange (MRD); zero: none
	rt       time.Duration
	sent     int
	retransmission
}

// exhausted reports whether the exchange has failed.
func (x *exchange) exhausted(now time.Time) bool {
	if !x.deadline.IsZero() && !now.Before(x.deadline) {
		return true
	}
	return x.mrc > 0 && x.sent == x.mrc && !now.Before(x.next)
}

// transmitted records that the message is sent now, and sets the time of the next transmission.
func (x *exchange) transmitted(now time.Time, r *rand.Rand) {
	if x.sent == 0 {
		x.start = now
		x.rt = x.irt + x.jitter(x.irt, r)
	} else {
		x.rt = 2*x.rt + x.jitter(x.rt, r)
	}
	if x.mrt > 0 && x.rt > x.mrt {
		x.rt = x.mrt + x.jitter(x.mrt, r)
	}
	x.sent++
	x.next = now.Add(x.rt)
}

// jitter returns RAND times a duration: up to a tenth in either direction. The first wait after a
// Solicit is never shorter than IRT (RFC 8415 section 18.2.1).
func (x *exchange) jitter(d time.Duration, r *rand.Rand) time.Duration {
	tenth := int64(d / 10)
	if x.kind == dhcpv6.MessageTypeSolicit && x.sent == 0 {
		return time.Duration(1 + r.Int64N(tenth))
	}
	return time.Duration(r.Int64N(2*tenth+1) - tenth)
}

// elapsed returns the value of the Elapsed Time option (RFC 8415 section 21.9).
func (x *exchange) elapsed(now time.Time) time.Duration {
	const most = 0xffff * 10 * time.Millisecond
	if x.sent == 0 {
		return 0
	}
	return min(now.Sub(x.start), most)
}
