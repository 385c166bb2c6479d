package allactive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Status is the state of a Member.
type Status struct {
	Machine   string
	Machines  []MachineStatus
	Connected bool // etcd answers, and has what this machine has
	Err       error
	Left      time.Duration // until the sessions end, if etcd does not answer
	Refused   error         // why no session can begin; nil: they can
	Pools     []PoolStatus
	Claims    int    // of sessions of this machine
	Pending   int    // those that etcd does not have yet
	Writes    uint64 // to etcd, and the transactions in them
	Txns      uint64
	Problems  []string
}

// MachineStatus is what is known of a machine.
type MachineStatus struct {
	Name   string
	Alive  bool
	Blocks int
}

// PoolStatus is how much of a pool is leased.
type PoolStatus struct {
	Name          string
	Kind          Kind
	Blocks        uint64 // all
	Leased, Own   uint64 // by any machine, and by this one
	Used, Free    uint64 // of what this machine has
	BlockSize     int
	IsOutOfBlocks bool
}

// Status returns the state.
func (m *Member) Status() Status {
	m.mu.Lock()
	s := Status{
		Machine: m.cfg.Name, Connected: m.connected(), Err: m.err, Left: m.deadline() - m.cfg.Timing.Guard - m.cfg.Now(), Refused: m.refused,
		Claims: len(m.claims.keys), Pending: len(m.claims.pending), Machines: m.machineStatus(),
	}
	for _, key := range slices.Sorted(maps.Keys(m.problems)) {
		s.Problems = append(s.Problems, m.problems[key])
	}
	pools := m.pools
	for _, p := range pools {
		s.Pools = append(s.Pools, m.poolStatus(p))
	}
	serves := m.sessions != nil
	m.mu.Unlock()
	for i, p := range pools {
		if serves {
			s.Pools[i].Used, s.Pools[i].Free = p.Usage()
		}
	}
	s.Writes, s.Txns = m.batch.counts()
	return s
}

// machineStatus describes all machines. m.mu is held.
func (m *Member) machineStatus() (all []MachineStatus) {
	blocks := make(map[string]int)
	for _, owner := range m.taken {
		blocks[machineOf(owner)]++
	}
	names := slices.Clone(m.cfg.Machines)
	for name := range m.machines {
		names = append(names, name)
	}
	for name := range blocks {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		_, alive := m.machines[name]
		all = append(all, MachineStatus{name, alive, blocks[name]})
	}
	return all
}

// poolStatus describes a pool. m.mu is held.
func (m *Member) poolStatus(p *poolState) PoolStatus {
	s := PoolStatus{Name: p.Name, Kind: p.Kind, Blocks: p.space.n, Own: uint64(len(p.own)), BlockSize: m.cfg.BlockSize, IsOutOfBlocks: p.said}
	for key := range m.taken {
		if block, ok := parseBlock(key); ok && block.Bits() == p.space.bits && p.space.has(block) {
			s.Leased++
		}
	}
	return s
}

// resetMachines is called with all machines that are alive, and machineChanged with changes.
func (m *Member) resetMachines(all []Pair) {
	m.mu.Lock()
	m.machines = make(map[string]liveValue)
	m.mu.Unlock()
	for _, p := range all {
		m.machineChanged(p, false)
	}
}

func (m *Member) machineChanged(p Pair, deleted bool) {
	name := strings.TrimPrefix(p.Key, liveKey)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, was := m.machines[name]
	if deleted {
		delete(m.machines, name)
		if was && name != m.cfg.Name {
			m.cfg.Log.Warn(fmt.Sprintf("cluster: machine %s is not alive: its clients can log in here", name))
		}
		return
	}
	var v liveValue
	if json.Unmarshal([]byte(p.Value), &v) != nil {
		return
	}
	m.machines[name] = v
	if !was && name != m.cfg.Name {
		m.cfg.Log.Info(fmt.Sprintf("cluster: machine %s is alive", name))
	}
	m.compare(name, v)
}

// compare says what of another machine's configuration differs from this one's. m.mu is held.
func (m *Member) compare(name string, v liveValue) {
	if name == m.cfg.Name {
		return
	}
	own := slices.Sorted(slices.Values(m.cfg.Machines))
	m.problem(name, "machines", !slices.Equal(own, v.Machines), fmt.Sprintf("machine %s has machines = %q, and this one %q", name, v.Machines, own))
	for _, p := range m.pools {
		key := string(p.Kind) + " " + p.Name
		text, has := v.Pools[key]
		switch {
		case !has:
			text = "machine " + name + " has no such pool"
		case text != p.Text:
			text = "machine " + name + " has " + text
		}
		m.problem(name, key, !has || v.Pools[key] != p.Text, fmt.Sprintf("pool %s (%s) is %s, and %s", p.Name, p.Kind, p.Text, text))
	}
}

// Errors of Free.
var (
	ErrAlive   = errors.New("it is alive")
	ErrUnknown = errors.New("it has nothing")
)

// Free makes the blocks and claims of another machine free, which must be off or cut off from all clients:
// otherwise addresses are given twice. It returns how many keys that were.
func (m *Member) Free(ctx context.Context, name string) (keys int, err error) {
	live, _, err := m.list(ctx, liveKey+name)
	if err != nil {
		return 0, err
	}
	if find(live, liveKey+name) != nil {
		return 0, fmt.Errorf("machine %s: %w: stop its server, which returns them by itself", name, ErrAlive)
	}
	holds, _, err := m.list(ctx, holdKey+name+"/")
	if err != nil {
		return 0, err
	}
	for _, p := range holds {
		id, err := strconv.ParseInt(p.Value, 10, 64)
		if err != nil {
			continue
		}
		n, err := m.freeLease(ctx, LeaseID(id))
		keys += n
		if err != nil {
			return keys, err
		}
	}
	m.mu.Lock()
	joined := joinedKey + m.identity + "/" + name
	known := slices.Contains(m.cfg.Machines, name)
	m.mu.Unlock()
	if known {
		_, err = m.one(ctx, Txn{If: []Cond{{Key: joined, Absent: true}}, Put: []Pair{{Key: joined, Value: "freed"}}})
	} else if len(holds) == 0 {
		err = fmt.Errorf("machine %s: %w, and is not in machines", name, ErrUnknown)
	}
	return keys, err
}

func (m *Member) freeLease(ctx context.Context, id LeaseID) (keys int, err error) {
	all, err := m.cfg.Store.Attached(ctx, id)
	if err == nil {
		err = m.cfg.Store.Revoke(ctx, id)
	}
	if errors.Is(err, ErrNoLease) {
		err = nil
	}
	return len(all), err
}

// Leave returns all that this machine has, whose sessions have ended. Run must have ended. What cannot be kept from the
// next program is not returned.
func (m *Member) Leave(ctx context.Context) error {
	m.mu.Lock()
	m.left = true
	m.mu.Unlock()
	if err := m.keep(); err != nil {
		return err
	}
	m.mu.Lock()
	leases := []LeaseID{m.live.id, m.hold.id}
	m.mu.Unlock()
	var all error
	for _, id := range leases {
		if err := m.cfg.Store.Revoke(ctx, id); err != nil && !errors.Is(err, ErrNoLease) {
			all = errors.Join(all, err)
		}
	}
	return all
}
