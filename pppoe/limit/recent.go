package limit

import "time"

// refused remembers the clients that were refused lately, in two generations of a Bloom filter: it
// says of a small part of the others that they were, too. It has no memory before the first one is
// refused, and 1 MiB then.
type refused struct {
	now, before *filter
	n           int   // clients in now
	since       int64 // when now began
}

type filter [1 << 16]uint64

const (
	// generation is how many clients one generation remembers: 100,000 a second for 5 s, after which
	// clients repeat a PADI. Then 1 in 33 others is taken for one of them.
	generation         = 1 << 19
	generationLifetime = int64(30 * time.Second)
)

// add remembers a client by its hash.
func (r *refused) add(now int64, hash [2]uint64) {
	if r.now == nil {
		r.now, r.before = new(filter), new(filter)
		r.since = now
	}
	r.age(now)
	for _, bit := range bits(hash) {
		r.now[bit/64] |= 1 << (bit % 64)
	}
	r.n++
}

// has reports whether a client was refused lately.
func (r *refused) has(now int64, hash [2]uint64) bool {
	if r.now == nil {
		return false
	}
	r.age(now)
	return r.now.has(hash) || r.before.has(hash)
}

// age begins a generation when the current one is full or old.
func (r *refused) age(now int64) {
	if r.n < generation && now-r.since < generationLifetime {
		return
	}
	if now-r.since >= 2*generationLifetime {
		*r.now = filter{}
	}
	r.now, r.before = r.before, r.now
	*r.now = filter{}
	r.n, r.since = 0, now
}

func (f *filter) has(hash [2]uint64) bool {
	for _, bit := range bits(hash) {
		if f[bit/64]&(1<<(bit%64)) == 0 {
			return false
		}
	}
	return true
}

// bits returns which bits of a filter a hash sets.
func bits(hash [2]uint64) [3]uint32 {
	const mask = 64*uint32(len(filter{})) - 1
	return [3]uint32{uint32(hash[0]>>32) & mask, uint32(hash[1]) & mask, uint32(hash[1]>>32) & mask}
}
