package pppoe

import (
	"errors"
	"math/rand/v2"
	"time"

	"upppoe/ppp/session"
)

// Redial is what a Client does after a session has ended or a dial has failed.
type Redial struct {
	// Persist has it dial again. Without it, the first end is the last.
	Persist bool
	// Holdoff is how long it waits before; zero: 30 s; negative: not at all. After
	// failures in a row it doubles, up to eight times as long.
	Holdoff time.Duration
	// MaxFail is how many dials in a row may fail to come online; zero: 10;
	// negative: any number.
	MaxFail int
	// Jitter is a random number from 0 up to 1, by which many clients that have
	// lost the same concentrator do not come back as one. Nil: a random source.
	Jitter func() float64
}

// Defaults of Redial, which are pppd's.
const (
	DefaultHoldoff = 30 * time.Second
	DefaultMaxFail = 10
)

// Bounds of the back-off.
const (
	maxDoublings = 3
	jitterShare  = 0.2 // a pause is up to so much longer
	firstJitter  = 500 * time.Millisecond
)

// What follows a refused password (TR-124, I-135 and the like): a few tries soon, for
// it may be the concentrator's fault, and then long pauses, or the account is locked.
const (
	authTries     = 3
	authDelay     = 10 * time.Second
	authLongDelay = 5 * time.Minute
)

// fastRetryAfterLoss is for how long after the loss of a session its concentrator is looked for
// every second.
const fastRetryAfterLoss = 2 * time.Minute

// backoff is how a client dials, from what has become of its dials.
type backoff struct {
	Redial
	failures     int // dials in a row that did not come online
	authFailures int // of them, the last in a row, for our credentials
	fastDialAt   time.Time
	lostAt       time.Time // when a session that was online ended against our will
	linkFailed   bool      // the last dial ended since its interface went down or away, or has another address
}

// record takes the end of a dial.
func (p *backoff) record(now time.Time, err error) {
	cause := causeOf(err)
	p.failures++
	p.authFailures++
	if wasOnline(err) {
		p.failures = 0
		if endedRemotely(cause) {
			p.lostAt = now
		}
	}
	if cause != session.NotAuthenticated {
		p.authFailures = 0
	}
}

// shouldRedial reports whether to dial again.
func (p *backoff) shouldRedial(err error) bool {
	limit := p.MaxFail
	if limit == 0 {
		limit = DefaultMaxFail
	}
	return p.Persist && !endedByUser(err) && (limit < 0 || p.failures < limit)
}

// delay is how long to wait. A session that was online is dialled again at once, for
// pppd does so after a hang-up; but one that ends again and again must not be dialled
// at wire speed.
func (p *backoff) delay(now time.Time, err error) time.Duration {
	holdoff := max(p.Holdoff, 0)
	if p.Holdoff == 0 {
		holdoff = DefaultHoldoff
	}
	switch {
	case p.authFailures > 0 && p.authFailures%authTries == 0:
		return p.jittered(authLongDelay)
	case p.authFailures > 0:
		return authDelay
	case holdoff == 0:
		return 0
	case p.linkFailed:
		// It is waited for until it is up, and may have been so for long already.
		p.fastDialAt = now
		return time.Duration(float64(firstJitter) * p.random())
	case wasOnline(err) && (p.fastDialAt.IsZero() || now.Sub(p.fastDialAt) >= holdoff):
		p.fastDialAt = now
		return time.Duration(float64(firstJitter) * p.random())
	}
	return p.jittered(holdoff << min(max(p.failures-1, 0), maxDoublings))
}

// fastRetryWindow is for how long the next dial may ask every second.
func (p *backoff) fastRetryWindow(now time.Time) time.Duration {
	if !p.Persist || p.lostAt.IsZero() {
		return 0
	}
	return max(0, p.lostAt.Add(fastRetryAfterLoss).Sub(now))
}

func (p *backoff) jittered(d time.Duration) time.Duration {
	return d + time.Duration(float64(d)*jitterShare*p.random())
}

func (p *backoff) random() float64 {
	if p.Jitter == nil {
		return rand.Float64()
	}
	return p.Jitter()
}

// endedRemotely says that a session ended because of the peer or the line.
func endedRemotely(c session.Cause) bool {
	switch c {
	case session.HangUp, session.PeerTerminated, session.PeerDead:
		return true
	}
	return false
}

// endedByUser says that dialling again is not wanted: we were told to stop.
func endedByUser(err error) bool {
	return causeOf(err) == session.UserRequest
}

func causeOf(err error) session.Cause {
	if end := (*EndError)(nil); errors.As(err, &end) {
		return end.Reason.Cause
	}
	return session.Unknown
}

func wasOnline(err error) bool {
	end := (*EndError)(nil)
	return errors.As(err, &end) && end.Online
}
