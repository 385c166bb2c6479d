package fastpath

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// demand says when the detour is worth its while. Its two devices everybody sees in the list
// of interfaces, so they are made only under load: until then, and where they cannot be made,
// user space sends what would need them. A little of that costs nothing worth mentioning.
type demand struct {
	interval time.Duration
	inside   func(func() error) error
	timer    *time.Timer // runs while there are sessions, and no detour
	last     uint64      // what uncut was
	detour   int         // the index of its upper device; 0: there is none
	decided  bool        // it has been made, or cannot be
}

// rush is how many packets yet to be cut make it worth its while, in an interval. A hundred
// in a second are 50 Mbit/s at most.
const rush = 100

func newDemand(cfg Config) demand {
	d := demand{interval: cfg.interval, inside: cfg.Inside, decided: cfg.noDetour}
	if d.inside == nil {
		d.inside = func(f func() error) error { return f() }
	}
	if d.interval == 0 {
		d.interval = time.Second
	}
	return d
}

// begin looks at demand from now on, now that there is a session. Under the Engine's lock,
// like the others.
func (d *demand) begin(e *Engine) {
	if d.timer == nil && !d.decided {
		d.timer = time.AfterFunc(d.interval, e.look)
	}
}

// end looks no more, ever.
func (d *demand) end() {
	d.decided = true
	if d.timer != nil {
		d.timer.Stop()
	}
}

// look makes the detour if there is a demand. It is called each interval.
func (e *Engine) look() {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := &e.demand
	d.timer = nil
	if d.decided || len(e.devices) == 0 {
		return
	}
	var count uint64
	if e.uncut.Lookup(uint32(0), &count) != nil || count-d.last < rush {
		d.last = count
		d.begin(e)
		return
	}
	if err := d.inside(func() error { e.makeDetour(); return nil }); err != nil {
		d.decided = true
		e.tellDetour(err)
	}
}

// makeDetour makes the detour, and has the programs use it. Under the Engine's lock.
func (e *Engine) makeDetour() {
	e.demand.decided = true
	index, err := e.detour.make()
	if err == nil {
		e.demand.detour = index
		err = e.tell()
	}
	e.tellDetour(err)
}

// detourDown does without the detour, if it was one of its devices that somebody has set
// down or removed.
func (e *Engine) detourDown(index int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// The news may be of before it was set up.
	if e.demand.detour != 0 && slices.Contains(e.detour.indexes[:], index) && !e.detour.up() {
		e.tellDetour(errDown)
	}
}

var errDown = errors.New("somebody has set its devices down")

func (e *Engine) tellDetour(err error) {
	if err != nil {
		e.demand.detour = 0
		e.tell()
		e.detour.close()
		e.notice(fmt.Sprintf("%s: packets that are yet to be cut into segments are sent by user space: the kernel's way cannot be had: %v", e.name, err))
		return
	}
	text := fmt.Sprintf("%s: there are many packets yet to be cut into segments: %s and %s have been made, and send them in the kernel", e.name, e.detour.names[0], e.detour.names[1])
	if e.flags&segmented == 0 {
		text += fmt.Sprintf(" (`ethtool -K %s tso off` spares most of them the way through these, which is faster)", e.name)
	}
	e.notice(text)
}
