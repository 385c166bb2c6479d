package pppdlog

import (
	"fmt"
	"sync"
	"time"

	"upppoe/internal/ratelimit"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// EventLimiter bounds how many events a peer can cause that are told, by their kind. Its methods may
// be called concurrently; the zero value is ready.
type EventLimiter struct {
	// Report is told how many events of a kind were left out, once a period after the
	// first of them is over. It must be set.
	Report func(kind string, n int)

	mu    sync.Mutex
	kinds map[string]*ratelimit.Limiter
}

// So many events of a kind are told in a period: more than a line has that is well, and few
// enough for a log that is kept for years.
const (
	maxEvents   = 20
	eventPeriod = 10 * time.Second
)

// Suppress reports whether there were so many events of this kind lately that this one is not
// to be told.
func (f *EventLimiter) Suppress(event pppoe.Event) bool { return f.suppress(kindOf(event), f.Report) }

func (f *EventLimiter) suppress(kind string, report func(kind string, n int)) bool {
	if kind == "" {
		return false
	}
	limit := f.limiter(kind)
	ok, first := limit.Allow(time.Now())
	if first {
		time.AfterFunc(limit.Period(), func() {
			if n := limit.TakeSuppressed(); n > 0 {
				report(kind, n)
			}
		})
	}
	return !ok
}

func (f *EventLimiter) limiter(kind string) *ratelimit.Limiter {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kinds == nil {
		f.kinds = make(map[string]*ratelimit.Limiter)
	}
	if f.kinds[kind] == nil {
		f.kinds[kind] = ratelimit.New(maxEvents, eventPeriod)
	}
	return f.kinds[kind]
}

// kindOf is what an event is that a peer can cause as often as it likes; empty: no such one.
// Packets are told of only if somebody asks for them.
func kindOf(event pppoe.Event) string {
	switch event.(type) {
	case pppoe.Rejected:
		return "refusals of concentrators"
	case pppoe.Announced:
		return "announcements of concentrators"
	case pppoe.SessionEstablished, pppoe.DeviceOpened, pppoe.Connected:
		return "beginnings of sessions"
	case pppoe.Configured:
		return "changes of addresses"
	case session.Authenticated, session.AuthFailed:
		return "results of authentication"
	case session.NetworkFailed:
		return "failures of network protocols"
	case session.PeerClosed:
		return "ends of sessions by the peer"
	}
	return ""
}

// SuppressedText is how a log says that events were left out.
func SuppressedText(kind string, n int) string {
	return fmt.Sprintf("%d more %s were left out", n, kind)
}
