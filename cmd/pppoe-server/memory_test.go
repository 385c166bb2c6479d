package main

import (
	"runtime/debug"
	"testing"
)

// TestMemoryIsReturnedAfterBursts has the heap, in MiB, at the ends of successive intervals.
func TestMemoryIsReturnedAfterBursts(t *testing.T) {
	var m memoryMonitor
	for i, c := range []struct {
		allocated, held, kept uint64 // kept: held after a return
		due                   bool
	}{
		{allocated: 50, held: 40},                      // the accounts were read
		{allocated: 50, held: 40, due: true, kept: 16}, // once that is over
		{allocated: 51, held: 17},
		{allocated: 400, held: 200}, // sessions are set up
		{allocated: 800, held: 260},
		{allocated: 801, held: 260, due: true, kept: 100},
		{allocated: 805, held: 104}, // echoes
		{allocated: 809, held: 108},
		{allocated: 813, held: 112},
		{allocated: 817, held: 116, due: true, kept: 101},
		{allocated: 818, held: 102},
	} {
		if due := m.due(heapSample{c.allocated << 20, c.held << 20}); due != c.due {
			t.Errorf("interval %d: due: %v", i, due)
		}
		if c.due {
			m.returned(heapSample{held: c.kept << 20})
		}
	}
}

func TestHeldMemoryShrinks(t *testing.T) {
	garbage := make([]byte, 64<<20)
	before := sampleHeap()
	garbage[0] = 1
	garbage = nil
	debug.FreeOSMemory()
	if after := sampleHeap(); after.held+60<<20 > before.held || after.allocated < before.allocated {
		t.Errorf("%+v, then %+v", before, after)
	}
}
