package state

import (
	"iter"
	"maps"
	"slices"
	"sync"
)

// Memory is a Store in memory, for tests. The zero value is empty.
type Memory struct {
	mu      sync.Mutex
	records map[Generation]Record
}

var (
	_ Store  = (*Memory)(nil)
	_ Loader = (*Memory)(nil)
)

// Put implements Store.
func (m *Memory) Put(of Generation, part Part, value []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		m.records = make(map[Generation]Record)
	}
	r := maps.Clone(m.records[of])
	if r == nil {
		r = make(Record)
	}
	r[part] = slices.Clone(value)
	m.records[of] = r
}

// Delete implements Store.
func (m *Memory) Delete(of Generation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, of)
}

// Records implements Loader.
func (m *Memory) Records() iter.Seq2[Generation, Record] {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.All(maps.Clone(m.records))
}
