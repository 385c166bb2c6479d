package radv

import (
	"math/rand/v2"
	"time"
)

// RFC 4861 section 10 and RFC 7559 section 2.
const (
	solicitationInterval    = 4 * time.Second
	maxSolicitations        = 3
	maxSolicitationInterval = time.Hour
)

// solicitor says when to solicit: three times, 4 s apart (RFC 4861 section 6.3.7), and
// then ever more rarely, as the answers may all have been lost (RFC 7559).
type solicitor struct {
	next         time.Time // zero: there is a router
	sent         int
	gap          time.Duration
	sendFailures int // in a row
}

// start begins anew, unless it is under way.
func (s *solicitor) start(at time.Time) {
	if s.next.IsZero() {
		*s = solicitor{next: at, gap: solicitationInterval}
	}
}

func (s *solicitor) stop() { s.next = time.Time{} }

// How soon, and how often, to try again to send at all: the kernel may look for two
// seconds whether somebody else has our address (RFC 4862 section 5.4).
const (
	sendRetryInterval = 100 * time.Millisecond
	maxSendRetries    = 30
)

// sendFailed takes back a solicitation that could not be sent: for a moment after it is
// set, an address cannot be used.
func (s *solicitor) sendFailed(now time.Time) {
	if s.next.IsZero() || s.sent != 1 || s.sendFailures == maxSendRetries {
		return
	}
	s.sendFailures++
	s.sent--
	s.next = now.Add(sendRetryInterval)
}

// due reports whether to solicit now, and then sets when next.
func (s *solicitor) due(now time.Time, r *rand.Rand) bool {
	if s.next.IsZero() || now.Before(s.next) {
		return false
	}
	s.sent++
	if s.sent < maxSolicitations {
		s.next = now.Add(s.gap)
		return true
	}
	s.next = now.Add(jitter(s.gap, r))
	s.gap = min(2*s.gap, maxSolicitationInterval)
	return true
}

// jitter spreads a span by a tenth to either side (RFC 8415 section 15).
func jitter(d time.Duration, r *rand.Rand) time.Duration {
	return d - d/10 + time.Duration(r.Int64N(int64(d/5)+1))
}
