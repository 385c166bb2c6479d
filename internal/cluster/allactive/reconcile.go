package allactive

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// reconcile compares the keys of this machine's lease with what it has. Blocks that etcd does not have are leased
// again, and their sessions end if another machine has them; keys of what this machine does not have are deleted.
func (m *Member) reconcile(ctx context.Context) error {
	m.mu.Lock()
	hold, first := m.hold.id, m.sessions == nil
	m.doubt = false // what fails from now on is found by the next one
	m.mu.Unlock()
	var keys []string
	err := m.request(ctx, func(ctx context.Context) (err error) {
		keys, err = m.cfg.Store.Attached(ctx, hold)
		return err
	})
	if err != nil {
		m.setDoubt()
		return err
	}
	has := make(map[string]bool, len(keys))
	for _, key := range keys {
		has[key] = true
	}
	if first {
		m.takeKeys(keys)
	}
	m.claimAgain(has)
	lost, err := m.leaseAgain(ctx, has)
	if err == nil {
		m.lose(lost)
		err = m.deleteUnknown(ctx, keys)
	}
	if err != nil {
		m.setDoubt()
	}
	return err
}

func (m *Member) setDoubt() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.doubt = true
}

// takeKeys gives this machine the blocks among keys of its earlier program.
func (m *Member) takeKeys(keys []string) {
	var blocks []netip.Prefix
	for _, key := range keys {
		if block, ok := parseBlock(key); ok {
			blocks = append(blocks, block)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.takeLeft(blocks)
}

// deleteUnknown deletes keys that this machine has no use for.
func (m *Member) deleteUnknown(ctx context.Context, keys []string) error {
	var unknown []string
	m.mu.Lock()
	for _, key := range keys {
		if m.isUnknown(key) {
			unknown = append(unknown, key)
		}
	}
	m.mu.Unlock()
	for chunk := range slices.Chunk(unknown, maxTxns) {
		if err := m.deleteKeys(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// isUnknown reports whether a key is one of a block or a claim that this machine does not have. m.mu is held.
func (m *Member) isUnknown(key string) bool {
	if block, ok := parseBlock(key); ok {
		return !m.owns(block) && !m.leasing[key]
	}
	return isClaim(key) && m.settled && !m.claims.has(key)
}

// deleteKeys deletes keys of this machine as they are now: not what it writes later.
func (m *Member) deleteKeys(ctx context.Context, keys []string) error {
	var look []Txn
	for _, key := range keys {
		look = append(look, Txn{If: []Cond{{Key: key, Absent: true}}})
	}
	results, err := m.commitAll(ctx, look)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range results {
		if len(r.Found) > 0 && machineOf(r.Found[0].Value) == m.cfg.Name && m.isUnknown(r.Found[0].Key) {
			m.deleteAt(r.Found[0].Key, r.Found[0].Revision)
		}
	}
	return nil
}

// deleteAt deletes a key that was written at a revision. If that fails, reconcile does it.
func (m *Member) deleteAt(key string, revision int64) {
	m.batch.add(m.running, Txn{If: []Cond{{Key: key, Revision: revision}}, Delete: []string{key}}, false, func(Result, error) {})
}

// owns reports whether a block is this machine's. m.mu is held.
func (m *Member) owns(block netip.Prefix) bool {
	p := m.poolOf(block)
	if p == nil {
		return false
	}
	_, is := p.own[block]
	return is
}

// leaseAgain leases this machine's blocks that etcd does not have as its own, and returns those that others have.
func (m *Member) leaseAgain(ctx context.Context, has map[string]bool) (lost []netip.Prefix, err error) {
	m.mu.Lock()
	var missing []netip.Prefix
	for _, p := range m.pools {
		for block := range p.own {
			if !has[blockOf(block)] {
				missing = append(missing, block)
			}
		}
	}
	m.mu.Unlock()
	for _, block := range missing {
		is, err := m.leaseOwn(ctx, block)
		if err != nil {
			return nil, err
		}
		if !is {
			lost = append(lost, block)
		}
	}
	return lost, nil
}

// leaseOwn leases a block; one that this machine has under an earlier lease, too.
func (m *Member) leaseOwn(ctx context.Context, block netip.Prefix) (is bool, err error) {
	key := blockOf(block)
	m.mu.Lock()
	put := Pair{Key: key, Value: m.self(), Lease: m.hold.id}
	m.mu.Unlock()
	r, err := m.one(ctx, Txn{If: []Cond{{Key: key, Absent: true}}, Put: []Pair{put}})
	if err == nil && !r.Done && len(r.Found) > 0 && r.Found[0].Value == put.Value {
		r, err = m.one(ctx, Txn{If: []Cond{{Key: key, Value: put.Value}}, Put: []Pair{put}})
	}
	return r.Done, err
}

// lose ends the sessions of blocks that others have.
func (m *Member) lose(lost []netip.Prefix) {
	if len(lost) == 0 {
		return
	}
	m.cfg.Log.Error(fmt.Sprintf("cluster: %d blocks are another machine's, as %s: sessions with their addresses end", len(lost), strings.Trim(fmt.Sprint(lost), "[]")))
	m.mu.Lock()
	sessions := m.sessions
	m.mu.Unlock()
	if sessions != nil {
		sessions.EndIn(lost, "another machine has the IP address")
	}
	for _, block := range lost {
		m.forget(block)
	}
	m.keep()
}
