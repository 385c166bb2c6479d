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

// solicitor schedules solicitations: three at intervals of 4 s (RFC 4861 section 6.3.7), then at
// growing intervals, as all answers may have been lost (RFC 7559).
type solicitor struct {
	next         time.Time // zero: there is a default router
	sent         int
	gap          time.Duration
	sendFailures int // consecutive
}

// start starts soliciting, unless that is under way.
func (s *solicitor) start(at time.Time) {
	if s.next.IsZero() {
		*s = solicitor{next: at, gap: solicitationInterval}
	}
}

func (s *solicitor) stop() { s.next = time.Time{} }

// Retries of failed sends: duplicate address detection may take the kernel two seconds (RFC 4862
// section 5.4).
const (
	sendRetryInterval = 100 * time.Millisecond
	maxSendRetries    = 30
)

// sendFailed takes back a solicitation that could not be sent: an address is not usable for a
// moment after it is set.
func (s *solicitor) sendFailed(now time.Time) {
	if s.next.IsZero() || s.sent != 1 || s.sendFailures == maxSendRetries {
		return
	}
	s.sendFailures++
	s.sent--
	s.next = now.Add(sendRetryInterval)
}

// due reports whether to solicit now, and schedules the next solicitation.
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

// jitter changes a duration by up to a tenth in either direction (RFC 8415 section 15).
func jitter(d time.Duration, r *rand.Rand) time.Duration {
	return d - d/10 + time.Duration(r.Int64N(int64(d/5)+1))
}
