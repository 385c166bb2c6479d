package sessionlog

import (
	"fmt"
	"sync"
	"time"

	"upppoe/internal/ratelimit"
	"upppoe/internal/state"
)

// Log is a Store in a file, and its Loader. Methods may be called concurrently.
//
// If the disk is slow, full or read-only, what has been put waits in memory, no more than the newest
// state of each session, and is written once that is possible.
type Log struct {
	cfg      Config
	found    Found
	slow     *ratelimit.Limiter // limits lines about a slow disk
	rewrites *ratelimit.Limiter // limits lines about rewrites that failed

	rewriting sync.Mutex // held by rewrite; before io
	io        sync.Mutex // held while records are appended, or the file is replaced; before mu

	mu           sync.Mutex
	file         file // nil: there is none
	header       header
	start, end   int64 // where the records begin and end
	torn         bool  // something is after the end
	mustRewrite  bool  // the file cannot be continued
	index        index
	waiting      waiting
	writing      []byte // records that are being written
	spare        []byte // for the next records
	failing      error  // of the last write; nil: it was written
	isCompacting bool
	isClosed     bool
	counts       counts

	wake, unsynced chan struct{} // there is something to write, to sync
	stopping       chan struct{}
	running        sync.WaitGroup
}

var (
	_ state.Store  = (*Log)(nil)
	_ state.Loader = (*Log)(nil)
)

// Put implements state.Store.
func (l *Log) Put(of state.Generation, part state.Part, value []byte) {
	if len(value) > maxValue || part == 0 || part > state.LastPart {
		l.cfg.Log.Error(fmt.Sprintf("session store: part %d of session %d, of %d octets, cannot be stored", part, of, len(value)))
		return
	}
	l.add(record{kindPut, part, of, value})
}

// Delete implements state.Store.
func (l *Log) Delete(of state.Generation) { l.add(record{kind: kindDelete, of: of}) }

func (l *Log) add(r record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isClosed {
		return
	}
	l.waiting.add(r)
	if l.waiting.isCrowded() {
		l.squeeze()
	}
	notify(l.wake)
}

// squeeze removes what is outdated of what waits.
func (l *Log) squeeze() {
	var beingWritten map[state.Generation]bool
	l.counts.superseded += uint64(l.waiting.squeeze(func(of state.Generation) bool {
		if _, ok := l.index.sessions[of]; ok {
			return true
		}
		if beingWritten == nil {
			beingWritten = generations(l.writing)
		}
		return beingWritten[of]
	}))
	if ok, _ := l.slow.Allow(time.Now()); ok && l.failing == nil {
		l.cfg.Log.Warn(fmt.Sprintf("session store %s: the disk is slow: %d octets wait for it, with the newest state of each session", l.cfg.Path, len(l.waiting.b)))
	}
}

func generations(records []byte) map[state.Generation]bool {
	all := make(map[state.Generation]bool)
	eachRecord(records, func(_ int, r record) { all[r.of] = true })
	return all
}

// Flush writes what has been put, now.
func (l *Log) Flush() error { return l.write() }

// Reset removes all records, and makes the file one of this boot. An error is tried again.
func (l *Log) Reset() error {
	l.mu.Lock()
	l.header.boot, l.mustRewrite = l.cfg.BootID, true
	l.waiting.b, l.index = nil, index{sessions: make(map[state.Generation]places), largest: l.index.largest}
	l.mu.Unlock()
	return l.write()
}

// Close writes what has been put to the disk, and unlocks the file. What is put afterwards is ignored.
func (l *Log) Close() error {
	l.mu.Lock()
	closed := l.isClosed
	l.isClosed = true
	l.mu.Unlock()
	if closed {
		return nil
	}
	close(l.stopping)
	l.running.Wait()
	err := l.write()
	if err == nil {
		err = l.trim()
	}
	if l.file == nil {
		return err
	}
	if err == nil {
		err = l.file.sync()
	}
	l.file.Close()
	return err
}

// trim removes what is garbage from a file without sessions.
func (l *Log) trim() error {
	l.mu.Lock()
	useless := len(l.index.sessions) == 0 && l.end > l.start && l.header.boot == l.cfg.BootID
	l.mu.Unlock()
	if !useless {
		return nil
	}
	return l.rewrite()
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
