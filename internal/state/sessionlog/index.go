package sessionlog

import "upppoe/internal/state"

// place is where a record is in the file: 40 bits of offset, 24 of its size. 0: there is none.
type place uint64

const sizeBits = 24

func newPlace(at int64, size int) place { return place(at)<<sizeBits | place(size) }

func (p place) at() int64 { return int64(p >> sizeBits) }
func (p place) size() int { return int(p & (1<<sizeBits - 1)) }

// places are those of the parts of a session's record, at part-1.
type places [state.LastPart]place

// index says where the valid records of a file are. It must not be used concurrently.
type index struct {
	sessions map[state.Generation]places
	live     int64 // octets of valid records
	largest  state.Generation
}

func newIndex() index { return index{sessions: make(map[state.Generation]places)} }

// apply notes a record that is at a place.
func (x *index) apply(at int64, r record) {
	x.largest = max(x.largest, r.of)
	switch {
	case r.kind == kindDelete:
		for _, p := range x.sessions[r.of] {
			x.live -= int64(p.size())
		}
		delete(x.sessions, r.of)
	case isKnown(r):
		of := x.sessions[r.of]
		p := &of[r.part-1]
		x.live += int64(r.size() - p.size())
		*p = newPlace(at, r.size())
		x.sessions[r.of] = of
	}
}

// isValid reports whether a record at a place is a valid one.
func (x *index) isValid(at int64, r record) bool {
	return isKnown(r) && x.sessions[r.of][r.part-1] == newPlace(at, r.size())
}

// isKnown reports whether a record is a part that this program knows.
func isKnown(r record) bool {
	return r.kind == kindPut && r.part >= 1 && r.part <= state.LastPart
}
