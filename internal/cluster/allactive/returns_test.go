package allactive

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// withoutLeases is a Store that refuses to lease blocks at times.
type withoutLeases struct {
	*memoryClient
	refuses atomic.Bool
}

func (s *withoutLeases) Commit(ctx context.Context, all []Txn) ([]Result, error) {
	isBlock := func(p Pair) bool { return strings.HasPrefix(p.Key, blockKey) }
	if s.refuses.Load() && slices.ContainsFunc(all, func(t Txn) bool { return slices.ContainsFunc(t.Put, isBlock) }) {
		return nil, errUnreachable
	}
	return s.memoryClient.Commit(ctx, all)
}

// TestReturnWithoutBlocks: a machine that has lost its blocks, and reaches etcd again, admits no session before it has
// leased others: there would be no address for it.
func TestReturnWithoutBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestbed(t, "a")
		store := &withoutLeases{memoryClient: &memoryClient{memory: b.etcd}}
		b.change = func(c *Config) { c.Store = store }
		cut := func(is bool) {
			b.etcd.mu.Lock()
			defer b.etcd.mu.Unlock()
			store.cut = is
		}
		one := b.run("a", nil)
		pass(time.Second)
		mustDial(t, one, alice(true))
		cut(true)
		pass(testTiming.Hold)
		if _, err := one.dial(alice(true)); one.count() != 0 || !errors.Is(err, ErrAway) {
			t.Errorf("%d sessions, and a login: %v", one.count(), err)
		}
		store.refuses.Store(true)
		cut(false)
		pass(5 * time.Second)
		if one.admits() || one.blockCount() > 0 {
			t.Errorf("sessions can begin: %v, with %d blocks", one.admits(), one.blockCount())
		}
		store.refuses.Store(false)
		pass(5 * time.Second)
		mustDial(t, one, alice(true))
		b.stopAll()
	})
}
