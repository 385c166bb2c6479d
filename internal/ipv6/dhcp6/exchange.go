package dhcp6

import (
	"math/rand/v2"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// timing is how a message is repeated (RFC 8415 section 15): after the initial time,
// then after twice as long each, but at most after the maximum; so many times, or
// without end if count is 0.
type timing struct {
	initial, most time.Duration
	count         int
}

// RFC 8415 section 7.6.
var (
	solicitTiming = timing{initial: time.Second, most: defaultSolMaxRT}
	requestTiming = timing{initial: time.Second, most: 30 * time.Second, count: 10}
	renewTiming   = timing{initial: 10 * time.Second, most: 10 * time.Minute}
	informTiming  = timing{initial: time.Second, most: defaultSolMaxRT}
	releaseTiming = timing{initial: time.Second, count: 4}
)

const (
	defaultSolMaxRT = time.Hour
	// RFC 8415 sections 21.24 and 21.25.
	leastMaxRT = time.Minute
	mostMaxRT  = 24 * time.Hour
)

// exchange is one message, its repetitions, and the wait for an answer.
type exchange struct {
	kind  dhcpv6.MessageType // MessageTypeNone: there is none
	id    dhcpv6.TransactionID
	began time.Time // when it was first sent
	at    time.Time // when to send it, or once more
	end   time.Time // when to give up; zero: never
	gap   time.Duration
	sent  int
	timing
}

// exhausted reports whether it is time to give up.
func (x *exchange) exhausted(now time.Time) bool {
	if !x.end.IsZero() && !now.Before(x.end) {
		return true
	}
	return x.count > 0 && x.sent == x.count && !now.Before(x.at)
}

// repeat notes that the message is sent now.
func (x *exchange) repeat(now time.Time, r *rand.Rand) {
	if x.sent == 0 {
		x.began = now
		x.gap = x.initial + x.spread(x.initial, r)
	} else {
		x.gap = 2*x.gap + x.spread(x.gap, r)
	}
	if x.most > 0 && x.gap > x.most {
		x.gap = x.most + x.spread(x.most, r)
	}
	x.sent++
	x.at = now.Add(x.gap)
}

// spread is up to a tenth of a span to either side. The first wait for advertisements
// is never shorter than the initial time (RFC 8415 section 18.2.1).
func (x *exchange) spread(d time.Duration, r *rand.Rand) time.Duration {
	tenth := int64(d / 10)
	if x.kind == dhcpv6.MessageTypeSolicit && x.sent == 0 {
		return time.Duration(1 + r.Int64N(tenth))
	}
	return time.Duration(r.Int64N(2*tenth+1) - tenth)
}

// elapsed is the value of the Elapsed Time option (RFC 8415 section 21.9).
func (x *exchange) elapsed(now time.Time) time.Duration {
	const most = 0xffff * 10 * time.Millisecond
	if x.sent == 0 {
		return 0
	}
	return min(now.Sub(x.began), most)
}
