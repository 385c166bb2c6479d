package pppoe

import (
	"container/list"
	"hash/maphash"
	"sync"
)

// addressMemory remembers which place in the pool a client had last, for when it comes back: of so
// many clients as had one lately. It may be used concurrently.
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

func newAddressMemory(most int) *addressMemory {
	return &addressMemory{seed: maphash.MakeSeed(), limit: most, order: list.New(), by: make(map[uint64]*list.Element)}
}

// keysOf are whom a session's peer may be known as, the surest first: its user at this station,
// and its user anywhere, as with a new router; or the station alone, where nobody has to prove
// who it is.
func (r *addressMemory) keysOf(l SessionInfo) []uint64 {
	if l.User == "" {
		return []uint64{maphash.Bytes(r.seed, l.Peer[:])}
	}
	return []uint64{maphash.String(r.seed, string(l.Peer[:])+l.User), maphash.String(r.seed, l.User)}
}

// remember notes which place a session's peer has.
func (r *addressMemory) remember(l SessionInfo, place int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, client := range r.keysOf(l) {
		if e := r.by[client]; e != nil {
			e.Value = rememberedIndex{client, place}
			r.order.MoveToFront(e)
			continue
		}
		r.by[client] = r.order.PushFront(rememberedIndex{client, place})
		if r.order.Len() > r.limit {
			delete(r.by, r.order.Remove(r.order.Back()).(rememberedIndex).key)
		}
	}
}

// indexesOf are the places that a session's peer had last, the surest first.
func (r *addressMemory) indexesOf(l SessionInfo) (places []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, client := range r.keysOf(l) {
		if e := r.by[client]; e != nil {
			places = append(places, e.Value.(rememberedIndex).index)
		}
	}
	return places
}
