package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"upppoe/internal/process/programpages"
)

// gcPercent is how much memory may be allocated before it is collected, in percent of what is in
// use. A server of tens of thousands of sessions holds most of its memory for hours, so that the
// default of 100 would double it, and a collection is due only while sessions come and go.
const gcPercent = 20

// limitMemory applies gcPercent, unless the environment has GOGC, and samples allocations only if profiles
// are served: the samples of a large server take more than a MiB.
func limitMemory(profiles bool) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if !profiles {
		runtime.MemProfileRate = 0
	}
}

// growingGCPercent takes the place of gcPercent while sessions are adopted: the heap grows from nothing to what it will be,
// and would be collected at each fifth.
const growingGCPercent = 100

// growMemory applies growingGCPercent until done is called.
func growMemory() (done func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	debug.SetGCPercent(growingGCPercent)
	return func() { debug.SetGCPercent(gcPercent) }
}

// memoryInterval is how often it is checked whether there is memory to return to the system.
const memoryInterval = 5 * time.Second

// returnMemory collects garbage and returns free memory to the system when a burst is over, as of
// set-ups or of accounts read, until ctx ends; and what of the program only the burst has used, or the
// start. The runtime alone would keep what the burst has left for as long as the sessions last: an idle
// server allocates too little for a collection.
func returnMemory(ctx context.Context) {
	programpages.Unmap() // an error leaves them mapped
	ticks := time.NewTicker(memoryInterval)
	defer ticks.Stop()
	var m memoryMonitor
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if m.due(sampleHeap()) {
				debug.FreeOSMemory()
				programpages.Unmap()
				m.returned(sampleHeap())
			}
		}
	}
}

// heapSample is what the heap is at a time, in octets.
type heapSample struct {
	allocated uint64 // since the start
	held      uint64 // of the system
}

func sampleHeap() heapSample {
	s := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(s)
	return heapSample{s[0].Value.Uint64(), s[1].Value.Uint64() + s[2].Value.Uint64() + s[3].Value.Uint64()}
}

// memoryMonitor decides when memory is returned. The zero value is ready.
type memoryMonitor struct {
	allocated uint64 // at the last sample
	busy      bool   // a burst has not been followed by a return
	kept      uint64 // held after the last return
}

// due reports whether memory is to be returned now: in an interval in which little was allocated, after
// one in which much was, or if the heap has grown since by more than an eighth.
func (m *memoryMonitor) due(s heapSample) bool {
	burst := s.allocated-m.allocated > s.held/16+1<<20
	m.allocated = s.allocated
	m.busy = m.busy || burst
	return !burst && (m.busy || s.held > m.kept+m.kept/8+1<<20)
}

func (m *memoryMonitor) returned(s heapSample) { m.busy, m.kept = false, s.held }
