package allactive

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var simulated = flag.Int("simulated", 6, "TestSimulation: `NUMBER` of runs")

// TestSimulation: machines that are killed, started, cut off from etcd for a short or a long time, an etcd that is
// away, is slow, loses answers and executes requests late: no address is given to a session while another machine
// may send packets with it, and when all is well again, etcd has what the sessions have, and no user more than one.
func TestSimulation(t *testing.T) {
	for seed := range *simulated {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { simulate(t, uint64(seed)) }) })
	}
}

func simulate(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	b := newTestbed(t, "a", "b", "c", "d")
	b.etcd.rand = rand.New(rand.NewPCG(seed, 2))
	left := map[string]map[uint64]session{}
	for _, name := range b.names {
		b.run(name, nil)
	}
	for range 600 {
		time.Sleep(time.Duration(r.IntN(1500)) * time.Millisecond)
		b.step(r, left)
	}
	b.heal(left)
	b.checkClaims()
	t.Logf("%d addresses given, %d writes to etcd", b.given, b.etcd.commits)
	b.stopAll()
}

// step does something at random.
func (b *testbed) step(r *rand.Rand, left map[string]map[uint64]session) {
	name := b.names[r.IntN(len(b.names))]
	b.mu.Lock()
	m := b.machines[name]
	b.mu.Unlock()
	switch n := r.IntN(100); {
	case n < 4 && m != nil:
		left[name] = m.kill()
	case n < 10 && m == nil:
		b.etcd.mu.Lock()
		down := b.etcd.down
		b.etcd.mu.Unlock()
		if !down {
			b.run(name, left[name])
		}
	case n < 13 && m != nil:
		m.cut(true)
	case n < 20 && m != nil:
		m.cut(false)
	case n < 22:
		b.etcd.stop()
	case n < 32:
		b.etcd.mu.Lock()
		down := b.etcd.down
		b.etcd.mu.Unlock()
		if down {
			b.etcd.start()
		}
	case m != nil && n < 90:
		for range r.IntN(5) {
			w := Want{User: fmt.Sprint("user", r.IntN(60)), Limit: 1, Replace: r.IntN(4) > 0}
			go m.dial(w) // ends with Timing.Claim
		}
	case m != nil:
		m.mu.Lock()
		ids := slices.Sorted(maps.Keys(m.sessions))
		m.mu.Unlock()
		if len(ids) > 0 {
			m.End(ids[r.IntN(len(ids))], "")
		}
	}
}

// heal lets all machines run, and waits until they have all they need.
func (b *testbed) heal(left map[string]map[uint64]session) {
	pass(10 * time.Second)
	b.etcd.mu.Lock()
	b.etcd.rand = nil
	down := b.etcd.down
	b.etcd.mu.Unlock()
	if down {
		b.etcd.start()
	}
	for _, name := range b.names {
		b.mu.Lock()
		m := b.machines[name]
		b.mu.Unlock()
		if m == nil {
			m = b.run(name, left[name])
		}
		m.cut(false)
	}
	pass(2 * time.Minute)
}

// checkClaims compares the keys in etcd with the sessions.
func (b *testbed) checkClaims() {
	b.t.Helper()
	users, blocks := map[string]string{}, map[string]string{}
	for name, m := range b.machines {
		for id, s := range m.sessions {
			if s.want.User == "" {
				continue
			}
			key := userOf(s.want.User, 0)
			if users[key] != "" {
				b.t.Errorf("user %s has a session at %s, and session %d of %s", s.want.User, users[key], id, name)
			}
			users[key] = name
		}
		for block := range m.blocks {
			if key := blockOf(block); blocks[key] != "" {
				b.t.Errorf("block %v is of %s and of %s", block, blocks[key], name)
			}
			blocks[blockOf(block)] = m.member.self()
		}
	}
	if got := b.keys(userKey); !maps.Equal(got, users) {
		b.t.Errorf("etcd has the claims\n%v\nand sessions are\n%v", got, users)
	}
	if got := b.keys(blockKey); !maps.Equal(got, blocks) {
		b.t.Errorf("etcd has the blocks\n%v\nand machines have\n%v", got, blocks)
	}
}
