package pppoe

import "sync"

// drops counts dropped packets by reason. Reasons are sentinel errors, so that packets cannot make
// the table grow.
type drops struct {
	mu sync.Mutex
	by map[error]uint64
}

// count counts a packet, unless reason is nil.
func (d *drops) count(reason error) {
	if reason == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by == nil {
		d.by = make(map[error]uint64)
	}
	d.by[reason]++
}

// read returns a copy of the counters.
func (d *drops) read() map[error]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	by := make(map[error]uint64, len(d.by))
	for reason, n := range d.by {
		by[reason] = n
	}
	return by
}
