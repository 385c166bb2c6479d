package pppoe

import (
	"sync"
	"time"
)

// EchoStats is what the LCP echoes of a session have measured.
type EchoStats struct {
	RoundTrip time.Duration // of the last echo: see lcp.Link.RoundTrip; 0: none was answered
	Sent      uint64        // Echo-Requests
	// Lost is the number of Echo-Requests that had no answer when the next was sent. An answer to a
	// later one does not change it.
	Lost uint64
}

// echoMeter counts the echoes of a client's session. The loop's goroutine updates it.
type echoMeter struct {
	pending int // requests since the last answer

	mu sync.Mutex
	EchoStats
}

func (m *echoMeter) stats() EchoStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.EchoStats
}

// update counts the echoes of a session's step, which sends one request at most.
func (m *echoMeter) update(s *sessionState) { m.count(s.ppp.Unanswered(), s.ppp.RoundTrip()) }

func (m *echoMeter) count(pending int, roundTrip time.Duration) {
	before := m.pending
	if m.pending = pending; pending == before {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.RoundTrip = roundTrip
	if pending > before {
		m.Sent++
		if before > 0 {
			m.Lost++
		}
	}
}
