package pppoe

import (
	"testing"
	"time"
)

// TestEchoMeter: an Echo-Request is lost if it has no answer when the next is sent.
func TestEchoMeter(t *testing.T) {
	var m echoMeter
	for _, pending := range []int{0, 1, 1, 0, 1, 2, 3, 0, 1} {
		m.count(pending, time.Millisecond)
	}
	if want := (EchoStats{RoundTrip: time.Millisecond, Sent: 5, Lost: 2}); m.stats() != want {
		t.Errorf("%+v, want %+v", m.stats(), want)
	}
}
