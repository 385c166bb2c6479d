package ebpf

import "time"

// pairs are the device pairs of an interface, in either direction.
func (i *Interface) pairs() [2]*pairLoad { return [2]*pairLoad{&i.segmentation, &i.coalescing} }

// startChecks starts the checks of the load, when there is a session. They run while there are
// sessions or a pair. Called with the Engine's lock held, as is stopChecks.
func (i *Interface) startChecks() {
	if i.timer == nil && !(i.segmentation.disabled && i.coalescing.disabled) {
		i.timer = time.AfterFunc(i.engine.cfg.interval, i.checkLoad)
	}
}

// stopChecks ends the checks permanently.
func (i *Interface) stopChecks() {
	for _, l := range i.pairs() {
		l.disabled = true
	}
	if i.timer != nil {
		i.timer.Stop()
	}
}

// checkLoad checks the load of both pairs. It is called once each interval.
func (i *Interface) checkLoad() {
	i.engine.mu.Lock()
	defer i.engine.mu.Unlock()
	i.timer = nil
	if i.sessions.Len() == 0 && !i.segmentation.exists() && !i.coalescing.exists() {
		return
	}
	if !i.engine.pins.staysPinned() { // else they are a successor's
		for _, l := range i.pairs() {
			l.check(i)
		}
	}
	i.startChecks()
}

// pairDown handles that an interface, by the index, was set down or removed.
func (i *Interface) pairDown(index int) {
	i.engine.mu.Lock()
	defer i.engine.mu.Unlock()
	for _, l := range i.pairs() {
		l.down(i, index)
	}
}
