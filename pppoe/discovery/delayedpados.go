package discovery

import (
	"time"

	"upppoe/internal/deadlines"
	"upppoe/pppoe/wire"
)

// DelayedPADOs is a queue of PADOs that are sent later. A client has one: if it repeats its PADI,
// the answer to that one is sent, when the first one would have been. The queue is bounded: beyond
// that, the first PADOs are due early, so that a flood of PADIs keeps no client out. The zero value
// is empty. It is not safe for concurrent use.
type DelayedPADOs struct {
	due    deadlines.Heap[*delayedPADO]
	queued map[RequestKey]*delayedPADO
	octets int // of all tags
}

// Bounds of DelayedPADOs.
const (
	maxDelayed       = 1 << 14
	maxDelayedOctets = 1 << 22
)

type delayedPADO struct {
	key   RequestKey
	frame wire.DiscoveryFrame
}

// Add queues a copy of a PADO.
func (d *DelayedPADOs) Add(due time.Time, f wire.DiscoveryFrame) {
	key := padoKey(f)
	p := d.queued[key]
	if p == nil {
		p = &delayedPADO{key: key}
		if d.queued == nil {
			d.queued = make(map[RequestKey]*delayedPADO)
		}
		d.queued[key] = p
		d.due.Set(p, due)
	}
	d.octets += len(f.Tags) - len(p.frame.Tags)
	f.Tags = append(p.frame.Tags[:0], f.Tags...)
	p.frame = f
}

// Pop removes and returns a PADO that is due.
func (d *DelayedPADOs) Pop(now time.Time) (f wire.DiscoveryFrame, ok bool) {
	if d.full() {
		now = d.due.Next()
	}
	p, ok := d.due.Pop(now)
	if !ok {
		return f, false
	}
	delete(d.queued, p.key)
	d.octets -= len(p.frame.Tags)
	return p.frame, true
}

// Next returns when a PADO is due; zero: there is none.
func (d *DelayedPADOs) Next() time.Time { return d.due.Next() }

// full reports whether the first PADO is due early.
func (d *DelayedPADOs) full() bool { return d.due.Len() > maxDelayed || d.octets > maxDelayedOctets }

// padoKey identifies the client of a PADO, as Request.Key does that of a PADR: several clients may
// have one Ethernet address.
func padoKey(f wire.DiscoveryFrame) RequestKey {
	b := f.VLAN.Append(f.Dst[:], 0)
	return newRequestKey(wire.Tags(b).Echo(f.Tags, wire.TagHostUniq, wire.TagRelaySessionID))
}
