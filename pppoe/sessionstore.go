package pppoe

import (
	"time"
)

// SessionStore keeps what a successor needs to adopt the sessions of a Server: the next start of a
// program that was killed, a new version, or another machine. The methods are called by the goroutine of
// a session's Listener, in order for each session. They must not block, but write later, in order; nor
// may they keep the record, whose memory is used again.
type SessionStore interface {
	// PutSession keeps a SessionRecord in place of an earlier one.
	PutSession(generation uint64, record []byte)
	// PutCounters keeps a CounterRecord in place of an earlier one.
	PutCounters(generation uint64, record []byte)
	// DeleteSession deletes both: the session has ended, and its peer has been told.
	DeleteSession(generation uint64)
}

// StoredSession is what a SessionStore has kept of a session.
type StoredSession struct {
	Generation uint64
	Session    []byte // a SessionRecord
	Counters   []byte // a CounterRecord; empty: there is none
	// Err is why the session must not be adopted, such as that the machine was started again since; nil:
	// it may be.
	Err error
}

// DefaultCountersInterval is the time between two records of the counters of a session.
const DefaultCountersInterval = time.Minute
