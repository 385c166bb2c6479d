// Package etcdstore keeps the records of sessions in etcd, for a successor on another machine.
//
// A Store writes them: batches of changes, one transaction after the other, each with the condition that
// its owner still owns them, so that a former owner never overwrites what its successor has written. While
// etcd is away only the latest value of each part is held, and all of it is written when etcd is back.
// A Mirror reads them: all that is there, and then each change, so that a standby has them before it
// needs them.
package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"upppoe/internal/state"
)

// ErrNotOwner is the end of a Store whose condition does not hold any more: a successor has the records.
var ErrNotOwner = errors.New("another machine owns the records of sessions in etcd")

// Limits of a transaction: etcd's --max-txn-ops is 128, its --max-request-bytes 1.5 MiB, by default.
const (
	maxOperations = 128
	maxOctets     = 1 << 20
)

// Times of a transaction.
const (
	writeTimeout  = 2 * time.Second
	retryInterval = 200 * time.Millisecond
)

// Store is a state.Store in etcd. Run writes what Put and Delete have queued.
type Store struct {
	client *clientv3.Client
	prefix string
	guard  []clientv3.Cmp

	wakeup chan struct{} // capacity 1
	mu     sync.Mutex    // guards the following
	queue  *pending
	stats  Stats
	idle   *sync.Cond // signalled when nothing is queued or being written any more
	busy   bool       // a batch is being written

	deleted []deletedPart // that are to be written again

	// OnRestored, if set before Run, is called when parts of records that somebody else had deleted are
	// written again.
	OnRestored func(parts int)
}

var _ state.Store = (*Store)(nil)

// Stats are counters of a Store since it was made.
type Stats struct {
	Transactions uint64 // that etcd has confirmed
	Operations   uint64 // of these: parts written, and sessions deleted
	Failures     uint64 // transactions without a confirmation, which were tried again
	Queued       int    // sessions with changes that etcd has not confirmed
	LastError    error  // of the last transaction; nil: it was confirmed
}

// New returns a Store whose keys begin with the prefix, which ends with "/". The guard is the condition of
// each transaction. written are the sessions that etcd has records of.
func New(client *clientv3.Client, prefix string, written []state.Generation, guard ...clientv3.Cmp) *Store {
	s := &Store{client: client, prefix: prefix, guard: guard, wakeup: make(chan struct{}, 1), queue: newPending(written)}
	s.idle = sync.NewCond(&s.mu)
	return s
}

// Put implements state.Store.
func (s *Store) Put(of state.Generation, part state.Part, value []byte) {
	s.mu.Lock()
	s.queue.put(of, part, value)
	s.mu.Unlock()
	s.wake()
}

// Delete implements state.Store.
func (s *Store) Delete(of state.Generation) {
	s.mu.Lock()
	s.queue.delete(of)
	s.mu.Unlock()
	s.wake()
}

func (s *Store) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default: // already woken
	}
}

// Stats returns the counters. It may be called at any time.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Queued += len(s.queue.changed)
	return stats
}

// Flush waits until everything that was queued is written, or the context ends.
func (s *Store) Flush(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.idle.Broadcast()
	})()
	s.mu.Lock()
	defer s.mu.Unlock()
	for (s.busy || len(s.queue.changed) > 0) && ctx.Err() == nil {
		s.idle.Wait()
	}
	return ctx.Err()
}

// Run writes until the context ends, or until the guard does not hold: ErrNotOwner. It may be called once.
func (s *Store) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// Ends with Run.
	go s.watchDeletions(ctx)
	for {
		if err := s.writeDeleted(ctx); err != nil {
			return err
		}
		batch := s.next()
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-s.wakeup:
			}
			continue
		}
		if err := s.write(ctx, batch); err != nil {
			return err
		}
	}
}

// next takes the next batch; none: the store is idle.
func (s *Store) next() []*change {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch := s.queue.take(maxOperations, maxOctets)
	s.busy, s.stats.Queued = len(batch) > 0, len(batch)
	if !s.busy {
		s.idle.Broadcast()
	}
	return batch
}

// write writes a batch, however often that must be tried: a transaction may be repeated.
func (s *Store) write(ctx context.Context, batch []*change) error {
	return s.commit(ctx, s.operations(batch))
}

func (s *Store) commit(ctx context.Context, operations []clientv3.Op) error {
	for {
		err := s.try(ctx, operations)
		s.wrote(len(operations), err)
		if err == nil || errors.Is(err, ErrNotOwner) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryInterval):
		}
	}
}

func (s *Store) operations(batch []*change) (all []clientv3.Op) {
	for _, c := range batch {
		if c.ended {
			all = append(all, clientv3.OpDelete(sessionKey(s.prefix, c.of), clientv3.WithPrefix()))
			continue
		}
		for _, part := range c.partNumbers() {
			all = append(all, clientv3.OpPut(partKey(s.prefix, c.of, part), string(c.parts[part])))
		}
	}
	return all
}

func (s *Store) try(ctx context.Context, operations []clientv3.Op) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	done, err := s.client.Txn(ctx).If(s.guard...).Then(operations...).Else(s.ownerKeys()...).Commit()
	if err != nil {
		return fmt.Errorf("write to etcd: %w", err)
	}
	if !done.Succeeded {
		return notOwner(done)
	}
	return nil
}

// ownerKeys returns how the keys are read that the guard compares.
func (s *Store) ownerKeys() (gets []clientv3.Op) {
	for _, g := range s.guard {
		gets = append(gets, clientv3.OpGet(string(g.KeyBytes())))
	}
	return gets
}

// errOwnerMissing is the error of a transaction whose guard does not hold as a key is gone. Its owner writes it
// again.
var errOwnerMissing = errors.New("the key of the owner was deleted")

// notOwner returns the error of a transaction whose guard does not hold.
func notOwner(done *clientv3.TxnResponse) error {
	for _, r := range done.Responses {
		if len(r.GetResponseRange().Kvs) == 0 {
			return errOwnerMissing
		}
	}
	return ErrNotOwner
}

// wrote counts a transaction.
func (s *Store) wrote(operations int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.LastError = err
	if err != nil {
		s.stats.Failures++
		return
	}
	s.stats.Transactions++
	s.stats.Operations += uint64(operations)
}
