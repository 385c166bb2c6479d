package sessiontable

import (
	"time"

	"upppoe/internal/mgmt/servercontrol"
)

// SetRates sets the rates of a session from its later traffic.
func SetRates(s *servercontrol.Session, later *servercontrol.Traffic, elapsed time.Duration) {
	rate := func(before, after uint64) *uint64 {
		bits := uint64(float64(8*(after-min(before, after))) / elapsed.Seconds())
		return &bits
	}
	s.BitsUp, s.BitsDown = rate(s.Traffic.ReceivedBytes, later.ReceivedBytes), rate(s.Traffic.SentBytes, later.SentBytes)
	s.Traffic = later
}
