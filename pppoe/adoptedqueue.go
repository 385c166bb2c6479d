package pppoe

// adoptedQueue are the adopted sessions whose part of the host's network waits, as the predecessor goes on with
// their packets: control frames must not wait for it.
type adoptedQueue struct {
	wakeup   chan struct{} // capacity 1
	sessions []*sessionState
}

func newAdoptedQueue() adoptedQueue { return adoptedQueue{wakeup: make(chan struct{}, 1)} }

func (q *adoptedQueue) add(s *sessionState) {
	q.sessions = append(q.sessions, s)
	q.wake()
}

func (q *adoptedQueue) wake() {
	select {
	case q.wakeup <- struct{}{}:
	default: // already woken
	}
}

// take returns the next sessions, up to n.
func (q *adoptedQueue) take(n int) (next []*sessionState) {
	n = min(n, len(q.sessions))
	next, q.sessions = q.sessions[:n], q.sessions[n:]
	if len(q.sessions) == 0 {
		q.sessions = nil
		return next
	}
	q.wake()
	return next
}

// reconcileAdopted gives the next adopted sessions their part of the host's network, unless they have ended.
func (l *loop) reconcileAdopted() {
	for _, s := range l.adopted.take(adoptChunk) {
		if s.endReason == nil {
			l.reconcile(s)
		}
	}
}
