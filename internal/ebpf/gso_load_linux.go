package ebpf

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// gsoLoad says when the detour is worth its while. Its two devices everybody sees in the list
// of interfaces, so they are made only under load, and go after some minutes without: until
// then, and where they cannot be made, user space sends what would need them. A little of that
// costs nothing worth mentioning.
type gsoLoad struct {
	interval      time.Duration
	inNamespace   func(func() error) error
	timer         *time.Timer // runs while there are sessions, or a detour
	lastCount     uint64      // what uncut was
	pairIndex     int         // the index of its upper device, for the programs; 0: there is none
	idleIntervals int         // for how many intervals there has been no demand for it
	removing      bool        // there has been none for too many of them
	disabled      bool        // it cannot be had, or no more
}

// rush is how many packets yet to be cut make it worth its while, in an interval. A hundred
// in a second are 50 Mbit/s at most. After enough intervals with less it goes.
const (
	gsoThreshold = 100
	idleLimit    = 300
)

func newGSOLoad(cfg Config) gsoLoad {
	d := gsoLoad{interval: cfg.interval, inNamespace: cfg.InNamespace, disabled: cfg.noPair}
	if d.inNamespace == nil {
		d.inNamespace = func(f func() error) error { return f() }
	}
	if d.interval == 0 {
		d.interval = time.Second
	}
	return d
}

// start looks at demand from now on, now that there is a session. Under the Engine's lock,
// like the others.
func (d *gsoLoad) start(e *Engine) {
	if d.timer == nil && !d.disabled {
		d.timer = time.AfterFunc(d.interval, e.checkLoad)
	}
}

// stop looks no more, ever.
func (d *gsoLoad) stop() {
	d.disabled = true
	if d.timer != nil {
		d.timer.Stop()
	}
}

// checkLoad makes the detour if there is a demand, and removes it after a long time without. It
// is called each interval.
func (e *Engine) checkLoad() {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := &e.load
	d.timer = nil
	if d.disabled || len(e.devices) == 0 && d.pairIndex == 0 && !d.removing {
		return
	}
	var count uint64
	e.gsoPackets.Lookup(uint32(0), &count) // 0 is no demand
	busy := count-d.lastCount >= gsoThreshold && count > d.lastCount
	d.lastCount = count
	switch {
	case d.removing:
		// No program has sent anything that way since the last interval.
		d.removing = false
		e.runInNamespace(e.removePair)
	case d.pairIndex == 0 && busy:
		e.runInNamespace(e.createPair)
	case busy:
		d.idleIntervals = 0
	case d.pairIndex != 0:
		d.idleIntervals++
		d.removing = d.idleIntervals >= idleLimit
	}
	if d.removing {
		d.pairIndex = 0
		e.writeOffloads()
	}
	d.start(e)
}

// runInNamespace does something in the interface's network namespace. After an error there will be
// no detour.
func (e *Engine) runInNamespace(f func() error) {
	if err := e.load.inNamespace(f); err != nil {
		e.disablePair(err)
	}
}

// createPair makes the detour, and has the programs use it. Under the Engine's lock, like
// what follows.
func (e *Engine) createPair() (err error) {
	e.load.idleIntervals = 0
	if e.load.pairIndex, err = e.pair.create(); err != nil {
		return err
	}
	if err := e.writeOffloads(); err != nil {
		return err
	}
	text := fmt.Sprintf("%s: there are many packets yet to be cut into segments: %s and %s have been made, and send them in the kernel", e.name, e.pair.names[0], e.pair.names[1])
	if e.offloadFlags&softwareGSO == 0 {
		text += fmt.Sprintf(" (`ethtool -K %s tso off` spares most of them the way through these, which is faster)", e.name)
	}
	e.notify(text)
	return nil
}

// removePair removes the detour, and prepares for another.
func (e *Engine) removePair() error {
	e.pair.close()
	if err := e.pair.prepare(&e.hooks, e.pair.program); err != nil {
		return err
	}
	e.notify(fmt.Sprintf("%s: %s and %s are needed no more, and have been removed", e.name, e.pair.names[0], e.pair.names[1]))
	return nil
}

// pairDown does without the detour, if it was one of its devices, by the index, that
// somebody has set down or removed.
func (e *Engine) pairDown(index int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// The news may be of before it was set up.
	if e.load.pairIndex != 0 && (index == anyIndex || slices.Contains(e.pair.indexes[:], index)) && !e.pair.isUp() {
		e.disablePair(errPairDown)
	}
}

var errPairDown = errors.New("somebody has set its devices down")

// disablePair leaves what would need the detour to user space, for good.
func (e *Engine) disablePair(why error) {
	e.load.disabled, e.load.pairIndex = true, 0
	e.writeOffloads()
	e.pair.close()
	e.notify(fmt.Sprintf("%s: packets that are yet to be cut into segments are sent by user space: the kernel's way cannot be had: %v", e.name, why))
}
