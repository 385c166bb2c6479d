package datapath

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// sessionTable finds sessions by key without a lock. It is a hash table with chains; its seed keeps
// a peer from choosing addresses that share a chain.
type sessionTable struct {
	write   sync.Mutex
	seed    maphash.Seed
	n       int
	buckets atomic.Pointer[[]atomic.Pointer[tableNode]] // a power of two of them
}

// tableNode is a session in a chain. Another table that replaces the buckets has other nodes, so
// that readers of the old one find its chains unchanged.
type tableNode struct {
	*entry
	next atomic.Pointer[tableNode]
}

// minBuckets is enough for a client.
const minBuckets = 8

func newSessionTable() *sessionTable {
	t := &sessionTable{seed: maphash.MakeSeed()}
	buckets := make([]atomic.Pointer[tableNode], minBuckets)
	t.buckets.Store(&buckets)
	return t
}

// chain returns the head of the chain that a key belongs to.
func (t *sessionTable) chain(buckets []atomic.Pointer[tableNode], k Key) *atomic.Pointer[tableNode] {
	return &buckets[maphash.Comparable(t.seed, k)&uint64(len(buckets)-1)]
}

// get returns the session with a key; nil: there is none.
func (t *sessionTable) get(k Key) *entry {
	for n := t.chain(*t.buckets.Load(), k).Load(); n != nil; n = n.next.Load() {
		if n.Key == k {
			return n.entry
		}
	}
	return nil
}

// put adds a session. It returns false if its key is in use.
func (t *sessionTable) put(e *entry) bool {
	t.write.Lock()
	defer t.write.Unlock()
	if t.get(e.Key) != nil {
		return false
	}
	buckets := *t.buckets.Load()
	if t.n >= len(buckets) {
		buckets = t.grow(buckets)
	}
	t.push(buckets, e)
	t.n++
	return true
}

// push adds a session at the head of its chain.
func (t *sessionTable) push(buckets []atomic.Pointer[tableNode], e *entry) {
	head := t.chain(buckets, e.Key)
	n := &tableNode{entry: e}
	n.next.Store(head.Load())
	head.Store(n)
}

// grow replaces the buckets by twice as many.
func (t *sessionTable) grow(old []atomic.Pointer[tableNode]) []atomic.Pointer[tableNode] {
	buckets := make([]atomic.Pointer[tableNode], 2*len(old))
	for i := range old {
		for n := old[i].Load(); n != nil; n = n.next.Load() {
			t.push(buckets, n.entry)
		}
	}
	t.buckets.Store(&buckets)
	return buckets
}

// take removes a session, and reports whether it was in the table.
func (t *sessionTable) take(e *entry) bool {
	t.write.Lock()
	defer t.write.Unlock()
	at := t.chain(*t.buckets.Load(), e.Key)
	for n := at.Load(); n != nil; at, n = &n.next, n.next.Load() {
		if n.entry == e {
			at.Store(n.next.Load())
			t.n--
			return true
		}
	}
	return false
}
