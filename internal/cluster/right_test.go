package cluster

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

// world is a simulation: machines with clocks of their own, etcd, and a segment. Messages to etcd and of the
// segment take any time, and get lost; machines freeze.
type world struct {
	r        *rand.Rand
	now      time.Duration // of the world
	owner    Owner         // in etcd
	machines []*simulated
	pending  []delivery
	away     [8]bool // by machine: etcd cannot be reached
	cut      bool    // the segment carries nothing
	calm     bool    // messages are quick, and none is lost
}

// delivery is a message.
type delivery struct {
	at time.Duration
	to *simulated // nil: etcd
	do func()
}

type simulated struct {
	*right
	w      *world
	index  int
	skew   time.Duration // the clock's distance from the world's
	rate   float64       // of the clock
	frozen time.Duration // until then
	next   time.Duration // when its loop runs
}

func (s *simulated) clock() Time {
	return s.skew + time.Duration(float64(s.w.now)*s.rate)
}

// sends reports whether the machine would send a frame now. A frozen one does not.
func (s *simulated) sends() bool { return s.w.now >= s.frozen && s.clock() < s.deadline() }

func newWorld(seed uint64, machines int) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 1))}
	var names []string
	for i := range machines {
		names = append(names, string(rune('a'+i)))
	}
	for i, name := range names {
		others := slices.Delete(slices.Clone(names), i, i+1)
		s := &simulated{right: newRight(name, others, DefaultTiming), w: w, index: i, skew: time.Duration(w.r.Int64N(1e12)), rate: 0.99 + 0.02*w.r.Float64()}
		w.machines = append(w.machines, s)
	}
	return w
}

// send delivers a message after some time, or never.
func (w *world) send(to *simulated, lossy bool, do func()) {
	if lossy && !w.calm && w.r.IntN(20) == 0 {
		return
	}
	delay := time.Duration(w.r.ExpFloat64() * float64(5*ms))
	if !w.calm && w.r.IntN(50) == 0 {
		delay += time.Duration(w.r.IntN(3000)) * ms
	}
	w.pending = append(w.pending, delivery{w.now + delay, to, do})
}

// toEtcd has etcd execute a write or a read, and the machine the answer.
func (s *simulated) toEtcd(execute func() (answer func())) {
	if s.w.away[s.index] {
		return
	}
	began := s.clock()
	s.w.send(nil, true, func() {
		answer := execute()
		if !s.w.away[s.index] {
			s.w.send(s, true, func() { s.answeredSince(s.clock(), began); answer() })
		}
	})
}

// step runs the machine's loop once: as the Elector does.
func (s *simulated) step() {
	began := s.clock()
	seen, w := s.right.owner, s.w
	switch {
	case s.mine:
		s.toEtcd(func() func() {
			if w.owner.Machine != seen.Machine || w.owner.Term != seen.Term {
				current := w.owner
				return func() { s.saw(s.clock(), began, current) }
			}
			w.owner.Revision++
			written := w.owner
			return func() { s.renewedAt(s.clock(), began, written) }
		})
		if s.needsConsent(began) {
			s.ask(began)
		}
	case s.mayAcquire(began):
		want := s.acquires()
		s.toEtcd(func() func() {
			current := w.owner
			if w.owner != seen {
				return func() { s.settled(); s.saw(s.clock(), began, current) }
			}
			want.Revision = w.owner.Revision + 1
			w.owner = want
			return func() { s.acquired(s.clock(), began, want) }
		})
	default:
		s.toEtcd(func() func() {
			current := w.owner
			return func() { s.saw(s.clock(), began, current) }
		})
	}
}

func (s *simulated) ask(began Time) {
	for _, o := range s.w.machines {
		if o == s || s.w.cut {
			continue
		}
		s.w.send(o, true, func() {
			if o.consent(o.clock()) {
				s.w.send(s, true, func() { s.consentedBy(o.name, began) })
			}
		})
	}
}

// advance runs the world for a moment: what is due happens, but not to frozen machines.
func (w *world) advance() {
	w.now += ms
	due := w.pending
	w.pending = nil
	for _, d := range due {
		if d.at > w.now || d.to != nil && d.to.frozen > w.now {
			w.pending = append(w.pending, d)
			continue
		}
		d.do()
	}
	for _, s := range w.machines {
		if w.now >= s.frozen && w.now >= s.next {
			s.next = w.now + s.Renew
			s.step()
		}
	}
}

// disturb lets something happen, sometimes.
func (w *world) disturb() {
	switch w.r.IntN(4000) {
	case 0:
		s := w.machines[w.r.IntN(len(w.machines))]
		s.frozen = w.now + time.Duration(w.r.IntN(8000))*ms
	case 1:
		i := w.r.IntN(len(w.machines))
		w.away[i] = !w.away[i]
	case 2:
		w.cut = !w.cut
	case 3:
		all := w.r.IntN(2) == 0
		for i := range w.machines {
			w.away[i] = all
		}
	case 4: // a machine begins again, without a memory
		i := w.r.IntN(len(w.machines))
		old := w.machines[i]
		again := &simulated{right: newRight(old.name, old.others, old.Timing), w: w, index: i, skew: old.skew, rate: old.rate, next: w.now}
		w.machines[i] = again
		old.mine = false
	}
}

// TestNeverTwo: whatever happens, no two machines may send at a time, and often one may.
func TestNeverTwo(t *testing.T) {
	for _, machines := range []int{2, 3} {
		var active, moments int
		for seed := range uint64(60) {
			w := newWorld(seed, machines)
			for range 60_000 {
				w.advance()
				w.disturb()
				var senders []string
				for _, s := range w.machines {
					if s.sends() {
						senders = append(senders, s.name)
					}
				}
				if len(senders) > 1 {
					t.Fatalf("seed %d, after %v: %v send", seed, w.now, senders)
				}
				active += len(senders)
				moments++
			}
		}
		if share := float64(active) / float64(moments); share < 0.2 {
			t.Errorf("of %d machines one could send in %.0f %% of the time", machines, 100*share)
		} else {
			t.Logf("of %d machines one could send in %.0f %% of the time", machines, 100*share)
		}
	}
}

// run runs a world without disturbances until a condition holds, and returns how long it took.
func (w *world) until(t *testing.T, what string, is func() bool) time.Duration {
	t.Helper()
	began := w.now
	for !is() {
		if w.advance(); w.now-began > time.Minute {
			t.Fatalf("not within a minute: %s", what)
		}
	}
	return w.now - began
}

func (w *world) sender() string {
	for _, s := range w.machines {
		if s.sends() {
			return s.name
		}
	}
	return ""
}

// settledWorld returns a world in which a sends, and b knows it.
func settledWorld(t *testing.T, seed uint64) (w *world, a, b *simulated) {
	w = newWorld(seed, 2)
	w.calm = true
	w.until(t, "somebody sends", func() bool { return w.sender() != "" })
	for range 1000 {
		w.advance()
	}
	a, b = w.machines[0], w.machines[1]
	if w.sender() == b.name {
		a, b = b, a
	}
	return w, a, b
}

// TestTakeOver: a machine that is frozen, or that alone is cut off from etcd, is succeeded soon, and is
// silent when it goes on.
func TestTakeOver(t *testing.T) {
	for name, harm := range map[string]func(*world, *simulated){
		"frozen":            func(w *world, a *simulated) { a.frozen = w.now + 10*time.Second },
		"cut off from etcd": func(w *world, a *simulated) { w.away[a.index] = true },
	} {
		var all []time.Duration
		for seed := range uint64(40) {
			w, a, b := settledWorld(t, seed)
			harm(w, a)
			all = append(all, w.until(t, name, b.sends))
			w.until(t, "it goes on", func() bool { return w.now >= a.frozen })
			if a.sends() {
				t.Errorf("%s, seed %d: both send", name, seed)
			}
		}
		slices.Sort(all)
		if median := all[len(all)/2]; median > 2500*ms {
			t.Errorf("%s: taken over after %v", name, median)
		}
		t.Logf("%s: taken over after %v to %v, median %v", name, all[0], all[len(all)-1], all[len(all)/2])
	}
}

// TestEtcdAway: while no machine reaches etcd the owner goes on, and when it is back, too.
func TestEtcdAway(t *testing.T) {
	silent := 0
	for seed := range uint64(40) {
		w, a, b := settledWorld(t, seed)
		w.away[0], w.away[1] = true, true
		for end := w.now + 2*time.Minute; w.now < end; {
			if w.advance(); !a.sends() {
				silent++
			}
		}
		w.away[0], w.away[1] = false, false
		for end := w.now + 20*time.Second; w.now < end; {
			if w.advance(); b.sends() {
				t.Fatalf("seed %d: the standby has taken over", seed)
			}
		}
	}
	if share := float64(silent) / 40 / 120_000; share > 0.02 {
		t.Errorf("the owner had to be silent in %.1f %% of the time", 100*share)
	}
}

// TestAlone: a machine without others goes on whatever becomes of etcd, once it has the key.
func TestAlone(t *testing.T) {
	w := newWorld(1, 1)
	a := w.machines[0]
	w.until(t, "it sends", a.sends)
	w.away[0] = true
	if w.now += time.Hour; !a.sends() {
		t.Error("it has stopped")
	}
}

// TestRelease: a key that its owner has released is free at once.
func TestRelease(t *testing.T) {
	w, a, b := settledWorld(t, 3)
	a.resign()
	a.healthy = false
	w.owner.Machine = ""
	w.owner.Revision++
	if took := w.until(t, "the standby sends", b.sends); took > time.Second {
		t.Errorf("only after %v", took)
	}
}

// TestOthersLease: a machine waits for the lease that the owner has, if that is longer than its own.
func TestOthersLease(t *testing.T) {
	r := newRight("b", []string{"a"}, DefaultTiming)
	r.saw(0, 0, Owner{Machine: "a", Term: 1, Lease: 10 * time.Second, Revision: 1})
	for _, c := range []struct {
		at   Time
		want bool
	}{{9 * time.Second, false}, {10 * time.Second, true}} {
		if r.answeredSince(c.at, c.at); r.mayAcquire(c.at) != c.want {
			t.Errorf("after %v: %v", c.at, !c.want)
		}
	}
}
