package cluster

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"upppoe/internal/state/etcdstore"
	"upppoe/internal/state/etcdstore/etcdtest"
)

const testPrefix = "/upppoe/test/"

// memorySegment is a Segment of two machines in memory.
type memorySegment struct {
	in, out chan []byte
	closed  chan struct{}
	once    sync.Once
}

func newMemorySegments() (a, b *memorySegment) {
	x, y := make(chan []byte, 100), make(chan []byte, 100)
	return &memorySegment{in: x, out: y, closed: make(chan struct{})}, &memorySegment{in: y, out: x, closed: make(chan struct{})}
}

func (s *memorySegment) Send(m []byte) error {
	select {
	case s.out <- m:
	default:
	}
	return nil
}

func (s *memorySegment) Receive(b []byte) (int, error) {
	select {
	case m := <-s.in:
		return copy(b, m), nil
	case <-s.closed:
		return 0, net.ErrClosed
	}
}

func (s *memorySegment) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// member is an Elector that runs until the end of the test.
type member struct {
	t testing.TB
	*Elector
	client *clientv3.Client
	ended  chan error
	kill   func() // ends Run, without a word to the others
	mu     sync.Mutex
	fence  Time
	gaps   []time.Duration // for which the fence was closed, once it had been open
}

func join(t testing.TB, client *clientv3.Client, name string, segment Segment, machines ...string) *member {
	t.Helper()
	m := &member{t: t, client: client, ended: make(chan error, 1)}
	e, err := Join(t.Context(), Config{Client: client, Prefix: testPrefix, Name: name, Machines: machines, Segment: segment, Fence: m.setFence, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	m.Elector = e
	e.SetUsable(1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	// Ends with the test.
	go func() { m.ended <- e.Run(ctx); close(done) }()
	m.kill = func() { cancel(); <-done }
	t.Cleanup(m.kill)
	return m
}

func (m *member) setFence(at Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := Now(); m.fence != 0 && m.fence < now && at > now {
		m.gaps = append(m.gaps, now-m.fence)
	}
	m.fence = at
}

// longestGap returns for how long the fence was closed at most, once it had been open.
func (m *member) longestGap() (longest time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, gap := range m.gaps {
		longest = max(longest, gap)
	}
	return longest
}

func (m *member) deadline() Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fence
}

func (m *member) isOpen() bool { return Now() < m.deadline() }

// awaitActive waits until the machine is active.
func (m *member) awaitActive() {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	if _, err := m.Active(ctx); err != nil {
		m.t.Fatal(err)
	}
}

func two(t *testing.T, server *etcdtest.Server) (a, b *member) {
	sa, sb := newMemorySegments()
	a = join(t, server.Dial(), "a", sa, "a", "b")
	a.awaitActive()
	b = join(t, server.Dial(), "b", sb, "b", "a")
	for !a.Status().HasStandby {
		time.Sleep(time.Millisecond)
	}
	return a, b
}

// TestCutOffFromEtcd: the standby begins after the deadline of an active machine that etcd does not hear, and
// what that would write is refused.
func TestCutOffFromEtcd(t *testing.T) {
	t.Parallel() // it mostly waits
	a, b := two(t, etcdtest.Start(t))
	owns := a.IsOwner()
	a.client.Close()
	b.awaitActive()
	if now, deadline := Now(), a.deadline(); now < deadline || deadline == 0 {
		t.Errorf("active %v before the other's deadline", deadline-now)
	}
	s := etcdstore.New(b.client, testPrefix, nil, owns)
	s.Put(1, 1, []byte("late"))
	if err := s.Run(t.Context()); !errors.Is(err, etcdstore.ErrNotOwner) {
		t.Errorf("the former owner writes: %v", err)
	}
}

// TestBothWithoutEtcd: the active machine goes on by the consent of the standby, and keeps the key.
func TestBothWithoutEtcd(t *testing.T) {
	t.Parallel() // it mostly waits
	server := etcdtest.Start(t)
	a, b := two(t, server)
	server.Kill()
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if b.isOpen() {
			t.Fatal("the standby has begun")
		}
	}
	a.await("it goes on by consent", a.isOpen)
	server.Restart()
	a.await("it has renewed its lease", func() bool { return !a.needs() && a.isOpen() })
	if b.isOpen() {
		t.Error("the standby has begun")
	}
	t.Logf("the owner was silent for %v", a.gaps)
}

// await waits until something is so. A machine that has stood still, as on a computer that is busy, is silent for a
// moment.
func (m *member) await(what string, is func() bool) {
	m.t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("not within a minute: %s", what)
		}
	}
}

// needs reports whether the lease was not renewed in time.
func (m *member) needs() bool {
	m.Elector.mu.Lock()
	defer m.Elector.mu.Unlock()
	return m.right.needsConsent(Now())
}

// TestResign: a machine that can serve on fewer interfaces than the standby resigns, and the standby begins
// at once.
func TestResign(t *testing.T) {
	t.Parallel() // it mostly waits
	a, b := two(t, etcdtest.Start(t))
	a.SetUsable(0)
	began := time.Now()
	if err := <-a.ended; !errors.Is(err, ErrResigned) {
		t.Errorf("ended with %v", err)
	}
	if a.isOpen() {
		t.Error("it may send")
	}
	b.awaitActive()
	t.Logf("after %v", time.Since(began))
}

// TestLookForStandby: an active machine finds a standby from the moment on that this one is announced, and within its
// first lease one that was there before. One that is dead it does not find.
func TestLookForStandby(t *testing.T) {
	t.Parallel() // it mostly waits
	server := etcdtest.Start(t)
	machines := []string{"a", "b", "c"}
	a := join(t, server.Dial(), "a", nil, machines...)
	a.awaitActive()
	if a.LookForStandby(t.Context()) {
		t.Error("alone it has found a standby")
	}
	for range 2 { // the second one finds the key of the first
		b := join(t, server.Dial(), "b", nil, machines...)
		b.awaitAnnounced()
		if !a.LookForStandby(t.Context()) {
			t.Error("a standby that is announced is not found")
		}
		b.kill()
		for end := time.Now().Add(time.Minute); a.LookForStandby(t.Context()); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("a dead standby is found")
			}
		}
	}
	stopped := join(t, server.Dial(), "b", nil, machines...)
	stopped.awaitAnnounced()
	stopped.Withdraw(t.Context())
	stopped.kill()
	if a.LookForStandby(t.Context()) {
		t.Error("a machine that has withdrawn is found")
	}
	b, c := join(t, server.Dial(), "b", nil, machines...), join(t, server.Dial(), "c", nil, machines...)
	b.awaitAnnounced()
	c.awaitAnnounced()
	a.Resign(t.Context())
	a.kill()
	winner := b
	select {
	case <-b.active:
	case <-c.active:
		winner = c
	}
	if !winner.LookForStandby(t.Context()) {
		t.Error("a machine that has just become active does not find the other standby")
	}
}

// awaitAnnounced waits until the machine is announced as standby.
func (m *member) awaitAnnounced() {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	if err := m.Announced(ctx); err != nil {
		m.t.Fatal(err)
	}
}

// TestLost: a machine whose key another has ends.
func TestLost(t *testing.T) {
	t.Parallel() // it mostly waits
	a, b := two(t, etcdtest.Start(t))
	next := Owner{Machine: "b", Term: 9, Lease: time.Second}
	if _, err := b.client.Put(t.Context(), testPrefix+ownerKey, next.value()); err != nil {
		t.Fatal(err)
	}
	if err := <-a.ended; !errors.Is(err, ErrLost) || a.isOpen() {
		t.Errorf("ended with %v; it may send: %v", err, a.isOpen())
	}
}

// deleteKeys deletes all keys, and returns the values of those that are written once.
func (m *member) deleteKeys() (before map[string]string) {
	m.t.Helper()
	before = m.lastingKeys()
	if _, err := m.client.Delete(m.t.Context(), testPrefix, clientv3.WithPrefix()); err != nil {
		m.t.Fatal(err)
	}
	return before
}

// lastingKeys returns the values of the keys that are written once, by name.
func (m *member) lastingKeys() map[string]string {
	m.t.Helper()
	found := make(map[string]string)
	for _, name := range []string{machinesKey, secretKey, createdKey} {
		r, err := m.client.Get(m.t.Context(), testPrefix+name)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, kv := range r.Kvs {
			found[name] = string(kv.Value)
		}
	}
	return found
}

// TestKeysDeleted: the owner of keys that somebody deletes writes them again, and goes on; the standby does not
// begin.
func TestKeysDeleted(t *testing.T) {
	t.Parallel() // it mostly waits
	a, b := two(t, etcdtest.Start(t))
	before := b.deleteKeys()
	stood, last := Time(0), Now() // for how long this test, with both machines, has stood still
	for end := Now() + 2*a.cfg.Timing.Lease; last < end; last = Now() {
		time.Sleep(10 * time.Millisecond)
		stood = max(stood, Now()-last)
		if b.isOpen() {
			t.Fatal("the standby may send")
		}
	}
	a.await("the owner may send", a.isOpen)
	if silent := a.longestGap(); silent > stood {
		t.Errorf("the owner was silent for %v", silent)
	}
	if after := b.lastingKeys(); !maps.Equal(after, before) || a.Term() != 1 {
		t.Errorf("the keys are %q in term %d, and were %q", after, a.Term(), before)
	}
}

// TestKeysDeletedWithoutOwner: a standby machine becomes active after somebody has deleted the keys while no machine
// was, and writes them again; its term is another one.
func TestKeysDeletedWithoutOwner(t *testing.T) {
	t.Parallel() // it mostly waits
	a, b := two(t, etcdtest.Start(t))
	a.kill()
	before := b.deleteKeys()
	b.awaitActive()
	if now, deadline := Now(), a.deadline(); now < deadline || deadline == 0 {
		t.Errorf("active %v before the other's deadline", deadline-now)
	}
	if after := b.lastingKeys(); !maps.Equal(after, before) || b.Term() != 2 {
		t.Errorf("the keys are %q in term %d, and were %q", after, b.Term(), before)
	}
}

// TestKeysWrittenAnew: a standby machine uses the secret that another has written since; another list of machines is
// an error.
func TestKeysWrittenAnew(t *testing.T) {
	t.Parallel() // it mostly waits
	_, b := two(t, etcdtest.Start(t))
	for key, value := range map[string]string{secretKey: "0102", machinesKey: "b,c"} {
		if _, err := b.client.Put(t.Context(), testPrefix+key, value); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(time.Minute); !bytes.Equal(b.currentSecret(), []byte{1, 2}) || !errors.Is(b.Status().Err, ErrOtherMachines); {
		if time.Now().After(end) {
			t.Fatalf("the secret is %x, the error %v", b.currentSecret(), b.Status().Err)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestJoin: the lists of machines must be the same, and have the machine; etcd is waited for.
func TestJoin(t *testing.T) {
	server := etcdtest.Start(t)
	join(t, server.Dial(), "a", nil, "a", "b")
	fence := func(Time) {}
	try := func(ctx context.Context, name string, machines ...string) error {
		_, err := Join(ctx, Config{Client: server.Dial(), Prefix: testPrefix, Name: name, Machines: machines, Fence: fence, Log: slog.New(slog.DiscardHandler)})
		return err
	}
	for want, machines := range map[error][]string{nil: {"b", "a"}, ErrOtherMachines: {"b"}, ErrMachines: {"a"}, ErrName: {"b", "a/"}} {
		if err := try(t.Context(), "b", machines...); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", machines, err, want)
		}
	}
	server.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := try(ctx, "b", "b", "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without etcd: %v", err)
	}
}
