package allactive

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"
)

// restart kills a machine while etcd is away, and starts it again: it does not wait.
func restart(b *testbed, m *machine) *machine {
	b.etcd.stop()
	pass(2 * time.Second)
	sessions := m.kill()
	pass(time.Second)
	return b.run(m.name, sessions)
}

// TestRestartAway: a program that starts while etcd is away goes on with the sessions of the earlier one, and its
// blocks, until the deadline of that; when etcd is back, it has what it had.
func TestRestartAway(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		id := mustDial(t, one, alice(true))
		until := one.member.deadline()
		one = restart(b, one)
		if one.fencedAt() > until || one.fencedAt() < until-2*time.Second || !one.has(id) {
			t.Errorf("it goes on until %v, the earlier program until %v; it has the session: %v", one.fencedAt(), until, one.has(id))
		}
		pass(5 * time.Second)
		mustDial(t, one, Want{User: "bob", Limit: 1})
		if s := one.member.Status(); s.Connected || s.Pending != 2 {
			t.Errorf("while etcd is away: %+v", s)
		}
		b.etcd.start()
		pass(3 * time.Second)
		if s := one.member.Status(); !s.Connected || s.Pending != 0 || one.count() != 2 || one.fencedAt() < until+5*time.Second {
			t.Errorf("when it is back: %+v, %d sessions, until %v", s, one.count(), one.fencedAt())
		}
		b.checkUsers(t, "alice", 1)
		b.checkUsers(t, "bob", 1)
	})
}

// TestDeadlineInherited: however often a program starts again while etcd is away, its sessions end Guard before the
// deadline that etcd has confirmed; one that is started later waits for etcd, and then has its blocks.
func TestDeadlineInherited(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		mustDial(t, one, alice(true))
		until := one.member.deadline()
		for range 3 {
			one = restart(b, one)
			pass(8 * time.Second)
		}
		if one.count() != 1 || one.fencedAt() > until {
			t.Errorf("%d sessions, until %v", one.count(), one.fencedAt())
		}
		pass(until - b.now() - testTiming.Guard - 2*time.Second)
		if one.count() != 1 {
			t.Error("the session has ended early")
		}
		pass(3 * time.Second)
		if one.count() != 0 || one.refused == nil {
			t.Errorf("%d sessions after the deadline, logins: %v", one.count(), one.refused)
		}
		one.kill()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := b.tryRun(ctx, "a", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a program that is started after the deadline: %v", err)
		}
		b.etcd.start()
		one = b.run("a", nil)
		pass(2 * time.Second)
		mustDial(t, one, alice(true))
	})
}

// TestRefuseRestartAway: with etcd-away = "refuse" sessions go on, and logins are refused.
func TestRefuseRestartAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestbed(t, "a")
		b.change = func(c *Config) { c.RefuseAway = true }
		one := b.run("a", nil)
		pass(time.Second)
		id := mustDial(t, one, alice(true))
		one = restart(b, one)
		if _, err := one.dial(Want{}); !errors.Is(err, ErrAway) || !one.has(id) {
			t.Errorf("a login: %v; the session goes on: %v", err, one.has(id))
		}
		b.stopAll()
	})
}

// TestSameNameAway: while etcd is away, a machine of a name in use that has kept nothing waits; and one that comes back
// ends its sessions when another has its name by then.
func TestSameNameAway(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		mustDial(t, one, alice(true))
		one = restart(b, one)
		other := func(c *Config) { c.ID, c.Kept, c.Keep = "another", nil, nil }
		b.change = other
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := b.tryRun(ctx, "a", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("another machine of the name: %v", err)
		}
		one.cut(true)
		b.etcd.start()
		second := b.run("a", nil)
		one.cut(false)
		if err := <-one.ended; !errors.Is(err, ErrSameName) || one.count() != 0 {
			t.Errorf("the first machine: %v, %d sessions", err, one.count())
		}
		mustDial(t, second, alice(true))
		b.change = nil
		if _, err := b.tryRun(t.Context(), "a", nil); !errors.Is(err, ErrSameName) {
			t.Errorf("a program with kept blocks, while another has the name: %v", err)
		}
	})
}

// TestNothingKept: a machine that has left, or returned a block, has no right to it when it starts while etcd is
// away; a block that a later program could take for its own is not returned.
func TestNothingKept(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		for range 40 {
			one.dial(Want{})
			pass(50 * time.Millisecond)
		}
		pass(time.Second)
		one.EndAll("")
		before := len(b.kept["a"].Blocks)
		b.mu.Lock()
		b.full = true
		b.mu.Unlock()
		revisions := b.blockRevisions("a")
		pass(testTiming.Idle + 5*time.Second)
		if own := one.member.Status().Pools[0].Own; own != uint64(before) || one.blockCount() != before {
			t.Errorf("with a full disk %d of %d blocks are left, %d can be used", own, before, one.blockCount())
		}
		if now := b.blockRevisions("a"); len(now) != before || !maps.Equal(now, revisions) {
			t.Errorf("with a full disk etcd has %d of %d blocks: %v, before %v", len(now), before, now, revisions)
		}
		b.mu.Lock()
		b.full = false
		b.mu.Unlock()
		pass(5 * time.Second)
		own := one.member.Status().Pools[0].Own
		if kept := len(b.kept["a"].Blocks); own >= uint64(before) || uint64(kept) != own {
			t.Errorf("%d blocks, before %d; %d are kept", own, before, kept)
		}
		one.kill()
		if err := one.member.Leave(t.Context()); err != nil || b.kept["a"].IsUsable(b.now(), testTiming) {
			t.Errorf("left: %v, kept %+v", err, b.kept["a"])
		}
	})
}

// blockRevisions returns at which revisions the blocks of a machine were written: one that was returned and leased again
// has another.
func (b *testbed) blockRevisions(name string) map[string]int64 {
	all, _, _ := (&memoryClient{memory: b.etcd}).List(context.Background(), blockKey)
	revisions := map[string]int64{}
	for _, p := range all {
		if machineOf(p.Value) == name {
			revisions[p.Key] = p.Revision
		}
	}
	return revisions
}

// TestHoldRaised: a program with a longer Hold than the earlier one's goes on with its lease, and no longer than that
// lasts.
func TestHoldRaised(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		mustDial(t, one, alice(true))
		one.kill()
		b.change = func(c *Config) { c.Timing.Hold *= 2 }
		one = b.run("a", nil)
		pass(5 * time.Second)
		if ends := b.now() + testTiming.Hold; one.fencedAt() > ends || one.fencedAt() < ends-testTiming.Hold/2 {
			t.Errorf("it sends until %v, its lease ends at %v", one.fencedAt(), ends)
		}
	})
}
