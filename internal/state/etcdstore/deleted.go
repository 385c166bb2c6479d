package etcdstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"upppoe/internal/state"
)

// deletedPart is a part of a record that somebody else has deleted, as by mistake.
type deletedPart struct {
	of    state.Generation
	key   string
	value []byte
}

// watchDeletions notes the records of sessions that go on which somebody else deletes, until the context ends.
func (s *Store) watchDeletions(ctx context.Context) {
	for ctx.Err() == nil {
		watch, stop := context.WithCancel(ctx)
		for changes := range s.client.Watch(watch, sessionsPrefix(s.prefix), clientv3.WithPrefix(), clientv3.WithFilterPut(), clientv3.WithPrevKV()) {
			s.noteDeletions(changes.Events)
		}
		stop()
		select {
		case <-ctx.Done():
		case <-time.After(retryInterval):
		}
	}
}

func (s *Store) noteDeletions(events []*clientv3.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.deleted)
	for _, e := range events {
		of, _, ok := parseKey(s.prefix, string(e.Kv.Key))
		if ok && e.PrevKv != nil && s.queue.goesOn(of) {
			s.deleted = append(s.deleted, deletedPart{of, string(e.Kv.Key), e.PrevKv.Value})
		}
	}
	if len(s.deleted) > before {
		s.wake()
	}
}

// goesOn reports whether etcd should have records of a session.
func (p *pending) goesOn(of state.Generation) bool {
	_, written := p.written[of]
	c := p.changed[of]
	return written && (c == nil || !c.ended)
}

// deletedBatch is how many parts are written in one transaction: each is a transaction in that.
const deletedBatch = maxOperations / 2

// writeDeleted writes what was deleted again. Run does nothing else meanwhile: a session that ends is deleted
// afterwards.
func (s *Store) writeDeleted(ctx context.Context) error {
	written := 0
	for parts := s.takeDeleted(); len(parts) > 0; parts = s.takeDeleted() {
		for batch := range slices.Chunk(parts, deletedBatch) {
			if err := s.commit(ctx, unlessThere(batch)); err != nil {
				return fmt.Errorf("write deleted records again: %w", err)
			}
		}
		written += len(parts)
	}
	if written > 0 && s.OnRestored != nil {
		s.OnRestored(written)
	}
	return nil
}

// takeDeleted returns what is to be written again of sessions that still go on.
func (s *Store) takeDeleted() (parts []deletedPart) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.deleted {
		if s.queue.goesOn(p.of) {
			parts = append(parts, p)
		}
	}
	s.deleted = nil
	return parts
}

// unlessThere returns the writes of parts, each unless it has been written since.
func unlessThere(parts []deletedPart) (all []clientv3.Op) {
	for _, p := range parts {
		missing := clientv3.Compare(clientv3.CreateRevision(p.key), "=", 0)
		all = append(all, clientv3.OpTxn([]clientv3.Cmp{missing}, []clientv3.Op{clientv3.OpPut(p.key, string(p.value))}, nil))
	}
	return all
}
