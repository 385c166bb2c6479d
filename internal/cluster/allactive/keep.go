package allactive

import (
	"fmt"
	"net/netip"
	"time"
)

// Kept is what a program leaves to the next one of its machine: which blocks it has, and until when etcd has said
// so. It is valid within one boot, and for one identity of the machine.
type Kept struct {
	Deadline Time           `json:"deadline_ns"` // see Config.Fence
	Lease    LeaseID        `json:"lease"`       // of the blocks
	Identity string         `json:"identity"`    // of the data in etcd
	Revision int64          `json:"revision"`    // of etcd
	Blocks   []netip.Prefix `json:"blocks"`
}

// IsUsable reports whether sessions may go on by it, without etcd: not if they would end at once.
func (k *Kept) IsUsable(now Time, t Timing) bool {
	return k != nil && now < k.Deadline-t.Guard
}

// inherit gives this machine the blocks of its earlier program, until the deadline of that.
func (m *Member) inherit(k *Kept) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hold = lease{id: k.Lease, began: k.Deadline - m.cfg.Timing.Hold + m.cfg.Timing.Guard}
	m.identity, m.since, m.revision = k.Identity, m.cfg.Now(), k.Revision
	m.takeLeft(k.Blocks)
	m.cfg.Fence(m.deadline())
}

// takeLeft gives this machine blocks of its earlier program. m.mu is held.
func (m *Member) takeLeft(blocks []netip.Prefix) {
	for _, block := range blocks {
		if p := m.poolOf(block); p != nil {
			p.own[block] = 0
		}
	}
}

// keep keeps what the next program goes on with. A block must be kept before a session has something of it, and kept no
// more before it is returned.
func (m *Member) keep() error {
	if m.cfg.Keep == nil {
		return nil
	}
	m.keeping.Lock() // the newest is kept last
	defer m.keeping.Unlock()
	m.mu.Lock()
	k := m.kept()
	m.mu.Unlock()
	err := m.cfg.Keep(k)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil && m.keepErr == nil {
		m.cfg.Log.Warn(fmt.Sprintf("cluster: if this program starts again while etcd is away, it waits for etcd: %v", err))
	}
	m.keepErr, m.keptUntil = err, k.Deadline
	return err
}

// kept returns what the next program goes on with. m.mu is held.
func (m *Member) kept() (k Kept) {
	if m.expired || m.left || m.hold.id == 0 {
		return k
	}
	for _, p := range m.pools {
		for block := range p.own {
			k.Blocks = append(k.Blocks, block)
		}
	}
	k.Deadline, k.Lease, k.Identity, k.Revision = m.deadline(), m.hold.id, m.identity, m.revision
	return k
}

// keepAgain keeps the deadline if the one that was kept is much earlier.
func (m *Member) keepAgain() {
	m.mu.Lock()
	due := m.deadline()-m.keptUntil >= max(m.cfg.Timing.Hold/keptSteps, time.Second)
	m.mu.Unlock()
	if due {
		m.keep()
	}
}

// keptSteps is how many times in the course of Timing.Hold a deadline is kept.
const keptSteps = 60
