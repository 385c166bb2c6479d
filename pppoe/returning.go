package pppoe

import (
	"container/list"
	"hash/maphash"
	"sync"
)

// returning remembers which place in the pool a client had last, for when it comes back: of so
// many clients as had one lately. It may be used concurrently.
type returning struct {
	seed maphash.Seed
	most int

	mu    sync.Mutex
	order *list.List // of lastPlace, the latest first
	by    map[uint64]*list.Element
}

type lastPlace struct {
	client uint64
	place  int
}

func newReturning(most int) *returning {
	return &returning{seed: maphash.MakeSeed(), most: most, order: list.New(), by: make(map[uint64]*list.Element)}
}

// clientsOf are whom a session's peer may be known as, the surest first: its user at this station,
// and its user anywhere, as with a new router; or the station alone, where nobody has to prove
// who it is.
func (r *returning) clientsOf(l SessionInfo) []uint64 {
	if l.User == "" {
		return []uint64{maphash.Bytes(r.seed, l.Peer[:])}
	}
	return []uint64{maphash.String(r.seed, string(l.Peer[:])+l.User), maphash.String(r.seed, l.User)}
}

// remember notes which place a session's peer has.
func (r *returning) remember(l SessionInfo, place int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, client := range r.clientsOf(l) {
		if e := r.by[client]; e != nil {
			e.Value = lastPlace{client, place}
			r.order.MoveToFront(e)
			continue
		}
		r.by[client] = r.order.PushFront(lastPlace{client, place})
		if r.order.Len() > r.most {
			delete(r.by, r.order.Remove(r.order.Back()).(lastPlace).client)
		}
	}
}

// placesOf are the places that a session's peer had last, the surest first.
func (r *returning) placesOf(l SessionInfo) (places []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, client := range r.clientsOf(l) {
		if e := r.by[client]; e != nil {
			places = append(places, e.Value.(lastPlace).place)
		}
	}
	return places
}
