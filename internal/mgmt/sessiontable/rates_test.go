package sessiontable

import (
	"testing"
	"time"

	"upppoe/internal/mgmt/servercontrol"
)

// TestSetRates: rates are in bit/s, from the octets of two samples.
func TestSetRates(t *testing.T) {
	before, after := servercontrol.Traffic{}, servercontrol.Traffic{}
	before.SentBytes, after.SentBytes, after.ReceivedBytes = 1000, 2000, 500
	s := servercontrol.Session{Traffic: &before}
	SetRates(&s, &after, 2*time.Second)
	if *s.BitsDown != 4000 || *s.BitsUp != 2000 {
		t.Errorf("rates %d down, %d up", *s.BitsDown, *s.BitsUp)
	}
}
