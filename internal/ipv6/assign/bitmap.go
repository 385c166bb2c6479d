package assign

import "math/bits"

// wordBits is the number of indexes in a word of a bitmap.
const wordBits = 64

// levels is how many levels of words cover all indexes of a pool.
const levels = (maxIndexBits + 5) / 6

// bitmap is a sparse set of indexes below 1<<maxIndexBits that finds the next free one in constant
// time, however many are in use. A bit of level 0 is an index in use; a bit of a higher level is a
// word of the level below that is full.
type bitmap struct {
	words [levels]map[uint64]uint64
	count uint64
}

func newBitmap() *bitmap {
	b := &bitmap{}
	for i := range b.words {
		b.words[i] = make(map[uint64]uint64)
	}
	return b
}

// has reports whether an index is in use.
func (b *bitmap) has(i uint64) bool { return b.words[0][i/wordBits]>>(i%wordBits)&1 == 1 }

// add adds an index that is not in use.
func (b *bitmap) add(i uint64) {
	b.count++
	for level := range b.words {
		word := b.words[level][i/wordBits] | 1<<(i%wordBits)
		b.words[level][i/wordBits] = word
		if word != ^uint64(0) {
			return
		}
		i /= wordBits
	}
}

// remove removes an index that is in use.
func (b *bitmap) remove(i uint64) {
	b.count--
	for level := range b.words {
		before := b.words[level][i/wordBits]
		if word := before &^ (1 << (i % wordBits)); word != 0 {
			b.words[level][i/wordBits] = word
		} else {
			delete(b.words[level], i/wordBits)
		}
		if before != ^uint64(0) {
			return
		}
		i /= wordBits
	}
}

// nextFree returns the first index from i on that is not in use. It may be beyond the pool.
func (b *bitmap) nextFree(i uint64) uint64 {
	level := 0
	for ; level < levels; level++ {
		// The bits below i in its word are ignored.
		if free := ^b.words[level][i/wordBits] & (^uint64(0) << (i % wordBits)); free != 0 {
			i = i/wordBits*wordBits + uint64(bits.TrailingZeros64(free))
			break
		}
		i = i/wordBits + 1
	}
	for ; level > 0; level-- {
		i = i*wordBits + uint64(bits.TrailingZeros64(^b.words[level-1][i]))
	}
	return i
}
