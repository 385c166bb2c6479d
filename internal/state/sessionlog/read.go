package sessionlog

import (
	"cmp"
	"iter"
	"slices"

	"upppoe/internal/state"
)

// Records implements state.Loader: it returns what is in the file. A session that is deleted during the
// iteration may be left out.
func (l *Log) Records() iter.Seq2[state.Generation, state.Record] {
	return func(yield func(state.Generation, state.Record) bool) {
		var from ahead
		for _, of := range l.generations() {
			if r := l.read(of, &from); r != nil && !yield(of, r) {
				return
			}
		}
	}
}

// generations returns those of all sessions, in the order of the file.
func (l *Log) generations() []state.Generation {
	type session struct {
		of state.Generation
		at place
	}
	l.mu.Lock()
	all := make([]session, 0, len(l.index.sessions))
	for of, p := range l.index.sessions {
		all = append(all, session{of, p[state.Session-1]})
	}
	l.mu.Unlock()
	slices.SortFunc(all, func(a, b session) int { return cmp.Compare(a.at, b.at) })
	of := make([]state.Generation, len(all))
	for i := range all {
		of[i] = all[i].of
	}
	return of
}

// read reads a session's record; nil: there is none. A part that cannot be read is left out.
func (l *Log) read(of state.Generation, from *ahead) state.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.index.sessions[of]
	if !ok {
		return nil
	}
	r := make(state.Record)
	for _, p := range at {
		if p == 0 {
			continue
		}
		b, err := from.read(l.file, p, l.end)
		got, v := parseRecord(b, l.header.salt)
		if err != nil || v != isRecord {
			l.counts.unreadable++
			continue
		}
		r[got.part] = slices.Clone(got.value)
	}
	return r
}

// ahead reads records of a file, with what follows them.
type ahead struct {
	file file
	at   int64
	b    []byte
}

// readAhead is how much is read at a time of a file in which records of sessions follow one another.
const readAhead = 64 << 10

// read returns a record of a file with an end, until the next call.
func (a *ahead) read(f file, p place, end int64) ([]byte, error) {
	from := p.at() - a.at
	if a.file != f || from < 0 || from+int64(p.size()) > int64(len(a.b)) {
		size := int64(p.size())
		if a.file != f || from >= 0 && from <= int64(len(a.b))+readAhead {
			size = max(size, min(readAhead, end-p.at()))
		}
		b := make([]byte, size)
		if _, err := f.ReadAt(b, p.at()); err != nil {
			return nil, err
		}
		if size < readAhead && a.file == f {
			return b, nil // apart from the others
		}
		a.file, a.at, a.b, from = f, p.at(), b, 0
	}
	return a.b[from : from+int64(p.size())], nil
}
