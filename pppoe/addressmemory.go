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
	by map[rememberedKey]int32 // positions in all
	// all is a ring: all[0] is its head, before the latest client and after the oldest one.
	all []rememberedAddress
}

// rememberedKey is a hash of what a client is known by. Of a million clients some hundred have that of
// another: they may be preferred each other's last address, if it is free and allowed.
type rememberedKey uint32

type rememberedAddress struct {
	key          rememberedKey
	addr         uint32 // as a number
	newer, older int32  // positions in all
}

func newAddressMemory(limit int) *addressMemory {
	return &addressMemory{seed: maphash.MakeSeed(), limit: max(limit, 1), by: make(map[rememberedKey]int32), all: make([]rememberedAddress, 1)}
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
		r.by[key] = at
		r.all[at].key, r.all[at].addr = key, addr
		r.moveToFront(at)
	}
}

// place returns the position for a key: its own, an additional one, or that of the oldest client.
func (r *addressMemory) place(key rememberedKey) int32 {
	if at, ok := r.by[key]; ok {
		return at
	}
	if len(r.all) <= r.limit {
		at := int32(len(r.all))
		r.all = append(r.all, rememberedAddress{newer: at, older: at})
		return at
	}
	oldest := r.all[0].newer
	delete(r.by, r.all[oldest].key)
	return oldest
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
		if at, ok := r.by[key]; ok {
			addrs = append(addrs, r.all[at].addr)
		}
	}
	return addrs
}
