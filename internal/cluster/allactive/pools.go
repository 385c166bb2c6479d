package allactive

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// poolState is a pool, and which of its blocks this machine has.
type poolState struct {
	Pool
	space   blockSpace
	own     map[netip.Prefix]int // how much of each can be assigned
	cursor  uint64               // index of the block that is tried next
	full    Time                 // until when no other block is looked for
	said    bool                 // that there is none
	surplus Time                 // since when there are more blocks than are needed; 0: there are not
	used    uint64               // at the last look
	useless map[netip.Prefix]bool
}

// setPools makes the pools: those that were there keep their blocks.
func (m *Member) setPools(pools []Pool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pools = nil
	for _, p := range pools {
		state := &poolState{Pool: p, space: newBlockSpace(p.Ranges, BlockBits(p.Bits, m.cfg.BlockSize)), own: make(map[netip.Prefix]int), useless: make(map[netip.Prefix]bool), full: longAgo}
		if state.space.n > 0 {
			h := fnv.New64a() // machines begin at different places
			h.Write([]byte(m.cfg.Name))
			state.cursor = h.Sum64() % state.space.n
		}
		m.pools = append(m.pools, state)
	}
}

// poolOf returns the pool that has a block; nil: none. m.mu is held.
func (m *Member) poolOf(block netip.Prefix) *poolState {
	for _, p := range m.pools {
		if p.space.bits == block.Bits() && p.space.has(block) {
			return p
		}
	}
	return nil
}

// provide lets sessions have what is in a block that this machine has.
func (m *Member) provide(block netip.Prefix) {
	m.mu.Lock()
	p := m.poolOf(block)
	m.mu.Unlock()
	if p == nil || p.Addresses == nil {
		return
	}
	usable := p.Provide(block)
	m.mu.Lock()
	defer m.mu.Unlock()
	p.own[block] = usable
	if usable == 0 {
		p.useless[block] = true
	}
}

// forget takes a block back that this machine does not have any more.
func (m *Member) forget(block netip.Prefix) {
	m.mu.Lock()
	p := m.poolOf(block)
	if p != nil {
		delete(p.own, block)
	}
	m.mu.Unlock()
	if p != nil && p.Addresses != nil {
		p.Withdraw(block, true)
	}
}

// balance leases blocks where few addresses are free, and returns some where many are.
func (m *Member) balance(ctx context.Context) {
	m.mu.Lock()
	pools, serves := m.pools, m.sessions != nil
	m.mu.Unlock()
	may := m.mayLease(ctx)
	if !serves {
		return
	}
	for _, p := range pools {
		m.balancePool(ctx, p, may)
	}
}

// maxAtOnce is how many blocks are leased or returned at once.
const maxAtOnce = 16

func (m *Member) balancePool(ctx context.Context, p *poolState, mayLease bool) {
	used, free := p.Usage()
	size := uint64(m.cfg.BlockSize)
	growth := uint64(0)
	if used > p.used {
		growth = used - p.used
	}
	p.used = used
	// What a second takes as it goes now, and an eighth of what is used, so that it lasts while etcd is away.
	want := max(uint64(m.cfg.Spare)*size, used/8, growth*uint64(time.Second/m.cfg.Timing.Tick))
	now := m.cfg.Now()
	m.mu.Lock()
	full := now < p.full
	m.mu.Unlock()
	switch {
	case free < want && (full || !mayLease):
	case free < want:
		m.leaseBlocks(ctx, p, int(min((want-free+size-1)/size, maxAtOnce)))
		p.surplus = 0
	case free < 2*want+size:
		p.surplus = 0
	case p.surplus == 0:
		p.surplus = now
	case now-p.surplus >= m.cfg.Timing.Idle:
		m.returnBlocks(ctx, p, int(min((free-2*want)/size, maxAtOnce)))
	}
}

// leaseBlocks leases some blocks that nobody has.
func (m *Member) leaseBlocks(ctx context.Context, p *poolState, n int) {
	chosen := m.choose(p, n)
	m.mu.Lock()
	if p.said = len(chosen) == 0; p.said {
		p.full = m.cfg.Now() + fullPause
	}
	m.problem("", string(p.Kind)+" "+p.Name, p.said, fmt.Sprintf("pool %s: all its blocks are leased; %d are this machine's", p.Name, len(p.own)))
	var all []Txn
	for _, block := range chosen {
		key := blockOf(block)
		m.leasing[key] = true
		all = append(all, Txn{If: []Cond{{Key: key, Absent: true}}, Put: []Pair{{Key: key, Value: m.self(), Lease: m.hold.id}}})
	}
	m.mu.Unlock()
	results, err := m.commitAll(ctx, all)
	var mine []netip.Prefix
	m.mu.Lock()
	for i, block := range chosen {
		key := blockOf(block)
		delete(m.leasing, key)
		switch {
		case err != nil:
			m.doubt = true
		case results[i].Done:
			p.own[block], m.taken[key] = 0, m.self()
			mine = append(mine, block)
		case len(results[i].Found) > 0:
			m.taken[key] = results[i].Found[0].Value
		}
	}
	m.mu.Unlock()
	if len(mine) > 0 {
		m.keep()
	}
	for _, block := range mine {
		m.provide(block)
	}
}

// fullPause is how long no block of a pool is looked for after none was found, unless one becomes free.
const fullPause = 5 * time.Second

// commitAll executes transactions of different keys as one write.
func (m *Member) commitAll(ctx context.Context, all []Txn) ([]Result, error) {
	if len(all) == 0 {
		return nil, nil
	}
	return m.commit(ctx, all)
}

// choose chooses blocks that nobody has, as far as is known.
func (m *Member) choose(p *poolState, n int) (chosen []netip.Prefix) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for tried := uint64(0); tried < p.space.n && len(chosen) < n; tried++ {
		block := p.space.at(p.cursor)
		p.cursor = (p.cursor + 1) % p.space.n
		key := blockOf(block)
		if _, own := p.own[block]; own || p.useless[block] || m.leasing[key] || m.taken[key] != "" {
			continue
		}
		chosen = append(chosen, block)
	}
	return chosen
}

// returnBlocks returns blocks of which no session has anything, unless the next program could take them for its own.
func (m *Member) returnBlocks(ctx context.Context, p *poolState, n int) {
	m.mu.Lock()
	all := slices.Collect(maps.Keys(p.own))
	m.mu.Unlock()
	var keys []string
	var withdrawn []netip.Prefix
	for _, block := range all {
		if len(keys) < n && p.Withdraw(block, false) {
			m.mu.Lock()
			delete(p.own, block)
			m.mu.Unlock()
			keys, withdrawn = append(keys, blockOf(block)), append(withdrawn, block)
		}
	}
	if len(keys) > 0 && m.keep() != nil {
		for _, block := range withdrawn {
			m.provide(block)
		}
		return
	}
	if err := m.deleteKeys(ctx, keys); err != nil {
		m.setDoubt()
	}
}

// resetTaken is called with all blocks in etcd, and takenChanged with changes.
func (m *Member) resetTaken(all []Pair) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken = make(map[string]string, len(all))
	for _, p := range all {
		m.taken[p.Key] = p.Value
	}
}

func (m *Member) takenChanged(p Pair, deleted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !deleted {
		m.taken[p.Key] = p.Value
		return
	}
	delete(m.taken, p.Key)
	if block, ok := parseBlock(p.Key); ok {
		if of := m.poolOf(block); of != nil {
			of.full = longAgo
		}
	}
	if m.ownsKey(p.Key) && !m.leasing[p.Key] {
		m.doubt = true
		m.wake()
	}
}

// ownsKey is owns of a key. m.mu is held.
func (m *Member) ownsKey(key string) bool {
	block, ok := parseBlock(key)
	return ok && m.owns(block)
}

// leaseFixed leases the block of a pool that something is in that a session is to have, if nobody has it. The
// error says that another machine has.
func (m *Member) leaseFixed(ctx context.Context, fixed netip.Prefix) (inPool bool, err error) {
	m.mu.Lock()
	var p *poolState
	for _, one := range m.pools {
		if one.space.overlaps(fixed) {
			p = one
		}
	}
	if p == nil {
		m.mu.Unlock()
		return false, nil
	}
	block := p.space.block(fixed.Addr())
	_, own := p.own[block]
	connected := m.connected()
	owner := m.taken[blockOf(block)]
	m.mu.Unlock()
	inUse := fmt.Errorf("%v is in %v of pool %s, which machine %s has: exclude it from the pool on all machines", fixed, block, p.Name, machineOf(owner))
	switch {
	case fixed.Bits() < block.Bits():
		return true, fmt.Errorf("%v has several blocks of pool %s: exclude it from the pool on all machines", fixed, p.Name)
	case own:
		return true, nil
	case !connected:
		return true, fmt.Errorf("%v is in %v of pool %s: %w", fixed, block, p.Name, ErrAway)
	case owner != "" && owner != m.self():
		return true, inUse
	case !m.mayLease(ctx):
		return true, fmt.Errorf("%v is in %v of pool %s, which a machine that has not started may have", fixed, block, p.Name)
	}
	return true, m.leaseOne(ctx, p, block, inUse)
}

// leaseOne leases a block; inUse is the error if another machine has it.
func (m *Member) leaseOne(ctx context.Context, p *poolState, block netip.Prefix, inUse error) error {
	key := blockOf(block)
	m.mu.Lock()
	m.leasing[key] = true
	m.mu.Unlock()
	is, err := m.leaseOwn(ctx, block)
	m.mu.Lock()
	delete(m.leasing, key)
	switch {
	case err != nil:
		m.doubt = true
	case is:
		p.own[block] = 0
	}
	m.mu.Unlock()
	switch {
	case err != nil:
		return err
	case !is:
		return inUse
	}
	m.keep()
	m.provide(block)
	return nil
}

// prefixOf returns the prefix of a range that is one.
func prefixOf(r Range) netip.Prefix {
	for bits := 0; bits <= r.First.BitLen(); bits++ {
		if p := netip.PrefixFrom(r.First, bits); p == p.Masked() && RangeOf(p).Last == r.Last {
			return p
		}
	}
	return netip.PrefixFrom(r.First, r.First.BitLen())
}

func overlaps(text string, p netip.Prefix) bool {
	other, err := netip.ParsePrefix(text)
	return err == nil && other.Overlaps(p)
}

// problem logs something of another machine, or of a pool, once, and forgets it when it is over. m.mu is held.
func (m *Member) problem(machine, what string, is bool, text string) {
	key := strings.TrimSpace(machine + " " + what)
	if m.problems[key] == "" && is {
		m.cfg.Log.Warn("cluster: " + text)
	}
	if is {
		m.problems[key] = text
	} else {
		delete(m.problems, key)
	}
}
