package pppoe

import (
	"container/list"
	"hash/maphash"
	"sync"
)

// addressMemory remembers the pool index that a client had last, for when it returns: of the limit
// clients that had one most recently. It may be used concurrently.
type addressMemory struct {
	seed  maphash.Seed
	limit int

	mu    sync.Mutex
	order *list.List // of rememberedIndex, the latest first
	by    map[uint64]*list.Element
}

type rememberedIndex struct {
	key   uint64
	index int
}

func newAddressMemory(limit int) *addressMemory {
	return &addressMemory{seed: maphash.MakeSeed(), limit: limit, order: list.New(), by: make(map[uint64]*list.Element)}
}

// keysOf returns the keys under which a session's peer is remembered, the most specific first: its
// user at this Ethernet address and its user anywhere, as with a new router; or the Ethernet
// address alone if there is no authentication.
func (r *addressMemory) keysOf(info SessionInfo) []uint64 {
	if info.User == "" {
		return []uint64{maphash.Bytes(r.seed, info.Peer[:])}
	}
	return []uint64{maphash.String(r.seed, string(info.Peer[:])+info.User), maphash.String(r.seed, info.User)}
}

// remember records the pool index of a session's peer.
func (r *addressMemory) remember(info SessionInfo, index int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.keysOf(info) {
		if e := r.by[key]; e != nil {
			e.Value = rememberedIndex{key, index}
			r.order.MoveToFront(e)
			continue
		}
		r.by[key] = r.order.PushFront(rememberedIndex{key, index})
		if r.order.Len() > r.limit {
			delete(r.by, r.order.Remove(r.order.Back()).(rememberedIndex).key)
		}
	}
}

// indexesOf returns the pool indexes that a session's peer had last, the most specific first.
func (r *addressMemory) indexesOf(info SessionInfo) (indexes []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.keysOf(info) {
		if e := r.by[key]; e != nil {
			indexes = append(indexes, e.Value.(rememberedIndex).index)
		}
	}
	return indexes
}
