package pppoe

import (
	"slices"
	"testing"
)

// TestSessionIDs: each ID from 1 to the maximum once; one that is released is assigned after all
// others that are free.
func TestSessionIDs(t *testing.T) {
	for _, max := range []int{1, 3, 64, 65, maxSessions} {
		ids := newSessionIDs(max, new(int))
		if ids.isFree(0) || !ids.isFree(1) || !ids.isFree(uint16(max)) || ids.isFree(uint16(max+1)) {
			t.Errorf("of %d, the free ones are wrong", max)
		}
		for want := 1; want <= max; want++ {
			if id, ok := ids.assign(); !ok || int(id) != want || ids.isFree(id) {
				t.Fatalf("of %d: %d, %v, want %d", max, id, ok, want)
			}
		}
		if id, ok := ids.assign(); ok {
			t.Errorf("of %d, %d is assigned twice", max, id)
		}
	}
	ids := newSessionIDs(3, new(int))
	var got []uint16
	assign := func() {
		id, ok := ids.assign()
		if !ok {
			t.Fatal("none is free")
		}
		got = append(got, id)
	}
	assign()
	ids.release(1)
	assign()
	assign()
	assign()
	ids.release(2)
	assign()
	if want := []uint16{1, 2, 3, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("assigned %v, want %v", got, want)
	}
}

// TestSessionIDsAboveMaximum: an attachment has no more than RFC 2516 section 4 allows.
func TestSessionIDsAboveMaximum(t *testing.T) {
	ids := newSessionIDs(1_000_000, new(int))
	for range maxSessions {
		if id, ok := ids.assign(); !ok || id == 0 || id == 0xffff {
			t.Fatalf("%#x, %v", id, ok)
		}
	}
	if _, ok := ids.assign(); ok {
		t.Error("there are more than 65,534")
	}
}

// TestSessionIDsMemory: IDs are unique however many there were, and few need little memory.
func TestSessionIDsMemory(t *testing.T) {
	last := 60000
	ids := newSessionIDs(maxSessions, &last)
	seen := make(map[uint16]bool)
	for i := range 3 * maxFew {
		id, ok := ids.assign()
		if !ok || seen[id] || ids.isFree(id) {
			t.Fatalf("ID %d, %v", id, ok)
		}
		seen[id] = true
		if few := i < maxFew; few != (ids.used == nil) {
			t.Fatalf("%d IDs: %d bits", i+1, 64*len(ids.used))
		}
	}
	for id := range seen {
		if ids.release(id); !ids.isFree(id) {
			t.Errorf("%d is in use after its release", id)
		}
	}
	if ids.n != 0 {
		t.Errorf("%d in use", ids.n)
	}
}
