package allactive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// testbed is a cluster of machines with servers in memory.
type testbed struct {
	t      testing.TB
	etcd   *memory
	start  time.Time
	names  []string
	change func(*Config)
	pools  []Pool
	log    *slog.Logger

	mu       sync.Mutex
	machines map[string]*machine // those that run
	users    map[netip.Addr]*user
	given    int // addresses
	kept     map[string]*Kept
	full     bool // nothing can be kept
}

// user is who has an address: a session, whose machine sends its packets until then.
type user struct {
	machine *machine
	session uint64
	until   Time // the deadline of a machine that was killed; 0: it runs
}

func newTestbed(t testing.TB, names ...string) *testbed {
	b := &testbed{t: t, etcd: newMemory(), start: time.Now(), names: names, machines: map[string]*machine{}, users: map[netip.Addr]*user{}, kept: map[string]*Kept{}, log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if testing.Verbose() {
		b.log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	b.setPool("192.0.2.0", "192.0.2.255")
	return b
}

func (b *testbed) setPool(first, last string) {
	b.pools = []Pool{{Name: "gold", Kind: IPv4, Bits: 32, Text: first + "-" + last, Ranges: []Range{{netip.MustParseAddr(first), netip.MustParseAddr(last)}}}}
}

func (b *testbed) now() Time { return time.Since(b.start) }

// machine is one of them.
type machine struct {
	*testbed
	name   string
	client *memoryClient
	member *Member
	stop   context.CancelFunc
	ended  chan error

	mu       sync.Mutex
	fence    atomic.Int64 // Config.Fence was called with it last
	blocks   map[netip.Prefix]bool
	sessions map[uint64]session
	next     uint64
	refused  error
	dead     bool
}

// session is a session of a machine.
type session struct {
	addr netip.Addr
	want Want
}

var testTiming = Timing{
	Hold: 60 * time.Second, Guard: 6 * time.Second, Live: 3 * time.Second, Tick: 100 * time.Millisecond, Timeout: time.Second,
	Away: 1500 * time.Millisecond, Claim: 6 * time.Second, Idle: 20 * time.Second,
}

func (b *testbed) config(name string) Config {
	c := Config{Name: name, ID: "id-" + name, Machines: b.names, BlockSize: 8, Spare: 2, Timing: testTiming, Now: b.now, Log: b.log.With("machine", name)}
	c.Keep = func(k Kept) error { return b.keep(name, k) }
	b.mu.Lock()
	c.Kept = b.kept[name]
	b.mu.Unlock()
	if b.change != nil {
		b.change(&c)
	}
	return c
}

// keep keeps what the next program of a machine goes on with.
func (b *testbed) keep(name string, k Kept) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full {
		return errors.New("the disk is full")
	}
	b.kept[name] = &k
	return nil
}

// run starts a machine, with the sessions of an earlier program that it adopts.
func (b *testbed) run(name string, adopt map[uint64]session) *machine {
	b.t.Helper()
	m, err := b.tryRun(context.Background(), name, adopt)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *testbed) tryRun(ctx context.Context, name string, adopt map[uint64]session) (*machine, error) {
	m := &machine{testbed: b, name: name, client: &memoryClient{memory: b.etcd}, blocks: map[netip.Prefix]bool{}, sessions: map[uint64]session{}, ended: make(chan error, 1)}
	cfg := b.config(name)
	if cfg.Store == nil {
		cfg.Store = m.client
	}
	cfg.Fence = func(at Time) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.fence.Store(int64(at))
	}
	var err error
	if m.member, err = Join(ctx, cfg, b.pools); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.Background())
	m.stop = stop
	m.member.Serve(m, func(Pool) Addresses { return m })
	b.mu.Lock()
	b.machines[name] = m
	b.mu.Unlock()
	m.adopt(adopt)
	go func() { m.ended <- m.member.Run(running) }()
	return m, nil
}

// adopt continues sessions whose addresses are of the machine's blocks.
func (m *machine) adopt(all map[uint64]session) {
	for id, s := range all {
		m.mu.Lock()
		m.next = max(m.next, id)
		own := m.blocks[netip.PrefixFrom(s.addr, 29).Masked()]
		if own {
			m.sessions[id] = s
			m.use(id, s.addr)
		}
		m.mu.Unlock()
		if own {
			m.member.Adopt(id, s.want)
		}
	}
	m.member.Settled()
}

// use notes that a session has an address: nobody else may have it.
func (m *machine) use(id uint64, a netip.Addr) {
	m.testbed.mu.Lock()
	defer m.testbed.mu.Unlock()
	if u := m.users[a]; u != nil && (u.until == 0 || m.now() < u.until) && (u.machine.name != m.name || u.until == 0) {
		m.t.Errorf("%v: %v is given to session %d of %s, and session %d of %s has it", m.now(), a, id, m.name, u.session, u.machine.name)
	}
	m.users[a] = &user{machine: m, session: id}
	m.given++
}

func (m *machine) free(a netip.Addr) {
	m.testbed.mu.Lock()
	defer m.testbed.mu.Unlock()
	if u := m.users[a]; u != nil && u.machine == m {
		delete(m.users, a)
	}
}

// dial begins a session; the error is why it may not.
func (m *machine) dial(w Want) (id uint64, err error) {
	m.mu.Lock()
	if m.refused != nil {
		defer m.mu.Unlock()
		return 0, m.refused
	}
	m.next++
	id = m.next
	m.sessions[id] = session{}
	m.mu.Unlock()
	m.member.Begin(id)
	if err := m.member.Claim(context.Background(), id, w); err != nil {
		m.End(id, "")
		return 0, err
	}
	m.mu.Lock()
	if _, is := m.sessions[id]; !is || m.dead {
		m.mu.Unlock()
		return 0, ErrEnded
	}
	a := m.freeAddress()
	if !a.IsValid() {
		m.mu.Unlock()
		m.End(id, "")
		return 0, fmt.Errorf("pool exhausted")
	}
	m.sessions[id] = session{a, w}
	m.use(id, a)
	older := m.olderOf(id, w)
	m.mu.Unlock()
	for _, o := range older { // as the server does
		m.End(o, "user has logged in again")
	}
	return id, nil
}

// olderOf returns the sessions that a server ends for a new one.
func (m *machine) olderOf(id uint64, w Want) (older []uint64) {
	if w.Limit == 1 && w.User != "" {
		for other, s := range m.sessions {
			if other != id && s.want.User == w.User {
				older = append(older, other)
			}
		}
	}
	return older
}

func (m *machine) freeAddress() netip.Addr {
	used := map[netip.Addr]bool{}
	for _, s := range m.sessions {
		used[s.addr] = true
	}
	for _, block := range slices.SortedFunc(maps.Keys(m.blocks), func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) }) {
		for a := block.Addr(); block.Contains(a); a = a.Next() {
			if !used[a] {
				return a
			}
		}
	}
	return netip.Addr{}
}

// kill ends a program without a word, and returns its sessions.
func (m *machine) kill() map[uint64]session {
	m.stop()
	<-m.ended
	m.mu.Lock()
	defer m.mu.Unlock()
	m.testbed.mu.Lock()
	defer m.testbed.mu.Unlock()
	delete(m.machines, m.name)
	for _, u := range m.users {
		if u.machine == m {
			u.until = m.fencedAt()
		}
	}
	m.dead = true
	maps.DeleteFunc(m.sessions, func(_ uint64, s session) bool { return !s.addr.IsValid() })
	return maps.Clone(m.sessions)
}

// Sessions and Addresses of the machine's server.

func (m *machine) End(id uint64, why string) {
	m.mu.Lock()
	s, is := m.sessions[id]
	delete(m.sessions, id)
	if is {
		m.free(s.addr)
	}
	m.mu.Unlock()
	if is {
		m.member.Ended(id)
	}
}

func (m *machine) Check(uint64) {}

func (m *machine) EndIn(blocks []netip.Prefix, why string) {
	m.endIf(func(s session) bool {
		return slices.ContainsFunc(blocks, func(b netip.Prefix) bool { return b.Contains(s.addr) })
	})
}

func (m *machine) EndAll(string) { m.endIf(func(session) bool { return true }) }

func (m *machine) endIf(is func(session) bool) {
	m.mu.Lock()
	var all []uint64
	for id, s := range m.sessions {
		if is(s) {
			all = append(all, id)
		}
	}
	m.mu.Unlock()
	for _, id := range all {
		m.End(id, "")
	}
}

func (m *machine) Refuse(why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused = why
}

// admits reports whether sessions may begin.
func (m *machine) admits() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.refused == nil
}

func (m *machine) Provide(block netip.Prefix) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blocks[block] = true
	return 8
}

func (m *machine) Withdraw(block netip.Prefix, force bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sessions {
		if block.Contains(s.addr) && !force {
			return false
		}
	}
	delete(m.blocks, block)
	return true
}

// fencedAt returns until when the machine may send.
func (m *machine) fencedAt() Time { return Time(m.fence.Load()) }

func (m *machine) blockCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.blocks)
}

func (m *machine) Usage() (used, free uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sessions {
		if s.addr.IsValid() {
			used++
		}
	}
	return used, uint64(len(m.blocks)*8) - used
}

func (m *machine) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.sessions)
}

func (m *machine) has(id uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, is := m.sessions[id]
	return is
}

func (m *machine) cut(is bool) {
	m.etcd.mu.Lock()
	defer m.etcd.mu.Unlock()
	m.client.cut = is
}

// stopAll ends all machines, at the end of a test.
func (b *testbed) stopAll() {
	b.mu.Lock()
	all := slices.Collect(maps.Values(b.machines))
	b.mu.Unlock()
	for _, m := range all {
		m.stop()
		<-m.ended
	}
}

// keys returns the keys in etcd that begin with a prefix, and their values.
func (b *testbed) keys(prefix string) map[string]string {
	all, _, _ := (&memoryClient{memory: b.etcd}).List(context.Background(), prefix)
	found := map[string]string{}
	for _, p := range all {
		found[p.Key] = p.Value
	}
	return found
}
