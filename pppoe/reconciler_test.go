package pppoe

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/tun"
	"upppoe/tun/tuntest"
)

// slowNetwork is a HostNetwork and a Path whose operations take virtual time. It checks that each
// session has one operation at a time, and counts the operations in progress.
type slowNetwork struct {
	datapath.Path
	setup, removal time.Duration

	mu        sync.Mutex
	active    map[uint16]string // the operation of each session
	opened    map[uint16]bool
	has       map[uint16]Addressing
	setups    int // in progress
	removals  int
	mostSetup int // at the same time
	mostGone  int
	wrong     []error
}

func newSlowNetwork(setup, removal time.Duration) *slowNetwork {
	return &slowNetwork{setup: setup, removal: removal, active: map[uint16]string{}, opened: map[uint16]bool{}, has: map[uint16]Addressing{}}
}

func (n *slowNetwork) do(id uint16, what string, count, most *int, takes time.Duration) {
	n.mu.Lock()
	if other := n.active[id]; other != "" {
		n.wrong = append(n.wrong, fmt.Errorf("session %d: %s during %s", id, what, other))
	}
	n.active[id] = what
	*count++
	*most = max(*most, *count)
	n.mu.Unlock()
	time.Sleep(takes)
	n.mu.Lock()
	defer n.mu.Unlock()
	*count--
	delete(n.active, id)
}

func (n *slowNetwork) Open(l SessionInfo) (tun.Device, error) {
	n.do(l.SessionID, "Open", &n.setups, &n.mostSetup, n.setup)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.opened[l.SessionID] {
		n.wrong = append(n.wrong, fmt.Errorf("session %d: opened twice", l.SessionID))
	}
	n.opened[l.SessionID] = true
	return tuntest.New(fmt.Sprintf("ppp%d", l.SessionID)), nil
}

func (n *slowNetwork) Configure(l SessionInfo, have, want Addressing) error {
	n.do(l.SessionID, "Configure", &n.setups, &n.mostSetup, n.setup)
	n.mu.Lock()
	defer n.mu.Unlock()
	if have != n.has[l.SessionID] {
		n.wrong = append(n.wrong, fmt.Errorf("session %d: configured from %v, but it has %v", l.SessionID, have, n.has[l.SessionID]))
	}
	n.has[l.SessionID] = want
	return nil
}

func (n *slowNetwork) Add(c datapath.SessionConfig) (datapath.Session, error) {
	return slowPath{network: n, id: c.SessionID}, nil
}

// slowPath is the path of a session of a slowNetwork.
type slowPath struct {
	datapath.Session
	network *slowNetwork
	id      uint16
}

func (p slowPath) Remove() datapath.Counters {
	p.network.do(p.id, "Remove", &p.network.removals, &p.network.mostGone, p.network.removal)
	return datapath.Counters{}
}

func (n *slowNetwork) Close(l SessionInfo, have Addressing) {
	n.do(l.SessionID, "Close", &n.removals, &n.mostGone, n.removal)
	n.mu.Lock()
	defer n.mu.Unlock()
	if have != n.has[l.SessionID] {
		n.wrong = append(n.wrong, fmt.Errorf("session %d: closed with %v, but it has %v", l.SessionID, have, n.has[l.SessionID]))
	}
	delete(n.opened, l.SessionID)
	delete(n.has, l.SessionID)
}

// reconcilerLab is a reconciler with sessions, whose reports it records.
type reconcilerLab struct {
	*slowNetwork
	*reconciler
	sessions []*sessionState
	began    time.Time

	reportMu sync.Mutex
	last     map[*sessionState]actual
	goneAt   map[*sessionState]time.Duration
	upAt     map[*sessionState]time.Duration
}

func newReconcilerLab(n *slowNetwork, sessions int) *reconcilerLab {
	l := &reconcilerLab{
		slowNetwork: n, began: time.Now(),
		last: map[*sessionState]actual{}, goneAt: map[*sessionState]time.Duration{}, upAt: map[*sessionState]time.Duration{},
	}
	l.reconciler = newReconciler(n, n, l.record)
	for i := range sessions {
		l.sessions = append(l.sessions, &sessionState{sessionIdentity: identityOf(&SessionInfo{SessionID: uint16(i + 1)}, nil)})
	}
	return l
}

func (l *reconcilerLab) record(s *sessionState, a actual) {
	l.reportMu.Lock()
	defer l.reportMu.Unlock()
	l.last[s] = a
	at := l.upAt
	if a.gone {
		at = l.goneAt
	}
	if _, ok := at[s]; ok && a.gone {
		l.slowNetwork.wrong = append(l.slowNetwork.wrong, errors.New("gone twice"))
	}
	at[s] = time.Since(l.began)
}

// want sets what a session wants: a device and an MTU, or no device if the MTU is 0.
func (l *reconcilerLab) want(s *sessionState, mtu int) {
	l.set(s, desired{device: mtu > 0, Addressing: Addressing{MTU: mtu}})
}

func (l *reconcilerLab) check(t *testing.T) {
	t.Helper()
	for _, err := range l.wrong {
		t.Error(err)
	}
}

// TestReconcileInOrder: while sessions change at random, each has one change at a time, and ends
// with what it wanted last. At the end nothing is left.
func TestReconcileInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newReconcilerLab(newSlowNetwork(3*time.Millisecond, 20*time.Millisecond), 40)
		random, last := rand.New(rand.NewPCG(1, 2)), map[*sessionState]int{}
		for range 4000 {
			s := l.sessions[random.IntN(len(l.sessions))]
			last[s] = 1280 + random.IntN(200)
			l.want(s, last[s])
			time.Sleep(time.Duration(random.IntN(1000)) * time.Microsecond)
		}
		l.wait()
		for s, mtu := range last {
			if got := l.last[s]; got.addressing.MTU != mtu || got.device != fmt.Sprintf("ppp%d", s.SessionID) || got.gone {
				t.Errorf("session %d has %+v, want MTU %d", s.SessionID, got, mtu)
			}
		}
		for _, s := range l.sessions {
			l.want(s, 1300)
			l.want(s, 0)
		}
		l.wait()
		for _, s := range l.sessions {
			if !l.last[s].gone {
				t.Errorf("session %d is not gone", s.SessionID)
			}
		}
		if len(l.opened)+len(l.has) > 0 {
			t.Errorf("left open: %v, %v", l.opened, l.has)
		}
		l.check(t)
	})
}

// TestRemovalsDoNotDelay: while a thousand devices are removed, a new session is set up at once,
// and a session that ends without a device does not wait either.
func TestRemovalsDoNotDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newReconcilerLab(newSlowNetwork(time.Millisecond, 20*time.Millisecond), 1002)
		for _, s := range l.sessions[:1000] {
			l.want(s, 1492)
		}
		l.wait()
		l.began = time.Now()
		for _, s := range l.sessions[:1000] {
			l.want(s, 0)
		}
		late, never := l.sessions[1000], l.sessions[1001]
		l.want(late, 1492)
		l.want(never, 0)
		l.wait()
		if at := l.upAt[late]; at != 2*time.Millisecond {
			t.Errorf("the new session is up after %v, want 2ms", at)
		}
		if at := l.goneAt[never]; at != 0 {
			t.Errorf("the session without a device is gone after %v", at)
		}
		// Remove and Close take 20 ms each.
		if took, want := time.Since(l.began), (1000+maxRemovalWorkers-1)/maxRemovalWorkers*40*time.Millisecond; took != want {
			t.Errorf("all removals took %v, want %v", took, want)
		}
		l.check(t)
	})
}

// TestWorkersBounded: both kinds of changes use all workers of a pool and no more, also where two
// interfaces share it.
func TestWorkersBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newReconcilerLab(newSlowNetwork(time.Second, time.Second), 4*maxSetupWorkers)
		other := newReconciler(l.slowNetwork, l.slowNetwork, l.record)
		other.pool = l.pool
		for _, mtu := range []int{1492, 0} {
			for i, s := range l.sessions {
				on := []*reconciler{l.reconciler, other}[i%2]
				on.set(s, desired{device: mtu > 0, Addressing: Addressing{MTU: mtu}})
			}
			l.wait()
			other.wait()
		}
		if l.mostSetup != maxSetupWorkers || l.mostGone != maxRemovalWorkers {
			t.Errorf("%d are set up and %d removed at once, want %d and %d", l.mostSetup, l.mostGone, maxSetupWorkers, maxRemovalWorkers)
		}
		synctest.Wait()
		if l.pool.setups.workers+l.pool.retires.workers+l.pool.removals.workers != 0 {
			t.Errorf("%d, %d and %d workers are left", l.pool.setups.workers, l.pool.retires.workers, l.pool.removals.workers)
		}
		if len(l.goneAt) != len(l.sessions) {
			t.Errorf("%d are gone, want %d", len(l.goneAt), len(l.sessions))
		}
		l.check(t)
	})
}

// TestEndsWhileQueued: a session that ends while it is being set up, or is queued for another
// change, is removed by the workers for removals.
func TestEndsWhileQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newReconcilerLab(newSlowNetwork(time.Second, time.Hour), maxSetupWorkers+1)
		first, others := l.sessions[0], l.sessions[1:]
		l.want(first, 1492)
		l.wait()
		l.began = time.Now()
		for _, s := range others { // these keep all workers busy until 2 s
			l.want(s, 1492)
		}
		synctest.Wait()
		l.want(first, 1400) // queued behind them
		l.want(first, 0)
		l.want(others[0], 0) // is being set up
		l.wait()
		if at := l.goneAt[first]; at != 2*time.Second+2*time.Hour {
			t.Errorf("the queued one is gone after %v", at)
		}
		if at := l.goneAt[others[0]]; at != 2*time.Second+2*time.Hour {
			t.Errorf("the one in progress is gone after %v", at)
		}
		if l.mostSetup != maxSetupWorkers || l.mostGone != 2 {
			t.Errorf("%d are set up and %d removed at once", l.mostSetup, l.mostGone)
		}
		l.check(t)
	})
}

// steppedNetwork is a slowNetwork that prepares and retires devices, and records the order of all.
type steppedNetwork struct {
	*slowNetwork
	order []string
}

func (n *steppedNetwork) note(what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.order = append(n.order, what)
}

func (n *steppedNetwork) Prepare(l SessionInfo, want Addressing) { n.note("prepare") }

func (n *steppedNetwork) Configure(l SessionInfo, have, want Addressing) error {
	n.note("configure")
	return n.slowNetwork.Configure(l, have, want)
}

func (n *steppedNetwork) Retire(l SessionInfo) { n.note("retire") }

func (n *steppedNetwork) Close(l SessionInfo, have Addressing) {
	n.note("close")
	n.slowNetwork.Close(l, have)
}

// TestFirstStepsFirst: all devices are opened and prepared before the first gets addresses, and all
// are retired before the first is closed. Of set-ups, as many as there are workers may be ahead.
func TestFirstStepsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sessions = 10 * maxRemovalWorkers
		n := &steppedNetwork{slowNetwork: newSlowNetwork(time.Millisecond, 20*time.Millisecond)}
		l := newReconcilerLab(n.slowNetwork, sessions)
		l.network = n
		for _, c := range []struct {
			mtu           int
			first, second string
			ahead         int
		}{{1492, "prepare", "configure", maxSetupWorkers}, {0, "retire", "close", 0}} {
			n.order = nil
			for _, s := range l.sessions {
				l.want(s, c.mtu)
			}
			l.wait()
			counts := map[string]int{}
			for _, what := range n.order {
				if counts[what]++; what == c.second && counts[c.first] < sessions-c.ahead {
					t.Fatalf("%s after %d of %s", what, counts[c.first], c.first)
				}
			}
			if counts[c.first] != sessions || counts[c.second] != sessions {
				t.Errorf("%v, want %d each", counts, sessions)
			}
		}
		l.check(t)
	})
}
