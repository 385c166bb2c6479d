package allactive

import (
	"context"
	"time"
)

// follow keeps up with the keys of a prefix, until the context ends.
func (m *Member) follow(ctx context.Context, prefix string, reset func([]Pair), changed func(p Pair, deleted bool)) {
	for ctx.Err() == nil {
		all, revision, err := m.list(ctx, prefix)
		if err == nil {
			reset(all)
			m.cfg.Store.Watch(ctx, prefix, revision+1, changed)
		}
		select {
		case <-ctx.Done():
		case <-time.After(m.cfg.Timing.Tick):
		}
	}
}

// listTimeout bounds the time for all keys of a kind.
const listTimeout = 10 * time.Second

func (m *Member) list(ctx context.Context, prefix string) (all []Pair, revision int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	return m.cfg.Store.List(ctx, prefix)
}
