package sessionlog

import (
	"path/filepath"
	"runtime"
	"testing"

	"upppoe/internal/state"
)

// sessionState is about as long as the state of a session.
var sessionState = make([]byte, 400)

// BenchmarkSession is a session that is put in three parts, and deleted, on the disk.
func BenchmarkSession(b *testing.B) {
	cfg, _ := config(filepath.Join(b.TempDir(), "f"), nil)
	l := mustOpen(b, cfg)
	defer l.Close()
	b.ReportAllocs()
	of := state.Generation(0)
	for b.Loop() {
		of++
		l.Put(of, state.Session, sessionState[:60])
		l.Put(of, state.Session, sessionState)
		l.Put(of, state.Accounting, sessionState[:100])
		if of > 1000 {
			l.Delete(of - 1000)
		}
	}
}

// BenchmarkOpen reads a file of 65,534 sessions, and reports what they need in memory.
func BenchmarkOpen(b *testing.B) {
	cfg, _ := config(filepath.Join(b.TempDir(), "f"), nil)
	const sessions = 65_534
	l := mustOpen(b, cfg)
	for of := range state.Generation(sessions) {
		l.Put(of, state.Session, sessionState)
		l.Put(of, state.Accounting, sessionState[:100])
		l.Put(of, state.IPv6, sessionState[:100])
		l.Put(of, state.Counters, sessionState[:40])
	}
	l.Close()
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		l := mustOpen(b, cfg)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/sessions, "octets/session")
		n := 0
		for range l.Records() {
			n++
		}
		if n != sessions {
			b.Errorf("%d sessions", n)
		}
		l.Close()
	}
}

// BenchmarkCompaction writes a file of 65,534 sessions anew.
func BenchmarkCompaction(b *testing.B) {
	cfg, _ := config(filepath.Join(b.TempDir(), "f"), nil)
	l := mustOpen(b, cfg)
	defer l.Close()
	for of := range state.Generation(65_534) {
		l.Put(of, state.Session, sessionState)
	}
	if err := l.Flush(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := l.rewrite(); err != nil {
			b.Fatal(err)
		}
	}
}
