package allactive

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// memory is a twin of etcd in memory. Time is that of the test's bubble.
type memory struct {
	mu       sync.Mutex
	rand     *rand.Rand // of latencies and lost answers; nil: there are none
	revision int64
	pairs    map[string]Pair
	leases   map[LeaseID]*memoryLease
	next     LeaseID
	watchers map[*memoryWatcher]bool
	down     bool
	commits  int
}

type memoryLease struct {
	ttl time.Duration
	end time.Time
}

type memoryWatcher struct {
	prefix  string
	changes []memoryChange
	wake    chan struct{}
}

type memoryChange struct {
	Pair
	deleted bool
}

func newMemory() *memory {
	return &memory{pairs: map[string]Pair{}, leases: map[LeaseID]*memoryLease{}, watchers: map[*memoryWatcher]bool{}}
}

// stop stops the server, and start starts it with all its data: leases begin anew.
func (s *memory) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	s.down = true
}

func (s *memory) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
	for _, l := range s.leases {
		l.end = time.Now().Add(l.ttl)
	}
}

// wipe removes all data.
func (s *memory) wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pairs, s.leases = map[string]Pair{}, map[LeaseID]*memoryLease{}
}

// expire ends the leases that are over.
func (s *memory) expire() {
	for id, l := range s.leases {
		if !s.down && !time.Now().Before(l.end) {
			s.revoke(id)
		}
	}
}

func (s *memory) revoke(id LeaseID) {
	delete(s.leases, id)
	s.revision++
	for key, p := range s.pairs {
		if p.Lease == id {
			s.remove(key)
		}
	}
}

func (s *memory) remove(key string) {
	if _, is := s.pairs[key]; is {
		delete(s.pairs, key)
		s.notify(memoryChange{Pair{Key: key, Revision: s.revision}, true})
	}
}

func (s *memory) notify(c memoryChange) {
	for w := range s.watchers {
		if strings.HasPrefix(c.Key, w.prefix) {
			w.changes = append(w.changes, c)
			select {
			case w.wake <- struct{}{}:
			default:
			}
		}
	}
}

func (s *memory) commit(all []Txn) (results []Result, err error) {
	s.expire()
	s.commits++
	written := map[string]bool{}
	for _, t := range all {
		for _, p := range t.Put {
			if s.leases[p.Lease] == nil && p.Lease != 0 {
				return nil, errors.New("requested lease not found")
			}
			if written[p.Key] {
				return nil, errors.New("duplicate key given in txn request")
			}
			written[p.Key] = true
		}
		for _, key := range t.Delete {
			if written[key] {
				return nil, errors.New("duplicate key given in txn request")
			}
			written[key] = true
		}
	}
	s.revision++
	for _, t := range all {
		results = append(results, s.execute(t))
	}
	return results, nil
}

func (s *memory) execute(t Txn) Result {
	r := Result{Done: true, Revision: s.revision}
	for _, c := range t.If {
		is, exists := s.pairs[c.Key]
		switch {
		case c.Absent:
			r.Done = r.Done && !exists
		case c.Revision != 0:
			r.Done = r.Done && exists && is.Revision == c.Revision
		default:
			r.Done = r.Done && exists && is.Value == c.Value
		}
		if exists {
			r.Found = append(r.Found, is)
		}
	}
	if !r.Done {
		return r
	}
	r.Found = nil
	for _, p := range t.Put {
		p.Revision = s.revision
		s.pairs[p.Key] = p
		s.notify(memoryChange{p, false})
	}
	for _, key := range t.Delete {
		s.remove(key)
	}
	return r
}

// memoryClient is a client's way to it.
type memoryClient struct {
	*memory
	cut bool // by memory.mu: it reaches nothing
}

var _ Store = (*memoryClient)(nil)

var errUnreachable = errors.New("unreachable")

// call is a request: it may be lost, or its answer.
func (c *memoryClient) call(ctx context.Context, do func() error) error {
	c.mu.Lock()
	latency, lost, late := time.Duration(0), false, time.Duration(0)
	if c.rand != nil {
		latency = time.Duration(c.rand.IntN(20)) * time.Millisecond
		lost = c.rand.IntN(200) == 0
		if c.rand.IntN(200) == 0 {
			late = 3 * time.Second
		}
	}
	c.mu.Unlock()
	if late > 0 { // it waits in a queue, until after the client has given up
		go func() {
			time.Sleep(late)
			c.mu.Lock()
			defer c.mu.Unlock()
			if !c.down {
				do()
			}
		}()
		lost = true
	} else if latency > 0 {
		time.Sleep(latency)
	}
	c.mu.Lock()
	if !c.cut && !c.down && late == 0 {
		err := do()
		if !lost {
			c.mu.Unlock()
			return err
		}
	}
	c.mu.Unlock()
	<-ctx.Done()
	return errUnreachable
}

func (c *memoryClient) Commit(ctx context.Context, all []Txn) (results []Result, err error) {
	var answer []Result
	err = c.call(ctx, func() (err error) {
		r, err := c.commit(all)
		answer = r
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func (c *memoryClient) List(ctx context.Context, prefix string) (all []Pair, revision int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err = c.call(ctx, func() error {
		c.expire()
		all = nil
		for _, key := range slices.Sorted(maps.Keys(c.pairs)) {
			if strings.HasPrefix(key, prefix) {
				all = append(all, c.pairs[key])
			}
		}
		revision = c.revision
		return nil
	})
	return all, revision, err
}

func (c *memoryClient) Watch(ctx context.Context, prefix string, from int64, changed func(Pair, bool)) error {
	w := &memoryWatcher{prefix: prefix, wake: make(chan struct{}, 1)}
	c.mu.Lock()
	if c.revision >= from || c.cut || c.down {
		c.mu.Unlock()
		return errors.New("compacted")
	}
	c.watchers[w] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.watchers, w)
		c.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wake:
		case <-time.After(100 * time.Millisecond):
		}
		c.mu.Lock()
		changes, gone := w.changes, c.cut || c.down
		w.changes = nil
		c.expire()
		c.mu.Unlock()
		if gone {
			return errUnreachable
		}
		for _, p := range changes {
			changed(p.Pair, p.deleted)
		}
	}
}

func (c *memoryClient) Grant(ctx context.Context, ttl time.Duration) (id LeaseID, err error) {
	err = c.call(ctx, func() error {
		c.next++
		id = c.next
		c.leases[id] = &memoryLease{ttl, time.Now().Add(ttl)}
		return nil
	})
	return id, err
}

func (c *memoryClient) Renew(ctx context.Context, id LeaseID) (ttl time.Duration, revision int64, err error) {
	err = c.call(ctx, func() error {
		c.expire()
		l := c.leases[id]
		if l == nil {
			return ErrNoLease
		}
		l.end = time.Now().Add(l.ttl)
		ttl, revision = l.ttl, c.revision
		return nil
	})
	return ttl, revision, err
}

func (c *memoryClient) Revoke(ctx context.Context, id LeaseID) error {
	return c.call(ctx, func() error {
		if c.leases[id] == nil {
			return ErrNoLease
		}
		c.revoke(id)
		return nil
	})
}

func (c *memoryClient) Attached(ctx context.Context, id LeaseID) (keys []string, err error) {
	err = c.call(ctx, func() error {
		c.expire()
		if c.leases[id] == nil {
			return ErrNoLease
		}
		keys = nil
		for key, p := range c.pairs {
			if p.Lease == id {
				keys = append(keys, key)
			}
		}
		return nil
	})
	return keys, err
}
