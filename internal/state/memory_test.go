package state

import "testing"

// TestMemory: parts are kept apart, replaced, and deleted together.
func TestMemory(t *testing.T) {
	var m Memory
	value := []byte("one")
	m.Put(1, Session, value)
	value[0] = 'x'
	m.Put(1, IPv6, []byte("prefix"))
	m.Put(2, Session, []byte("two"))
	m.Put(1, Session, []byte("new"))
	before := m.Records()
	m.Delete(2)
	n := 0
	for generation, r := range m.Records() {
		if n++; generation != 1 || string(r[Session]) != "new" || string(r[IPv6]) != "prefix" {
			t.Errorf("record of %d: %q", generation, r)
		}
	}
	if n != 1 {
		t.Errorf("%d records, want 1", n)
	}
	n = 0
	for range before {
		n++
	}
	if n != 2 {
		t.Errorf("records returned earlier have changed: %d, want 2", n)
	}
}
