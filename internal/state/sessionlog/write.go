package sessionlog

import (
	"fmt"
	"time"
)

// run writes what is put, as long as the Log is open.
func (l *Log) run() {
	for l.awaits(l.wake) {
		pause := gather
		if l.write() != nil {
			pause = retry
			notify(l.wake)
		}
		l.sleep(pause)
	}
}

// awaits waits for a channel; false: the Log is being closed.
func (l *Log) awaits(c chan struct{}) bool {
	select {
	case <-l.stopping:
		return false
	case <-c:
		return true
	}
}

func (l *Log) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-l.stopping:
	case <-timer.C:
	}
}

// write writes what waits.
func (l *Log) write() error {
	l.mu.Lock()
	must := l.mustRewrite
	l.mu.Unlock()
	if must {
		if err := l.rewrite(); err != nil {
			l.failed(err)
			return err
		}
	}
	l.io.Lock()
	defer l.io.Unlock()
	batch, torn := l.take()
	err := l.append(batch, torn)
	if err != nil {
		l.giveBack(batch)
		l.failed(err)
		return err
	}
	l.written(batch)
	return nil
}

// take returns what waits.
func (l *Log) take() (batch []byte, torn bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing, l.waiting.b, l.spare, l.waiting.limit = l.waiting.b, l.spare, nil, 0
	return l.writing, l.torn
}

// append writes records after the others. What is there of an earlier attempt must not be taken for a
// record after them.
func (l *Log) append(batch []byte, torn bool) error {
	if torn {
		if err := l.file.Truncate(l.end); err != nil {
			return err
		}
	}
	if len(batch) == 0 {
		return nil
	}
	_, err := l.file.WriteAt(batch, l.end)
	return err
}

// giveBack puts what could not be written before what has been put since.
func (l *Log) giveBack(batch []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting.b, l.writing, l.torn = append(batch, l.waiting.b...), nil, true
	if l.waiting.isCrowded() {
		l.squeeze()
	}
}

// written notes where records are.
func (l *Log) written(batch []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.torn, l.writing = false, nil
	l.works()
	if len(batch) == 0 {
		return
	}
	eachRecord(batch, func(at int, r record) { l.index.apply(l.end+int64(at), r) })
	l.end += int64(len(batch))
	l.counts.writes++
	if cap(batch) <= minLimit {
		l.spare = batch[:0]
	}
	notify(l.unsynced)
	l.compactIfDue()
}

// failed notes that the disk refuses, and logs it once.
func (l *Log) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.errors++
	first := l.failing == nil
	if l.failing = err; first {
		l.cfg.Log.Error(fmt.Sprintf("session store %s: %v: sessions go on, but the next start would not know those of now", l.cfg.Path, err))
	}
}

// works notes that the disk does not refuse any more.
func (l *Log) works() {
	if l.failing != nil {
		l.cfg.Log.Info(fmt.Sprintf("session store %s: it is written again, and complete", l.cfg.Path))
	}
	l.failing = nil
}

// syncs syncs the file a while after it was written, as long as the Log is open.
func (l *Log) syncs() {
	for l.awaits(l.unsynced) {
		l.sleep(l.cfg.SyncInterval)
		if err := l.sync(); err != nil {
			l.failed(err)
			notify(l.wake)
		}
	}
}

// sync syncs the file. One that the disk does not take, or that is not at its path any more, must be written
// anew: the system forgets what it could not write.
func (l *Log) sync() error {
	l.mu.Lock()
	file := l.file
	l.mu.Unlock()
	err := file.sync()
	if err == nil && !file.isAt(l.cfg.Path) {
		err = errRemoved
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != file {
		return nil // it was replaced meanwhile
	}
	l.mustRewrite = l.mustRewrite || err != nil
	l.counts.syncs++
	return err
}
