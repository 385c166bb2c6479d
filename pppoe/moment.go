package pppoe

import (
	"cmp"
	"time"
)

// moment is a time in nanoseconds since the program's start; zero: none. It is for what is kept of
// every session: a time.Time takes three words.
type moment int64

var programStart = time.Now()

// momentOf returns the moment of a time; of the program's start itself, the next one.
func momentOf(t time.Time) moment { return cmp.Or(moment(t.Sub(programStart)), 1) }

func (m moment) isNone() bool { return m == 0 }

// time returns the time; of none, the zero time.
func (m moment) time() time.Time {
	if m.isNone() {
		return time.Time{}
	}
	return programStart.Add(time.Duration(m))
}

// until returns the time from m until t.
func (m moment) until(t time.Time) time.Duration { return t.Sub(m.time()) }
