package pppoe

import (
	"net/netip"
	"slices"
	"sync"
)

// dynamicPrefixes is the queue of changes of sessions' dynamic prefixes for a loop whose sessions share
// a device: the loop applies them. It has one change per session. It may be used concurrently.
type dynamicPrefixes struct {
	wakeup chan struct{} // capacity 1

	mu      sync.Mutex
	changes map[SessionKey][]netip.Prefix
}

func newDynamicPrefixes() *dynamicPrefixes {
	return &dynamicPrefixes{wakeup: make(chan struct{}, 1)}
}

// set queues the prefixes of a session. It does not block.
func (d *dynamicPrefixes) set(session SessionKey, prefixes []netip.Prefix) {
	d.mu.Lock()
	if d.changes == nil {
		d.changes = make(map[SessionKey][]netip.Prefix)
	}
	d.changes[session] = slices.DeleteFunc(slices.Clone(prefixes), func(p netip.Prefix) bool { return !p.IsValid() })
	d.mu.Unlock()
	select {
	case d.wakeup <- struct{}{}:
	default: // already woken
	}
}

// take empties the queue.
func (d *dynamicPrefixes) take() (changes map[SessionKey][]netip.Prefix) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changes, d.changes = d.changes, nil
	return changes
}

// applyDynamicPrefixes applies the queued changes to sessions that are still open.
func (l *loop) applyDynamicPrefixes() {
	for key, prefixes := range l.dynamicPrefixes.take() {
		if s := l.sessionByKey(key); s != nil {
			s.dynamicPrefixes = &prefixes
			l.reconcile(s)
		}
	}
}
