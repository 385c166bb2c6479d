package sessionlog

import "upppoe/internal/state"

// waiting is what has been put and is not being written yet: records one after another, as they will be in
// the file. It must not be used concurrently.
type waiting struct {
	b    []byte
	salt uint32
	// limit is how long b may become before what is outdated in it is removed.
	limit int
}

// minLimit is more than what is put between two writes, unless the disk is slow.
const minLimit = 1 << 20

func (w *waiting) add(r record) { w.b = r.appendTo(w.b, w.salt) }

// isCrowded reports whether squeeze is due.
func (w *waiting) isCrowded() bool { return len(w.b) > max(w.limit, minLimit) }

// squeeze removes what later records have outdated, and returns how many records that were. Deletions of
// sessions of which nothing is known outside are removed as well, so that no more stays than the newest
// state of each session. Its cost is that of the records added since the last one.
func (w *waiting) squeeze(isKnownOutside func(state.Generation) bool) (removed int) {
	last := make(map[state.Generation]*newest)
	eachRecord(w.b, func(at int, r record) { noteNewest(last, at, r) })
	kept := w.b[:0]
	eachRecord(w.b, func(at int, r record) {
		if last[r.of].keeps(at, r) && (r.kind != kindDelete || isKnownOutside(r.of)) {
			kept = append(kept, w.b[at:at+r.size()]...)
		} else {
			removed++
		}
	})
	w.b, w.limit = kept, 2*len(kept)
	return removed
}

// newest is where the newest records of a session are, from 1; 0: there is none.
type newest struct {
	deleted int
	parts   [state.LastPart]int
}

func noteNewest(last map[state.Generation]*newest, at int, r record) {
	of := last[r.of]
	if of == nil {
		of = &newest{}
		last[r.of] = of
	}
	if r.kind == kindDelete {
		*of = newest{deleted: at + 1}
	} else {
		of.parts[r.part-1] = at + 1
	}
}

func (n *newest) keeps(at int, r record) bool {
	if r.kind == kindDelete {
		return n.deleted == at+1
	}
	return n.parts[r.part-1] == at+1
}
