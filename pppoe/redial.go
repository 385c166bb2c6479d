package pppoe

import (
	"errors"
	"time"

	"upppoe/ppp/session"
)

// Redial is what a Client does after a session has ended or a dial has failed.
type Redial struct {
	// Persist has it dial again. Without it, the first end is the last.
	Persist bool
	// Holdoff is how long it waits before; zero: 30 s; negative: not at all.
	Holdoff time.Duration
	// MaxFail is how many dials in a row may fail to come online; zero: 10;
	// negative: any number.
	MaxFail int
}

// Defaults of Redial, which are pppd's.
const (
	DefaultHoldoff = 30 * time.Second
	DefaultMaxFail = 10
)

// again says whether to dial again, after so many failures in a row.
func (r Redial) again(failures int, err error) bool {
	limit := r.MaxFail
	if limit == 0 {
		limit = DefaultMaxFail
	}
	return r.Persist && !hopeless(err) && (limit < 0 || failures < limit)
}

// pause is how long to wait. A peer that hung up on a session which has lasted longer
// than that is dialled again at once, as pppd does; one that hangs up on every session
// must not be dialled at wire speed.
func (r Redial) pause(err error) time.Duration {
	wait := max(r.Holdoff, 0)
	if r.Holdoff == 0 {
		wait = DefaultHoldoff
	}
	if end := (*EndError)(nil); errors.As(err, &end) && end.Reason.Cause == session.HangUp && end.Lasted >= wait {
		return 0
	}
	return wait
}

// hopeless says that dialling again cannot help: we were told to stop, or talk to
// ourselves.
func hopeless(err error) bool {
	return causeOf(err) == session.UserRequest
}

func causeOf(err error) session.Cause {
	if end := (*EndError)(nil); errors.As(err, &end) {
		return end.Reason.Cause
	}
	return session.Unknown
}
