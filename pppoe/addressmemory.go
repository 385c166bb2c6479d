package pppoe

import (
	"hash/maphash"
	"sync"
)

// addressMemory remembers the address of a pool that a client had last, for when it returns: of the limit
// clients that had one most recently. It may be used concurrently.
type addressMemory struct {
	seed  maphash.Seed
	limit int

	mu sync.Mutex
	// all is a ring: all[0] is its head, before the latest client and after the oldest one.
	all []rememberedAddress
	// chains are the positions in all at which the search for a key begins, by its last bits; 0: nowhere. A
	// map takes twice the memory. They are a power of two, and at least half of the clients.
	chains []int32
}

// rememberedKey is a hash of what a client is known by. Of a million clients some hundred have that of
// another: they may be preferred each other's last address, if it is free and allowed.
type rememberedKey uint32

type rememberedAddress struct {
	key          rememberedKey
	addr         uint32 // as a number
	newer, older int32  // positions in all
	next         int32  // of the same chain; 0: none
}

func newAddressMemory(limit int) *addressMemory {
	return &addressMemory{seed: maphash.MakeSeed(), limit: max(limit, 1), all: make([]rememberedAddress, 1), chains: make([]int32, 1)}
}

// keysOf returns the keys under which a session's peer is remembered, the most specific first: its
// user at this Ethernet address and its user anywhere, as with a new router; or the Ethernet
// address alone if there is no authentication.
func (r *addressMemory) keysOf(info SessionInfo) []rememberedKey {
	if info.User == "" {
		return []rememberedKey{rememberedKey(maphash.Bytes(r.seed, info.Peer[:]))}
	}
	return []rememberedKey{rememberedKey(maphash.String(r.seed, string(info.Peer[:])+info.User)), rememberedKey(maphash.String(r.seed, info.User))}
}

// remember records the address of a session's peer.
func (r *addressMemory) remember(info SessionInfo, addr uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.keysOf(info) {
		at := r.place(key)
		r.all[at].addr = addr
		r.moveToFront(at)
	}
}

// place returns the position for a key: its own, an additional one, or that of the oldest client.
func (r *addressMemory) place(key rememberedKey) int32 {
	at := *r.find(key)
	switch {
	case at != 0:
		return at
	case len(r.all) <= r.limit:
		at = int32(len(r.all))
		r.all = append(r.all, rememberedAddress{newer: at, older: at})
		r.growChains()
	default:
		at = r.all[0].newer
		*r.find(r.all[at].key) = r.all[at].next
	}
	r.all[at].key, r.all[at].next = key, 0
	*r.find(key) = at
	return at
}

// find returns what refers to the position of a key: the end of its chain, if there is none.
func (r *addressMemory) find(key rememberedKey) *int32 {
	at := &r.chains[int(key)&(len(r.chains)-1)]
	for *at != 0 && r.all[*at].key != key {
		at = &r.all[*at].next
	}
	return at
}

// growChains doubles the chains if there are too few for the clients.
func (r *addressMemory) growChains() {
	if len(r.all) <= 2*len(r.chains) {
		return
	}
	r.chains = make([]int32, 2*len(r.chains))
	for at := 1; at < len(r.all)-1; at++ { // the last is not in use yet
		r.all[at].next = 0
		*r.find(r.all[at].key) = int32(at)
	}
}

// moveToFront makes the client at a position the latest.
func (r *addressMemory) moveToFront(at int32) {
	e := &r.all[at]
	r.all[e.newer].older, r.all[e.older].newer = e.older, e.newer
	e.newer, e.older = 0, r.all[0].older
	r.all[e.older].newer, r.all[0].older = at, at
}

// addressesOf returns the addresses, as numbers, that a session's peer had last, the most specific first.
func (r *addressMemory) addressesOf(info SessionInfo) (addrs []uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.keysOf(info) {
		if at := *r.find(key); at != 0 {
			addrs = append(addrs, r.all[at].addr)
		}
	}
	return addrs
}
