package pppoe

import "sync"

// drops counts what was dropped, by the reason. The reasons are the package's own
// sentinels, so that a stranger's packets cannot make the table grow.
type drops struct {
	mu sync.Mutex
	by map[error]uint64
}

// count counts one; nil is none.
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

// read returns a copy.
func (d *drops) read() map[error]uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	by := make(map[error]uint64, len(d.by))
	for reason, n := range d.by {
		by[reason] = n
	}
	return by
}
