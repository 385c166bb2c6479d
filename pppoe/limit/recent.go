package limit

// recent remembers clients for a time, in two generations of a Bloom filter: it says of a small part
// of the others that it has them, too. It has no memory before the first one is added.
type recent struct {
	generation int   // how many clients one generation remembers
	lifetime   int64 // how long one generation lasts, in ns

	now, before filter
	n           int   // clients in now
	since       int64 // when now began
}

// filter has bitsPerClient bits for each client of a generation: when that is full, it takes 1 in 33
// others for one of them.
type filter []uint64

const bitsPerClient = 8

// add remembers a client by its hash.
func (r *recent) add(now int64, hash [2]uint64) {
	if r.now == nil {
		size := r.generation * bitsPerClient / 64
		r.now, r.before = make(filter, size), make(filter, size)
		r.since = now
	}
	r.age(now)
	if !r.now.has(hash) {
		r.now.add(hash)
		r.n++
	}
}

// has reports whether a client was added lately.
func (r *recent) has(now int64, hash [2]uint64) bool {
	if r.now == nil {
		return false
	}
	r.age(now)
	return r.now.has(hash) || r.before.has(hash)
}

// age begins a generation when the current one is full or old.
func (r *recent) age(now int64) {
	if r.n < r.generation && now-r.since < r.lifetime {
		return
	}
	if now-r.since >= 2*r.lifetime {
		clear(r.now)
	}
	r.now, r.before = r.before, r.now
	clear(r.now)
	r.n, r.since = 0, now
}

func (f filter) add(hash [2]uint64) {
	for _, bit := range f.bits(hash) {
		f[bit/64] |= 1 << (bit % 64)
	}
}

func (f filter) has(hash [2]uint64) bool {
	for _, bit := range f.bits(hash) {
		if f[bit/64]&(1<<(bit%64)) == 0 {
			return false
		}
	}
	return true
}

// bits returns which bits a hash sets. The number of bits is a power of two.
func (f filter) bits(hash [2]uint64) [3]uint32 {
	mask := 64*uint32(len(f)) - 1
	return [3]uint32{uint32(hash[0]>>32) & mask, uint32(hash[1]) & mask, uint32(hash[1]>>32) & mask}
}
