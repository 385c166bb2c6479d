package lcp

import (
	"bytes"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
)

// FuzzParkedState: no input does harm, and what is accepted is a link that runs.
func FuzzParkedState(f *testing.F) {
	cfg := Config{AllowAuth: []ppp.Method{chap.MD5}, CheckPath: true, Echo: Echo{Interval: time.Minute, Failures: 3}}
	f.Add([]byte("\x01\x0e\x01\x01\x09\x02\x01\x03\x03\x01\x03\x04\x01a\x05\x00\x02\x02\x05\xd4\x03\x02\x05\xd4\x04\x02\x05\xd4\x05\x04abcd\x06\x01\x01\x07\x00" +
		"\x09\x03\xc2\x23\x05\x0a\x01\x07\x0b\x01\x02\x0c\x00\x0d\x00\x0e\x08\x00\x00\x00\x02\x00\x00\x00\x00\x0f\x01\x09\x10\x00\x11\x01\x01"))
	f.Fuzz(func(t *testing.T, state []byte) {
		var p, again Parked
		if p.RestoreState(&cfg, state, epoch) != nil {
			return
		}
		encoded := p.AppendState(nil, &cfg, epoch)
		if err := again.RestoreState(&cfg, encoded, epoch); err != nil || !bytes.Equal(again.AppendState(nil, &cfg, epoch), encoded) {
			t.Errorf("%x, encoded again %x: %v", state, encoded, err)
		}
		var l Link
		var q ppp.Queue
		l.Unpark(&cfg, 0, &p)
		for range 20 {
			if d := l.Deadline(); !d.IsZero() {
				l.Advance(d, &q)
			}
		}
		if n := l.PeerMRU(); n < MinMRU || n > 1492 || l.State() != ppp.Opened && !l.Dead() {
			t.Errorf("MRU %d in state %v", n, l.State())
		}
	})
}

// TestPathCheckBeginsAgain: a path check that was running when the state was encoded begins again, and one
// that was over does not.
func TestPathCheckBeginsAgain(t *testing.T) {
	cfg := Config{CheckPath: true}
	for after, want := range map[time.Duration]bool{0: true, time.Minute: false} {
		l, q := opened(t, cfg)
		for d := l.Deadline(); after > 0 && !d.IsZero() && d.Before(epoch.Add(after)); d = l.Deadline() {
			l.Advance(d, q)
		}
		p, ok := l.Snapshot()
		var restored Parked
		if err := restored.RestoreState(&cfg, p.AppendState(nil, &cfg, epoch), epoch.Add(time.Hour)); err != nil || !ok {
			t.Fatal(err, ok)
		}
		if d := restored.Deadline(); d.IsZero() == want || want && d.Sub(epoch) != time.Hour+3*time.Second {
			t.Errorf("after %v: the path is checked at %v", after, d)
		}
	}
}
