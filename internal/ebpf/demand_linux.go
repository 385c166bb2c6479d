package ebpf

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// demand says when the detour is worth its while. Its two devices everybody sees in the list
// of interfaces, so they are made only under load, and go after some minutes without: until
// then, and where they cannot be made, user space sends what would need them. A little of that
// costs nothing worth mentioning.
type demand struct {
	interval time.Duration
	inside   func(func() error) error
	timer    *time.Timer // runs while there are sessions, or a detour
	last     uint64      // what uncut was
	detour   int         // the index of its upper device, for the programs; 0: there is none
	quiet    int         // for how many intervals there has been no demand for it
	over     bool        // there has been none for too many of them
	decided  bool        // it cannot be had, or no more
}

// rush is how many packets yet to be cut make it worth its while, in an interval. A hundred
// in a second are 50 Mbit/s at most. After enough intervals with less it goes.
const (
	rush   = 100
	enough = 300
)

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

// look makes the detour if there is a demand, and removes it after a long time without. It
// is called each interval.
func (e *Engine) look() {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := &e.demand
	d.timer = nil
	if d.decided || len(e.devices) == 0 && d.detour == 0 && !d.over {
		return
	}
	var count uint64
	e.uncut.Lookup(uint32(0), &count) // 0 is no demand
	busy := count-d.last >= rush && count > d.last
	d.last = count
	switch {
	case d.over:
		// No program has sent anything that way since the last interval.
		d.over = false
		e.atHome(e.remakeDetour)
	case d.detour == 0 && busy:
		e.atHome(e.makeDetour)
	case busy:
		d.quiet = 0
	case d.detour != 0:
		d.quiet++
		d.over = d.quiet >= enough
	}
	if d.over {
		d.detour = 0
		e.tell()
	}
	d.begin(e)
}

// atHome does something in the interface's network namespace. After an error there will be
// no detour.
func (e *Engine) atHome(f func() error) {
	if err := e.demand.inside(f); err != nil {
		e.withoutDetour(err)
	}
}

// makeDetour makes the detour, and has the programs use it. Under the Engine's lock, like
// what follows.
func (e *Engine) makeDetour() (err error) {
	e.demand.quiet = 0
	if e.demand.detour, err = e.detour.make(); err != nil {
		return err
	}
	if err := e.tell(); err != nil {
		return err
	}
	text := fmt.Sprintf("%s: there are many packets yet to be cut into segments: %s and %s have been made, and send them in the kernel", e.name, e.detour.names[0], e.detour.names[1])
	if e.flags&segmented == 0 {
		text += fmt.Sprintf(" (`ethtool -K %s tso off` spares most of them the way through these, which is faster)", e.name)
	}
	e.notice(text)
	return nil
}

// remakeDetour removes the detour, and prepares for another.
func (e *Engine) remakeDetour() error {
	e.detour.close()
	if err := e.detour.prepare(&e.hooks, e.detour.program); err != nil {
		return err
	}
	e.notice(fmt.Sprintf("%s: %s and %s are needed no more, and have been removed", e.name, e.detour.names[0], e.detour.names[1]))
	return nil
}

// detourDown does without the detour, if it was one of its devices, by the index, that
// somebody has set down or removed.
func (e *Engine) detourDown(index int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// The news may be of before it was set up.
	if e.demand.detour != 0 && (index == anyIndex || slices.Contains(e.detour.indexes[:], index)) && !e.detour.up() {
		e.withoutDetour(errDown)
	}
}

var errDown = errors.New("somebody has set its devices down")

// withoutDetour leaves what would need the detour to user space, for good.
func (e *Engine) withoutDetour(why error) {
	e.demand.decided, e.demand.detour = true, 0
	e.tell()
	e.detour.close()
	e.notice(fmt.Sprintf("%s: packets that are yet to be cut into segments are sent by user space: the kernel's way cannot be had: %v", e.name, why))
}
