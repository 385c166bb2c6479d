package sessionlog

import (
	"errors"
	"fmt"
	"os"
	"time"
)

var (
	errRemoved  = errors.New("the file was removed")
	errReplaced = errors.New("another file is in its place: remove that, or name another file")
)

// compactIfDue begins to write the file anew if most of it is garbage. l.mu is held.
func (l *Log) compactIfDue() {
	garbage := l.end - l.start - l.index.live
	if l.isCompacting || l.isClosed || garbage < minGarbage || garbage < l.index.live || l.header.boot != l.cfg.BootID {
		return
	}
	l.isCompacting = true
	l.running.Go(l.compact) // ends with the rewrite
}

func (l *Log) compact() {
	err := l.rewrite()
	if err != nil {
		if ok, _ := l.rewrites.Allow(time.Now()); ok {
			l.cfg.Log.Warn(fmt.Sprintf("session store %s: writing it without its garbage: %v: it grows", l.cfg.Path, err))
		}
		l.sleep(retry)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCompacting = false
	if err != nil {
		l.counts.errors++
	} else {
		l.counts.compactions++
	}
}

// rewrite writes the valid records to a new file, which replaces the one before: at any instant one of both
// is whole. Records are appended to the old one meanwhile.
func (l *Log) rewrite() error {
	l.rewriting.Lock()
	defer l.rewriting.Unlock()
	next, err := l.create()
	if err != nil {
		return err
	}
	err = l.fill(next)
	if err != nil { // it may have taken the last room of the disk
		l.cfg.disk.remove(l.cfg.Path + newSuffix)
		next.file.Close()
	}
	return err
}

// copied is a new file, and what has been written to it.
type copied struct {
	file       file
	start, end int64
	index      index
	salt       uint32
	buffer     []byte
}

// create makes the new file.
func (l *Log) create() (*copied, error) {
	f, err := l.cfg.disk.open(l.cfg.Path+newSuffix, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	h := l.header
	h.format, h.program, h.largest = format, l.cfg.Program, l.index.largest
	l.mu.Unlock()
	b := h.appendTo(nil)
	n := int64(len(b))
	x := newIndex()
	x.largest = h.largest
	return &copied{file: f, buffer: b, start: n, index: x, salt: h.salt}, nil
}

// fill copies the records, and puts the new file in place of the old one. What is appended during the
// copying and the sync, which takes long, follows while nothing is appended.
func (l *Log) fill(next *copied) error {
	if err := next.file.Truncate(0); err != nil { // of one that a program left that was killed
		return err
	}
	from, to := l.extent()
	if err := l.copyTo(next, from, to, l.isValid); err != nil {
		return err
	}
	if err := next.file.sync(); err != nil {
		return err
	}
	l.io.Lock()
	defer l.io.Unlock()
	if err := l.copyTo(next, to, l.end, func(int64, record) bool { return true }); err != nil {
		return err
	}
	if l.cfg.disk.exists(l.cfg.Path) && (l.file == nil || !l.file.isAt(l.cfg.Path)) {
		return errReplaced
	}
	if err := l.cfg.disk.rename(l.cfg.Path+newSuffix, l.cfg.Path); err != nil {
		return err
	}
	l.replace(next)
	return nil
}

func (l *Log) extent() (start, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.start, l.end
}

func (l *Log) isValid(at int64, r record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.index.isValid(at, r)
}

// copyTo copies records of a part of the file. No file has none.
func (l *Log) copyTo(next *copied, from, to int64, wanted func(int64, record) bool) error {
	if l.file == nil {
		return next.flush()
	}
	var failed error
	_, err := scan(l.file, from, to, next.salt, func(at int64, r record) {
		if failed == nil && wanted(at, r) {
			failed = next.add(r)
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	return next.flush()
}

func (c *copied) add(r record) error {
	c.index.apply(c.end+int64(len(c.buffer)), r)
	c.buffer = r.appendTo(c.buffer, c.salt)
	if len(c.buffer) < window {
		return nil
	}
	return c.flush()
}

func (c *copied) flush() error {
	if _, err := c.file.WriteAt(c.buffer, c.end); err != nil {
		return err
	}
	c.end, c.buffer = c.end+int64(len(c.buffer)), c.buffer[:0]
	return nil
}

// replace makes the new file the one that is used.
func (l *Log) replace(next *copied) {
	err := l.cfg.disk.syncDirectory(l.cfg.Path)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.Close()
	}
	l.file, l.start, l.end, l.index = next.file, next.start, next.end, next.index
	l.torn, l.mustRewrite = false, false
	if err != nil {
		l.counts.errors++
	}
}
