package sessionlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

var errCrashed = errors.New("the program was killed")

// fakeDisk is a disk in memory.
type fakeDisk struct {
	mu      sync.Mutex
	files   map[string]*fakeFile
	onDisk  map[string]*fakeFile // the names that a power cut leaves
	changes int                  // changes so far
	crashAt int                  // the change at which the program is killed, after half of it; 0: none
	room    int                  // octets that files may have; 0: any number
	full    bool                 // nothing may be written
	stalled chan struct{}        // writes wait for it; nil: they do not
}

func newFakeDisk() *fakeDisk {
	return &fakeDisk{files: map[string]*fakeFile{}, onDisk: map[string]*fakeFile{}}
}

// afterKill is the disk as the next program finds it.
func (d *fakeDisk) afterKill() *fakeDisk {
	return d.copy(d.files, func(f *fakeFile) []byte { return f.b })
}

// afterPowerCut is the disk as the next boot finds it: only with what was synced.
func (d *fakeDisk) afterPowerCut() *fakeDisk {
	return d.copy(d.onDisk, func(f *fakeFile) []byte { return f.synced })
}

func (d *fakeDisk) copy(files map[string]*fakeFile, contents func(*fakeFile) []byte) *fakeDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := newFakeDisk()
	for name, f := range files {
		b := append([]byte(nil), contents(f)...)
		c.files[name] = &fakeFile{disk: c, b: b, synced: b}
	}
	c.onDisk = maps.Clone(c.files)
	return c
}

// change notes a change; it is made if there is no error, or if half is true to a half.
func (d *fakeDisk) change() (half bool, err error) {
	d.changes++
	switch {
	case d.crashAt > 0 && d.changes == d.crashAt:
		return true, errCrashed
	case d.crashAt > 0 && d.changes > d.crashAt:
		return false, errCrashed
	}
	return false, nil
}

func (d *fakeDisk) open(path string, flags int) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[path]
	switch {
	case f == nil && flags&os.O_CREATE == 0:
		return nil, fs.ErrNotExist
	case f == nil && d.full:
		return nil, unix.ENOSPC
	case f != nil && f.locked:
		return nil, ErrLocked
	case f == nil:
		if _, err := d.change(); err != nil {
			return nil, err
		}
		f = &fakeFile{disk: d}
		d.files[path] = f
	}
	f.locked = true
	return f, nil
}

func (d *fakeDisk) exists(path string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[path] != nil
}

func (d *fakeDisk) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.change(); err != nil {
		return err
	}
	d.files[to] = d.files[from]
	delete(d.files, from)
	return nil
}

func (d *fakeDisk) remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.change(); err != nil {
		return err
	}
	delete(d.files, path)
	return nil
}

func (d *fakeDisk) syncDirectory(string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.change(); err != nil {
		return err
	}
	d.onDisk = maps.Clone(d.files)
	return nil
}

func (d *fakeDisk) set(full bool, room int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full, d.room = full, room
}

func (d *fakeDisk) stall(until chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stalled = until
}

func (d *fakeDisk) await() {
	d.mu.Lock()
	stalled := d.stalled
	d.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}

// fakeFile is a file of a fakeDisk.
type fakeFile struct {
	disk      *fakeDisk
	b, synced []byte
	locked    bool
	failSync  bool
}

func (f *fakeFile) ReadAt(b []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if at >= int64(len(f.b)) {
		return 0, io.EOF
	}
	n := copy(b, f.b[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *fakeFile) WriteAt(b []byte, at int64) (int, error) {
	f.disk.await()
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	half, err := f.disk.change()
	switch {
	case half:
		b = b[:len(b)/2]
	case err != nil:
		return 0, err
	case f.disk.full, f.disk.room > 0 && int(at)+len(b) > f.disk.room:
		b, err = b[:min(len(b), max(f.disk.room-int(at), 0))], unix.ENOSPC
	}
	if need := int(at) + len(b); need > len(f.b) {
		f.b = append(f.b, make([]byte, need-len(f.b))...)
	}
	copy(f.b[at:], b)
	return len(b), err
}

func (f *fakeFile) Truncate(n int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if _, err := f.disk.change(); err != nil {
		return err
	}
	if int(n) > len(f.b) {
		return fmt.Errorf("a file of %d octets is cut off after %d", len(f.b), n)
	}
	f.b = f.b[:n:n]
	return nil
}

func (f *fakeFile) sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if _, err := f.disk.change(); err != nil {
		return err
	}
	if f.failSync {
		return unix.EIO
	}
	f.synced = append([]byte(nil), f.b...)
	return nil
}

func (f *fakeFile) Close() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.locked = false
	return nil
}

func (f *fakeFile) size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.b)), nil
}

func (f *fakeFile) isAt(path string) bool {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return f.disk.files[path] == f
}
