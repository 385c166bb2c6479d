package pppoe_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
)

// TestRecordCounters: a successor has at least the counters that were recorded, though the server was killed long before
// the next sweep.
func TestRecordCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Store, l.server.CountersInterval = &memoryStore{}, time.Hour
		first := l.startServer()
		l.startClient()
		time.Sleep(time.Second)
		l.exchange()
		key := l.serverEvents.key()
		told, err := first.Session(key)
		if err == nil {
			err = first.RecordCounters(key)
		}
		if err != nil || told.Counters.ReceivedPackets == 0 {
			t.Fatalf("%v, counters %+v", err, told.Counters)
		}
		l.crash(first)
		second, _ := l.restart(0)
		if is, err := second.Session(key); err != nil || is.Counters != told.Counters {
			t.Errorf("%v: the counters are %+v, recorded were %+v", err, is.Counters, told.Counters)
		}
		l.stop()
		if err := second.RecordCounters(key); !errors.Is(err, pppoe.ErrNoSession) {
			t.Errorf("of a session that has ended: %v", err)
		}
	})
}
