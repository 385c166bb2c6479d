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
	timer         *time.Timer // runs while there are sessions or the pair
	lastCount     uint64      // of gsoPackets, at the last check
	pairIndex     int         // the index of the pair's upper device; 0: there is no pair
	idleIntervals int         // intervals below the threshold, in a row
	removing      bool        // to be removed at the next check
	disabled      bool        // the pair is unavailable, or the Interface is closed
}

// gsoThreshold is the number of GSO packets in an interval that makes the pair worthwhile: 100 a
// second are 50 Mbit/s at most. After idleLimit intervals below it the pair is removed.
const (
	gsoThreshold = 100
	idleLimit    = 300
)

func newGSOLoad(cfg Config) gsoLoad {
	return gsoLoad{interval: cfg.interval, disabled: cfg.noPair}
}

// start starts the checks, when there is a session. Called with the Engine's lock held, as are the
// other methods.
func (l *gsoLoad) start(i *Interface) {
	if l.timer == nil && !l.disabled {
		l.timer = time.AfterFunc(l.interval, i.checkLoad)
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
func (i *Interface) checkLoad() {
	i.engine.mu.Lock()
	defer i.engine.mu.Unlock()
	l := &i.load
	l.timer = nil
	if l.disabled || len(i.sessions) == 0 && l.pairIndex == 0 && !l.removing {
		return
	}
	var count uint64
	i.engine.maps.gsoPackets.Lookup(i.slot, &count) // 0 after an error
	busy := count-l.lastCount >= gsoThreshold && count > l.lastCount
	l.lastCount = count
	switch {
	case l.removing:
		// Programs have not used the pair since the last check.
		l.removing = false
		i.runInNamespace(i.removePair)
	case l.pairIndex == 0 && busy:
		i.runInNamespace(i.createPair)
	case busy:
		l.idleIntervals = 0
	case l.pairIndex != 0:
		l.idleIntervals++
		l.removing = l.idleIntervals >= idleLimit
	}
	if l.removing {
		l.pairIndex = 0
		i.write()
	}
	l.start(i)
}

// runInNamespace runs a function in the network namespace of the interface. If it fails, the pair
// is disabled.
func (i *Interface) runInNamespace(f func() error) {
	if err := i.engine.cfg.InNamespace(f); err != nil {
		i.disablePair(err)
	}
}

// createPair creates the pair, and has the programs use it. Called with the Engine's lock held, as
// are the functions below.
func (i *Interface) createPair() (err error) {
	i.load.idleIntervals = 0
	if i.load.pairIndex, err = i.pair.create(); err != nil {
		return err
	}
	if err := i.write(); err != nil {
		return err
	}
	text := fmt.Sprintf("%s: many GSO packets: created %s and %s, which segment them in the kernel", i.name, i.pair.names[0], i.pair.names[1])
	if i.offloadFlags&softwareGSO == 0 {
		text += fmt.Sprintf(" (`ethtool -K %s tso off` is faster: most of them then bypass these devices)", i.name)
	}
	i.engine.cfg.Notify(text)
	return nil
}

// removePair removes the pair, and prepares for the next.
func (i *Interface) removePair() error {
	i.pair.close()
	if err := i.pair.prepare(&i.hooks, i.pair.program); err != nil {
		return err
	}
	i.engine.cfg.Notify(fmt.Sprintf("%s: removed %s and %s: there are few GSO packets", i.name, i.pair.names[0], i.pair.names[1]))
	return nil
}

// pairDown disables the pair if one of its devices, by the index, was set down or removed by
// another program.
func (i *Interface) pairDown(index int) {
	i.engine.mu.Lock()
	defer i.engine.mu.Unlock()
	// The message may be older than the pair.
	if i.load.pairIndex != 0 && (index == anyIndex || slices.Contains(i.pair.indexes[:], index)) && !i.pair.isUp() {
		i.disablePair(errPairDown)
	}
}

var errPairDown = errors.New("its devices were set down or removed")

// disablePair leaves GSO packets to user space permanently.
func (i *Interface) disablePair(why error) {
	i.load.disabled, i.load.pairIndex = true, 0
	i.write()
	i.pair.close()
	i.engine.cfg.Notify(fmt.Sprintf("%s: GSO packets are sent by user space: the segmentation devices are unavailable: %v", i.name, why))
}
