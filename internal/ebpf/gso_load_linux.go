package ebpf

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// gsoLoad decides when the segmentation device pair exists. Its two devices are visible in every
// list of interfaces, so they are created only under load and removed after some minutes without.
// Otherwise, and where they cannot be created, user space sends GSO packets; at a low rate that
// costs little.
type gsoLoad struct {
	interval      time.Duration
	inNamespace   func(func() error) error
	timer         *time.Timer // runs while there are sessions or the pair
	lastCount     uint64      // of gsoPackets, at the last check
	pairIndex     int         // the index of the pair's upper device; 0: there is no pair
	idleIntervals int         // intervals below the threshold, in a row
	removing      bool        // to be removed at the next check
	disabled      bool        // the pair is unavailable, or the Engine is closed
}

// gsoThreshold is the number of GSO packets in an interval that makes the pair worthwhile: 100 a
// second are 50 Mbit/s at most. After idleLimit intervals below it the pair is removed.
const (
	gsoThreshold = 100
	idleLimit    = 300
)

func newGSOLoad(cfg Config) gsoLoad {
	l := gsoLoad{interval: cfg.interval, inNamespace: cfg.InNamespace, disabled: cfg.noPair}
	if l.inNamespace == nil {
		l.inNamespace = func(f func() error) error { return f() }
	}
	if l.interval == 0 {
		l.interval = time.Second
	}
	return l
}

// start starts the checks, when there is a session. Called with the Engine's lock held, as are the
// other methods.
func (l *gsoLoad) start(e *Engine) {
	if l.timer == nil && !l.disabled {
		l.timer = time.AfterFunc(l.interval, e.checkLoad)
	}
}

// stop ends the checks permanently.
func (l *gsoLoad) stop() {
	l.disabled = true
	if l.timer != nil {
		l.timer.Stop()
	}
}

// checkLoad creates the pair under load, and removes it after idleLimit intervals without. It is
// called once each interval.
func (e *Engine) checkLoad() {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := &e.load
	l.timer = nil
	if l.disabled || len(e.devices) == 0 && l.pairIndex == 0 && !l.removing {
		return
	}
	var count uint64
	e.gsoPackets.Lookup(uint32(0), &count) // 0 after an error
	busy := count-l.lastCount >= gsoThreshold && count > l.lastCount
	l.lastCount = count
	switch {
	case l.removing:
		// Programs have not used the pair since the last check.
		l.removing = false
		e.runInNamespace(e.removePair)
	case l.pairIndex == 0 && busy:
		e.runInNamespace(e.createPair)
	case busy:
		l.idleIntervals = 0
	case l.pairIndex != 0:
		l.idleIntervals++
		l.removing = l.idleIntervals >= idleLimit
	}
	if l.removing {
		l.pairIndex = 0
		e.writeOffloads()
	}
	l.start(e)
}

// runInNamespace runs a function in the network namespace of the interface. If it fails, the pair
// is disabled.
func (e *Engine) runInNamespace(f func() error) {
	if err := e.load.inNamespace(f); err != nil {
		e.disablePair(err)
	}
}

// createPair creates the pair, and has the programs use it. Called with the Engine's lock held, as
// are the functions below.
func (e *Engine) createPair() (err error) {
	e.load.idleIntervals = 0
	if e.load.pairIndex, err = e.pair.create(); err != nil {
		return err
	}
	if err := e.writeOffloads(); err != nil {
		return err
	}
	text := fmt.Sprintf("%s: many GSO packets: created %s and %s, which segment them in the kernel", e.name, e.pair.names[0], e.pair.names[1])
	if e.offloadFlags&softwareGSO == 0 {
		text += fmt.Sprintf(" (`ethtool -K %s tso off` is faster: most of them then bypass these devices)", e.name)
	}
	e.notify(text)
	return nil
}

// removePair removes the pair, and prepares for the next.
func (e *Engine) removePair() error {
	e.pair.close()
	if err := e.pair.prepare(&e.hooks, e.pair.program); err != nil {
		return err
	}
	e.notify(fmt.Sprintf("%s: removed %s and %s: there are few GSO packets", e.name, e.pair.names[0], e.pair.names[1]))
	return nil
}

// pairDown disables the pair if one of its devices, by the index, was set down or removed by
// another program.
func (e *Engine) pairDown(index int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// The message may be older than the pair.
	if e.load.pairIndex != 0 && (index == anyIndex || slices.Contains(e.pair.indexes[:], index)) && !e.pair.isUp() {
		e.disablePair(errPairDown)
	}
}

var errPairDown = errors.New("its devices were set down or removed")

// disablePair leaves GSO packets to user space permanently.
func (e *Engine) disablePair(why error) {
	e.load.disabled, e.load.pairIndex = true, 0
	e.writeOffloads()
	e.pair.close()
	e.notify(fmt.Sprintf("%s: GSO packets are sent by user space: the segmentation devices are unavailable: %v", e.name, why))
}
