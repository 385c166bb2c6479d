package pppoe

import (
	"errors"
	"math/rand/v2"
	"time"

	"upppoe/ppp/session"
)

// Redial is what a Client does after a session has ended or a dial has failed.
type Redial struct {
	// Persist makes the client redial. Without it, Run returns after the first end.
	Persist bool
	// Holdoff is the pause before a redial; zero: 30 s; negative: none. It doubles after each
	// consecutive failure, to at most 8 × Holdoff.
	Holdoff time.Duration
	// MaxFail is how many consecutive dials may fail to come online; zero: 10; negative: any
	// number.
	MaxFail int
	// Jitter returns a random number in [0,1), so that clients that have lost the same concentrator
	// do not return at the same time. Nil: a random source.
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
	jitterShare  = 0.2 // a pause is up to this share longer
	firstJitter  = 500 * time.Millisecond
)

// Pauses after a rejected password (TR-124, I-135 and the like): a few tries soon, as the
// concentrator may be at fault, then long pauses, or the account would be locked. After a PADT before
// the session was online they double, from authDelay to authLongDelay: it may have been a rejection.
const (
	authTries     = 3
	authDelay     = 10 * time.Second
	authLongDelay = 5 * time.Minute

	maxHangUpDoublings = 5 // reaches authLongDelay
)

// fastRetryAfterLoss is how long after the loss of a session a PADI is sent every second.
const fastRetryAfterLoss = 2 * time.Minute

// backoff decides when a client redials, from the results of its dials.
type backoff struct {
	Redial
	failures        int       // consecutive dials that did not come online
	authFailures    int       // of them, the last ones in a row that failed on our credentials
	hangUps         int       // sessions, since the last that was online, that ended by a PADT before they were
	rejected        bool      // the last dial failed on our credentials, or may have
	fastDialAt      time.Time // when a dial last followed at once
	lostAt          time.Time // when a session that was online was lost, or a PADT first ended one before
	interfaceFailed bool      // the last dial ended because the interface was down or gone, or its address changed
	receivedPADT    bool      // the last dial's session ended by a PADT
}

// record records the end of a dial.
func (b *backoff) record(now time.Time, err error) {
	cause := causeOf(err)
	b.failures++
	b.authFailures++
	switch {
	case wasOnline(err):
		b.failures, b.hangUps = 0, 0
		if endedRemotely(cause) {
			b.lostAt = now
		}
	case b.hungUp(err):
		b.hangUps++
		if b.hangUps == 1 {
			b.lostAt = now
		}
	}
	if cause != session.CauseNotAuthenticated {
		b.authFailures = 0
	}
	b.rejected = b.authFailures > 0 || b.hungUp(err)
}

// shouldRedial reports whether to redial.
func (b *backoff) shouldRedial(err error) bool {
	limit := b.MaxFail
	if limit == 0 {
		limit = DefaultMaxFail
	}
	return b.Persist && !endedByUser(err) && (limit < 0 || b.failures < limit)
}

// delay returns the pause before the next dial. A session that was online is redialled at once, as
// pppd does after a hang-up; but not one that ends again and again, which would otherwise be
// dialled without a pause. So is the first that a PADT has ended before it was online: a
// concentrator that has just started sends them for sessions that it does not continue.
func (b *backoff) delay(now time.Time, err error) time.Duration {
	holdoff := max(b.Holdoff, 0)
	if b.Holdoff == 0 {
		holdoff = DefaultHoldoff
	}
	regular := holdoff << min(max(b.failures-1, 0), maxDoublings)
	canDialAtOnce := b.fastDialAt.IsZero() || now.Sub(b.fastDialAt) >= holdoff
	switch {
	case b.authFailures > 0 && b.authFailures%authTries == 0:
		return b.jittered(authLongDelay)
	case b.authFailures > 0:
		return authDelay
	case b.hungUp(err) && (b.hangUps > 1 || !canDialAtOnce):
		return b.jittered(max(regular, min(authDelay<<min(max(b.hangUps-2, 0), maxHangUpDoublings), authLongDelay)))
	case holdoff == 0:
		return 0
	case b.interfaceFailed:
		// The client waits until the interface is up, which may have taken long already.
		b.fastDialAt = now
		return time.Duration(float64(firstJitter) * b.random())
	case (wasOnline(err) || b.hungUp(err)) && canDialAtOnce:
		b.fastDialAt = now
		return time.Duration(float64(firstJitter) * b.random())
	}
	return b.jittered(regular)
}

// fastRetryWindow returns for how long the next dial may send a PADI every second.
func (b *backoff) fastRetryWindow(now time.Time) time.Duration {
	if !b.Persist || b.lostAt.IsZero() {
		return 0
	}
	return max(0, b.lostAt.Add(fastRetryAfterLoss).Sub(now))
}

func (b *backoff) jittered(d time.Duration) time.Duration {
	return d + time.Duration(float64(d)*jitterShare*b.random())
}

func (b *backoff) random() float64 {
	if b.Jitter == nil {
		return rand.Float64()
	}
	return b.Jitter()
}

// endedRemotely reports whether a session ended because of the peer or the interface.
func endedRemotely(c session.Cause) bool {
	switch c {
	case session.CauseHangUp, session.CausePeerTerminated, session.CausePeerDead:
		return true
	}
	return false
}

// hungUp reports whether the concentrator has ended a session by a PADT before it was online, and has
// neither rejected the credentials nor closed LCP.
func (b *backoff) hungUp(err error) bool {
	end := (*EndError)(nil)
	return b.receivedPADT && errors.As(err, &end) && end.Reason.Cause == session.CauseHangUp && !end.Online
}

// endedByUser reports whether the user ended the session: no redial is wanted.
func endedByUser(err error) bool {
	return causeOf(err) == session.CauseUserRequest
}

func causeOf(err error) session.Cause {
	if end := (*EndError)(nil); errors.As(err, &end) {
		return end.Reason.Cause
	}
	return session.CauseUnknown
}

func wasOnline(err error) bool {
	end := (*EndError)(nil)
	return errors.As(err, &end) && end.Online
}
