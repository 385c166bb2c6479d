package ppp_test

import (
	"bytes"
	"testing"

	"upppoe/ppp"
)

// FuzzParkedState: no input does harm, and what is accepted is encoded as it was read.
func FuzzParkedState(f *testing.F) {
	stopped := ppp.StoppedAutomaton()
	f.Add(stopped.AppendState(nil))
	f.Add([]byte("\x01\x01\x09\x02\x01\x03\x03\x01\x03\x04\x04abcd\x05\x01\x01\x06\x08abcdefgh"))
	f.Fuzz(func(t *testing.T, state []byte) {
		var p, again ppp.Parked
		if p.RestoreState(state) != nil {
			return
		}
		encoded := p.AppendState(nil)
		if err := again.RestoreState(encoded); err != nil || !bytes.Equal(again.AppendState(nil), encoded) {
			t.Errorf("%x, encoded again %x: %v", state, encoded, err)
		}
		if s := p.State(); s != ppp.Closed && s != ppp.Stopped && s != ppp.Opened {
			t.Errorf("state %v", s)
		}
	})
}
