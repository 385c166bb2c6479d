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

// pause is how long to wait. A session that was online and that the peer
// ended is dialled anew at once, as pppd does after a hang-up.
func (r Redial) pause(online bool, err error) time.Duration {
	if online && causeOf(err) == session.HangUp {
		return 0
	}
	switch {
	case r.Holdoff < 0:
		return 0
	case r.Holdoff == 0:
		return DefaultHoldoff
	}
	return r.Holdoff
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
