package pppdlog

import (
	"fmt"
	"sync"
	"time"

	"upppoe/internal/ratelimit"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// EventLimiter limits how many events of each kind, of those that a peer can cause without limit,
// are logged. Its methods may be called concurrently; the zero value with Report set is ready.
type EventLimiter struct {
	// Report is called with the number of suppressed events of a kind, once a period after the
	// first of them. It must be set.
	Report func(kind string, n int)

	mu    sync.Mutex
	kinds map[string]*ratelimit.Limiter
}

// Events of a kind that are logged per period: more than a healthy session has, and few enough for
// a log that is kept for years.
const (
	maxEvents   = 20
	eventPeriod = 10 * time.Second
)

// Suppress reports whether there have been too many events of this kind, so that this one must not
// be logged.
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

// kindOf names the kind of an event that a peer can cause as often as it likes; empty: others.
// Packets are logged only on request.
func kindOf(event pppoe.Event) string {
	switch event.(type) {
	case pppoe.Rejected:
		return "refusals of concentrators"
	case pppoe.Announced:
		return "announcements of concentrators"
	case pppoe.SessionEstablished, pppoe.DeviceOpened, pppoe.Connected:
		return "starts of sessions"
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

// SuppressedText is the log line for n suppressed events.
func SuppressedText(kind string, n int) string {
	return fmt.Sprintf("%d more %s were suppressed", n, kind)
}

// unauthenticatedKind names the kind of a server's event that a client can cause without an
// account; empty: others. Events of configured sessions are always logged.
func unauthenticatedKind(l pppoe.SessionInfo, event pppoe.Event) string {
	switch e := event.(type) {
	case session.AuthFailed:
		return "refused logins"
	case pppoe.AddressInUse:
		return "sessions refused because of their address"
	case pppoe.Ended:
		if e.Uptime == 0 {
			return "ends of sessions that did not come up"
		}
	case session.PeerClosed, session.NetworkFailed, session.EchoTimeout, session.NetworkPhase, pppoe.HostNetworkFailed, pppoe.DeviceOpened, pppoe.Connected:
		if l.User == "" {
			return "events of sessions without a user"
		}
	}
	return ""
}
