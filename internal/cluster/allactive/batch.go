package allactive

import (
	"context"
	"errors"
	"sync"
)

// errQueueFull is the error of a transaction of a login while too many wait.
var errQueueFull = errors.New("too many logins wait for etcd")

// maxQueued bounds the transactions that wait for a write.
const maxQueued = 1 << 14

// batcher joins transactions to writes: while one is on its way, others wait, and the next has as many as etcd
// takes. Of one key they are executed in the order of their calls. It may be used concurrently.
type batcher struct {
	commit func(ctx context.Context, all []Txn) ([]Result, error)

	mu      sync.Mutex // guards the following
	queue   []*waitingTxn
	writing bool
	writes  uint64 // that were tried
	txns    uint64 // in them
}

type waitingTxn struct {
	Txn
	done func(Result, error)
}

// add has a transaction executed, and then done called, by another goroutine. One with limited is refused if
// too many wait.
func (b *batcher) add(ctx context.Context, t Txn, limited bool, done func(Result, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if limited && len(b.queue) >= maxQueued {
		// Ends when done returns.
		go done(Result{}, errQueueFull)
		return
	}
	b.queue = append(b.queue, &waitingTxn{t, done})
	if !b.writing {
		b.writing = true
		// Ends when the queue is empty.
		go b.run(ctx)
	}
}

// do is add, and waits until the transaction is executed, or the context ends.
func (b *batcher) do(running, ctx context.Context, t Txn) (Result, error) {
	return b.doThen(running, ctx, t, func(Result) {})
}

// doThen is do, and calls executed if the transaction was executed and its conditions held, whenever that is.
func (b *batcher) doThen(running, ctx context.Context, t Txn, executed func(Result)) (Result, error) {
	type outcome struct {
		Result
		err error
	}
	done := make(chan outcome, 1)
	b.add(running, t, true, func(r Result, err error) {
		if err == nil && r.Done {
			executed(r)
		}
		done <- outcome{r, err}
	})
	select {
	case o := <-done:
		return o.Result, o.err
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

func (b *batcher) run(ctx context.Context) {
	for {
		batch := b.next()
		if batch == nil {
			return
		}
		all := make([]Txn, len(batch))
		for i, w := range batch {
			all[i] = w.Txn
		}
		results, err := b.commit(ctx, all)
		for i, w := range batch {
			if err != nil {
				w.done(Result{}, err)
			} else {
				w.done(results[i], nil)
			}
		}
	}
}

// next takes the next batch: no two of it write a key, and those of a key are in their order.
func (b *batcher) next() (batch []*waitingTxn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		b.writing, b.queue = false, nil
		return nil
	}
	keys := make(map[string]bool)
	var later []*waitingTxn
	for i, w := range b.queue {
		if len(batch) == maxTxns {
			later = append(later, b.queue[i:]...)
			break
		}
		if w.touches(keys) {
			later = append(later, w)
		} else {
			batch = append(batch, w)
		}
		w.addKeys(keys)
	}
	b.queue = later
	b.writes, b.txns = b.writes+1, b.txns+uint64(len(batch))
	return batch
}

// touches reports whether a transaction writes one of some keys.
func (t *Txn) touches(keys map[string]bool) bool {
	for _, p := range t.Put {
		if keys[p.Key] {
			return true
		}
	}
	for _, key := range t.Delete {
		if keys[key] {
			return true
		}
	}
	return false
}

func (t *Txn) addKeys(to map[string]bool) {
	for _, p := range t.Put {
		to[p.Key] = true
	}
	for _, key := range t.Delete {
		to[key] = true
	}
}

// counts returns how many writes were tried, and how many transactions they had.
func (b *batcher) counts() (writes, txns uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writes, b.txns
}
