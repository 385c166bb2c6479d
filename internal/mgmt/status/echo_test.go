package status

import (
	"strings"
	"testing"
	"time"

	"upppoe/pppoe"
)

// TestEchoes: what LCP echoes have measured, as text and while nothing was.
func TestEchoes(t *testing.T) {
	var s Status
	s.SetEchoes(pppoe.EchoStats{})
	if s.Echoes != nil || s.EchoText() != "" {
		t.Errorf("without echoes: %+v, %s", s.Echoes, s.EchoText())
	}
	s.SetEchoes(pppoe.EchoStats{RoundTrip: 1500 * time.Microsecond, Sent: 7, Lost: 2})
	var b strings.Builder
	s.WriteTo(&b)
	if want := "  echoes    RTT 1.5 ms, 2 of 7 lost\n"; !strings.Contains(b.String(), want) {
		t.Errorf("%q is not in\n%s", want, b.String())
	}
}

// TestRedialAt: a client that waits says when it redials, until it does.
func TestRedialAt(t *testing.T) {
	m := NewTracker(Status{}, func(error) int { return 0 })
	m.Notify(pppoe.SessionInfo{}, pppoe.AwaitingRedial{Delay: time.Minute})
	if s := m.Status(); s.RedialAt == nil || s.RedialAt.Sub(s.Since) != time.Minute {
		t.Errorf("redials at %v, waits since %v", s.RedialAt, s.Since)
	}
	m.Notify(pppoe.SessionInfo{}, pppoe.SessionEstablished{})
	if s := m.Status(); s.RedialAt != nil {
		t.Errorf("redials at %v while it dials", s.RedialAt)
	}
}
