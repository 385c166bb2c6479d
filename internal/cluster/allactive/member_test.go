package allactive

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"upppoe/internal/state/etcdstore/etcdtest"
)

// inBubble runs a test of two machines in virtual time, after they have leased their first blocks.
func inBubble(t *testing.T, do func(t *testing.T, b *testbed, one, two *machine)) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestbed(t, "a", "b")
		one, two := b.run("a", nil), b.run("b", nil)
		pass(time.Second)
		do(t, b, one, two)
		b.stopAll()
	})
}

// pass lets virtual time pass, and returns when all that was due by then has been done: machines do much at the same
// instant as the test.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func alice(replace bool) Want { return Want{User: "alice", Limit: 1, Replace: replace} }

func mustDial(t *testing.T, m *machine, w Want) uint64 {
	t.Helper()
	id, err := m.dial(w)
	if err != nil {
		t.Fatalf("%s: %v", m.name, err)
	}
	return id
}

// TestUserAtTwoMachines: the older session of a user ends at its machine, or the newer is refused; two are
// allowed where two may be.
func TestUserAtTwoMachines(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		first := mustDial(t, one, alice(true))
		var inUse InUseError
		if _, err := two.dial(alice(false)); !errors.As(err, &inUse) || inUse.Machines[0] != "a" || !one.has(first) {
			t.Errorf("a second login: %v", err)
		}
		second := mustDial(t, two, alice(true))
		if one.has(first) {
			t.Error("the older session goes on")
		}
		two.End(second, "")
		pair := Want{User: "pair", Limit: 2, Replace: true}
		first, second = mustDial(t, one, pair), mustDial(t, two, pair)
		third := mustDial(t, two, pair)
		if one.has(first) || !two.has(second) || !two.has(third) {
			t.Error("of three sessions of a user who may have two, not the oldest has ended")
		}
		mustDial(t, one, pair)
		if two.has(second) || !two.has(third) {
			t.Error("not the oldest of the other machine has ended")
		}
		b.checkUsers(t, "pair", 2)
	})
}

func (b *testbed) checkUsers(t *testing.T, user string, want int) {
	t.Helper()
	pass(time.Second)
	if keys := b.keys(userKey + user + "/"); len(keys) != want {
		t.Errorf("etcd has %v, want %d", keys, want)
	}
}

// TestDeadMachine: what a killed machine has claimed is free when it is known to be dead, also for a login that is
// on its way; its blocks are free when they are not held any more, or an operator says that it is off.
func TestDeadMachine(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		fixed := alice(false)
		fixed.Fixed = []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32")}
		mustDial(t, one, fixed)
		if _, err := two.member.Free(t.Context(), "a"); !errors.Is(err, ErrAlive) {
			t.Errorf("a machine that is alive is freed: %v", err)
		}
		one.kill()
		begin := time.Now()
		mustDial(t, two, fixed)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("the login took %v", took)
		}
		if n := len(two.member.Status().Machines); n != 2 || two.member.Status().Machines[0].Alive || two.member.Status().Machines[0].Blocks == 0 {
			t.Errorf("machines are %+v", two.member.Status().Machines)
		}
		if n, err := two.member.Free(t.Context(), "a"); err != nil || n == 0 {
			t.Errorf("%d keys are freed, %v", n, err)
		}
		pass(time.Second)
		if blocks := two.member.Status().Machines[0].Blocks; blocks != 0 {
			t.Errorf("%d blocks are the dead machine's", blocks)
		}
		if _, err := two.member.Free(t.Context(), "c"); !errors.Is(err, ErrUnknown) {
			t.Errorf("a machine that is not known: %v", err)
		}
	})
}

// TestCutOff: a machine that is cut off alone goes on, and ends its sessions before others may have their
// addresses; when it is back, it serves again.
func TestCutOff(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		mustDial(t, one, alice(true))
		one.cut(true)
		pass(5 * time.Second)
		mustDial(t, one, Want{User: "bob", Limit: 1})
		if s := one.member.Status(); s.Connected || s.Err == nil || s.Pending != 1 || s.Left <= 0 {
			t.Errorf("cut off: %+v", s)
		}
		pass(testTiming.Hold - 2*testTiming.Guard - 6*time.Second)
		if one.count() != 2 {
			t.Error("sessions have ended early")
		}
		pass(7 * time.Second)
		if _, err := one.dial(alice(true)); one.count() != 0 || !errors.Is(err, ErrAway) {
			t.Errorf("%d sessions, and a login: %v", one.count(), err)
		}
		pass(2 * testTiming.Guard)
		if two.member.Status().Machines[0].Blocks != 0 {
			t.Error("its blocks are not free")
		}
		one.cut(false)
		pass(2 * time.Second)
		mustDial(t, one, alice(true))
	})
}

// TestRefuseAway: logins are refused while etcd is away, if that is configured.
func TestRefuseAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestbed(t, "a")
		b.change = func(c *Config) { c.RefuseAway = true }
		one := b.run("a", nil)
		pass(time.Second)
		mustDial(t, one, alice(true))
		b.etcd.stop()
		pass(5 * time.Second)
		if _, err := one.dial(alice(true)); !errors.Is(err, ErrAway) || one.count() != 1 {
			t.Errorf("a login: %v, and %d sessions", err, one.count())
		}
		b.etcd.start()
		pass(2 * time.Second)
		mustDial(t, one, alice(true))
		b.stopAll()
	})
}

// TestReturn: a machine that returns to etcd ends the sessions that others have taken over, and keeps the newer
// ones of users that it took over itself.
func TestReturn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		first := mustDial(t, one, alice(true))
		bob := mustDial(t, two, Want{User: "bob", Limit: 1, Replace: true})
		pass(time.Second)
		one.cut(true)
		pass(6 * time.Second)
		mustDial(t, two, alice(true))
		newer := mustDial(t, one, Want{User: "bob", Limit: 1, Replace: true})
		one.cut(false)
		pass(3 * time.Second)
		if one.has(first) {
			t.Error("a session goes on that another machine has taken over")
		}
		if !one.has(newer) || two.has(bob) {
			t.Error("not the older session of a user has ended")
		}
		b.checkUsers(t, "alice", 1)
		b.checkUsers(t, "bob", 1)
	})
}

// TestWipe: etcd loses its data while machines serve: each writes again what it has, and no new block is leased
// while a machine is missing that may have some.
func TestWipe(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		for range 10 {
			mustDial(t, one, Want{})
			mustDial(t, two, Want{})
		}
		pass(time.Second)
		before := one.member.Status().Machines[0].Blocks
		two.cut(true)
		pass(4 * time.Second)
		b.etcd.wipe()
		pass(4 * time.Second)
		s := one.member.Status()
		if one.count() != 10 || s.Machines[0].Blocks < before {
			t.Errorf("%d sessions, %+v", one.count(), s)
		}
		for range 30 {
			one.dial(Want{})
		}
		pass(time.Second)
		if s := one.member.Status(); s.Pools[0].Own != uint64(before) || len(s.Problems) == 0 || !strings.Contains(s.Problems[0], "b may have blocks") {
			t.Errorf("with a missing machine %d blocks, before %d; problems %q", s.Pools[0].Own, before, s.Problems)
		}
		two.cut(false)
		pass(5 * time.Second)
		if s := one.member.Status(); s.Pools[0].Own < uint64(before) || two.count() != 10 || len(s.Problems) != 0 {
			t.Errorf("%d blocks, before %d; the other has %d sessions; problems %q", s.Pools[0].Own, before, two.count(), s.Problems)
		}
		b.checkClaims()
	})
}

// TestRestart: a program that starts again has its blocks, and its sessions their addresses.
func TestRestart(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		id := mustDial(t, one, alice(true))
		was := one.member.Status().Pools[0].Own
		sessions := one.kill()
		pass(10 * time.Second)
		one = b.run("a", sessions)
		pass(time.Second)
		if s := one.member.Status(); !one.has(id) || s.Pools[0].Own < was || s.Claims != 1 || s.Pending != 0 {
			t.Errorf("%+v", s)
		}
		one.End(id, "")
		b.checkUsers(t, "alice", 0)
	})
}

// TestSameName: a second machine with a name is told so.
func TestSameName(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		b.change = func(c *Config) { c.ID, c.Kept = "another", nil }
		_, err := b.tryRun(t.Context(), "a", nil)
		if !errors.Is(err, ErrSameName) {
			t.Errorf("%v", err)
		}
		one.kill()
		if _, err := b.tryRun(t.Context(), "a", nil); err != nil {
			t.Errorf("a machine of the name of a dead one: %v", err)
		}
	})
}

// TestOtherConfiguration: a machine with blocks of another size takes no part; one with another pool or list of
// machines is told so.
func TestOtherConfiguration(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		b.change = func(c *Config) { c.BlockSize, c.Machines = 16, []string{"a", "b", "c"} }
		if _, err := b.tryRun(t.Context(), "c", nil); !errors.Is(err, ErrLayout) {
			t.Errorf("%v", err)
		}
		b.change = func(c *Config) { c.Machines = []string{"a", "b", "c"} }
		b.setPool("192.0.2.0", "192.0.2.127")
		b.run("c", nil)
		pass(time.Second)
		problems := strings.Join(one.member.Status().Problems, "\n")
		for _, want := range []string{`machine c has machines = ["a" "b" "c"], and this one ["a" "b"]`, "pool gold (ipv4) is 192.0.2.0-192.0.2.255, and machine c has 192.0.2.0-192.0.2.127"} {
			if !strings.Contains(problems, want) {
				t.Errorf("problems are %q, want %q", problems, want)
			}
		}
	})
}

// TestAddressOfPool: an address of an account is of a pool: it is assigned where its block is, or can be.
func TestAddressOfPool(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		var own netip.Prefix
		two.mu.Lock()
		for block := range two.blocks {
			own = block
		}
		two.mu.Unlock()
		want := Want{Fixed: []netip.Prefix{netip.PrefixFrom(own.Addr(), 32)}}
		if _, err := one.dial(want); err == nil || !strings.Contains(err.Error(), "which machine b has: exclude it") {
			t.Errorf("%v", err)
		}
		mustDial(t, two, want)
	})
}

// TestIdleBlocks: blocks that are not needed are returned.
func TestIdleBlocks(t *testing.T) {
	inBubble(t, func(t *testing.T, b *testbed, one, two *machine) {
		for range 60 {
			one.dial(Want{})
			pass(50 * time.Millisecond)
		}
		many := one.member.Status().Pools[0].Own
		one.EndAll("")
		pass(testTiming.Idle + 2*time.Second)
		if few := one.member.Status().Pools[0].Own; few >= many || few > 6 {
			t.Errorf("%d blocks, after %d", few, many)
		}
	})
}

// TestEtcd: two machines at a real etcd.
func TestEtcd(t *testing.T) {
	server := etcdtest.Start(t)
	b := newTestbed(t, "a", "b")
	b.change = func(c *Config) {
		c.Store = NewEtcd(server.Dial(), "/upppoe/test/")
		c.Timing.Idle = time.Second
	}
	one, two := b.run("a", nil), b.run("b", nil)
	await := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %+v, %+v", what, one.member.Status(), two.member.Status())
			}
		}
	}
	await("blocks", func() bool {
		return one.member.Status().Pools[0].Own > 1 && two.member.Status().Pools[0].Own > 1 && one.admits() && two.admits()
	})
	first := mustDial(t, one, alice(true))
	mustDial(t, two, alice(true))
	if one.has(first) {
		t.Error("the older session goes on")
	}
	for range 50 {
		mustDial(t, one, Want{})
		await("a free address", func() bool { _, free := one.Usage(); return free > 0 })
	}
	two.kill()
	mustDial(t, one, alice(false))
	await("the dead machine", func() bool { return !one.member.Status().Machines[1].Alive })
	if n, err := one.member.Free(t.Context(), "b"); err != nil || n < 2 {
		t.Errorf("%d keys are freed, %v", n, err)
	}
	server.Kill()
	await("etcd away", func() bool { return !one.member.Status().Connected })
	bob := mustDial(t, one, Want{User: "bob", Limit: 1})
	server.Restart()
	await("etcd back", func() bool { s := one.member.Status(); return s.Connected && s.Pending == 0 })
	one.End(bob, "")
	one.EndAll("")
	client := server.Dial()
	count := func(prefix string) int64 {
		r, err := client.Get(t.Context(), "/upppoe/test/"+prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err != nil {
			t.Fatal(err)
		}
		return r.Count
	}
	await("claims", func() bool { return count(userKey) == 0 })
	await("idle blocks", func() bool { return one.member.Status().Pools[0].Own <= 6 })
	one.kill()
	if err := one.member.Leave(context.Background()); err != nil || count(blockKey)+count(liveKey)+count(holdKey) != 0 {
		t.Errorf("what is left: %d blocks; %v", count(blockKey), err)
	}
}
