package pppoe

import (
	"sync"
	"time"

	"upppoe/pppoe/datapath"
)

// offloadReports is the queue of reports of the data path to a loop: for each session, whether the
// Offload carries it. It may be used concurrently.
type offloadReports struct {
	wakeup chan struct{} // capacity 1

	mu    sync.Mutex
	queue []offloadReport
}

type offloadReport struct {
	session datapath.SessionConfig
	why     error // why the Offload does not carry it; nil: it does
}

func newOffloadReports() *offloadReports { return &offloadReports{wakeup: make(chan struct{}, 1)} }

// add queues a report. It does not block.
func (o *offloadReports) add(session datapath.SessionConfig, why error) {
	o.mu.Lock()
	o.queue = append(o.queue, offloadReport{session, why})
	o.mu.Unlock()
	select {
	case o.wakeup <- struct{}{}:
	default: // already woken
	}
}

// take empties the queue.
func (o *offloadReports) take() (all []offloadReport) {
	o.mu.Lock()
	defer o.mu.Unlock()
	all, o.queue = o.queue, nil
	return all
}

// applyOffloadReports emits the events of sessions that still exist.
func (l *loop) applyOffloadReports(now time.Time) {
	for _, r := range l.offloadReports.take() {
		if s := l.sessionOf(r.session); s != nil {
			l.afterAdoption(now, s, func(now time.Time) { l.emit(now, s, l.offloadEvent(r.why)) })
		}
	}
}

// offloadEvent returns the event of a report.
func (l *loop) offloadEvent(why error) Event {
	if why != nil {
		return NotOffloaded{Err: why}
	}
	return Offloaded{Description: l.ports.Offload.Describe()}
}
