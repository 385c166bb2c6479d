package sessionlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/lockfile"
	"upppoe/internal/ratelimit"
	"upppoe/internal/state"
)

// Errors of Open (wrapped).
var (
	// ErrLocked reports that another program uses the file.
	ErrLocked = lockfile.ErrLocked
	// ErrFile reports a file that is none of sessions. It is left as it is.
	ErrFile = errors.New("it is not a file of sessions: name another")
)

// Found is what Open has found.
type Found struct {
	// Sessions is how many sessions have a record.
	Sessions int
	// SameBoot reports whether the records are of this boot. Sessions of another cannot be adopted. Once
	// their records have been read, Reset must be called; what is put before is of the other boot as well.
	SameBoot bool
	// Created is when the store was made, and Largest the largest generation that any session has had since.
	Created time.Time
	Largest state.Generation
	// Program is the version of the program that made the file.
	Program string
	// Damaged is how many pieces of the file were skipped.
	Damaged int
	// KeptAs is the name that a file has been given that this program cannot read; empty: there was none.
	KeptAs string
}

// Open opens or creates a file, and reads it. An error is ErrLocked or ErrFile (wrapped), or the system's for
// a file that can be neither read nor renamed. If the file can only not be written, that is logged, and the
// Log tries again.
func Open(cfg Config) (*Log, error) {
	cfg = cfg.withDefaults()
	l := &Log{
		cfg: cfg, index: newIndex(), slow: ratelimit.New(1, time.Minute), rewrites: ratelimit.New(1, time.Minute),
		wake: make(chan struct{}, 1), unsynced: make(chan struct{}, 1), stopping: make(chan struct{}),
	}
	l.begin()
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("session store %w", err)
	}
	l.found.Sessions = len(l.index.sessions)
	// Both end with Close.
	l.running.Go(l.run)
	l.running.Go(l.syncs)
	return l, nil
}

// Check returns an error, which wraps ErrFile or is the system's, if there is a file at a path that Open would
// refuse. It changes nothing.
func Check(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, len(magic))
	n, err := io.ReadFull(f, b)
	if n < len(b) && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		err = nil
	}
	if err != nil {
		return err
	}
	if string(b[:n]) != magic[:n] && !isZero(b) {
		return fmt.Errorf("%s: %w", path, ErrFile)
	}
	return nil
}

// Found returns what Open has found.
func (l *Log) Found() Found { return l.found }

// begin makes the Log that of a new file, which is yet to be written.
func (l *Log) begin() {
	l.header = header{format: format, salt: rand.Uint32(), created: time.Now(), boot: l.cfg.BootID, program: l.cfg.Program}
	l.waiting.salt, l.mustRewrite = l.header.salt, true
	l.found = Found{SameBoot: true, Created: l.header.created, Program: l.header.program}
}

func (l *Log) open() error {
	f, readOnly, err := l.openFile()
	if err == nil {
		if err = l.load(f); err != nil {
			f.Close()
			return fmt.Errorf("%s: %w", l.cfg.Path, err)
		}
		l.mustRewrite = l.mustRewrite || readOnly
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !l.mustRewrite {
		return nil
	}
	if err = l.write(); errors.Is(err, ErrLocked) || errors.Is(err, errReplaced) {
		return err
	}
	notify(l.wake)
	return nil
}

// openFile opens an existing file, on a read-only disk for reading.
func (l *Log) openFile() (f file, readOnly bool, err error) {
	f, err = l.cfg.disk.open(l.cfg.Path, os.O_RDWR)
	if !errors.Is(err, unix.EROFS) {
		return f, false, err
	}
	f, err = l.cfg.disk.open(l.cfg.Path, os.O_RDONLY)
	return f, true, err
}

// load reads a file. One that cannot be read by this program is kept under another name.
func (l *Log) load(f file) error {
	size, err := f.size()
	if err != nil {
		return err
	}
	b := make([]byte, min(size, longestHeader))
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return l.keep(f, damagedSuffix, err.Error())
	}
	h, length, err := parseHeader(b)
	switch {
	case errors.Is(err, errShort) && size <= longestOwn:
		l.file = f // a disk has lost the rest: it is replaced
		if size > 0 {
			l.cfg.Log.Error(fmt.Sprintf("session store %s: only its first %d octets are there: what was in it is lost", l.cfg.Path, size))
		}
		return nil
	case errors.Is(err, errMagic) && !isZero(b):
		return ErrFile
	case err != nil:
		return l.keep(f, damagedSuffix, err.Error())
	case h.format > format:
		return l.keep(f, fmt.Sprintf(".format-%d", h.format), fmt.Sprintf("upppoe %s made it, in format %d, and this is upppoe %s, which reads formats up to %d", h.program, h.format, l.cfg.Program, format))
	}
	return l.loadRecords(f, h, int64(length), size)
}

// damagedSuffix is added to the name of a file that cannot be read.
const damagedSuffix = ".damaged"

// longestOwn is the longest header of this format.
const longestOwn = int64(fixedHeader + 2*(1+maxString) + 4)

// isZero reports whether there are only zeros, which a file system leaves after a power cut.
func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func (l *Log) loadRecords(f file, h header, start, size int64) error {
	l.index.largest = h.largest
	found, err := scan(f, start, size, h.salt, l.index.apply)
	if err != nil {
		l.index = newIndex()
		return l.keep(f, damagedSuffix, err.Error())
	}
	l.file, l.header, l.start, l.end, l.torn = f, h, start, found.end, found.end < size
	l.waiting.salt, l.mustRewrite = h.salt, false
	l.found = Found{SameBoot: h.boot == l.cfg.BootID, Created: h.created, Largest: l.index.largest, Program: h.program, Damaged: found.damaged}
	if found.damaged > 0 {
		l.cfg.Log.Error(fmt.Sprintf("session store %s: %d pieces are damaged: what was in them is lost, and the rest is used", l.cfg.Path, found.damaged))
	}
	return nil
}

// keep renames a file that cannot be read.
func (l *Log) keep(f file, suffix, why string) error {
	to := l.cfg.Path + suffix
	for n := 2; l.cfg.disk.exists(to); n++ {
		to = fmt.Sprintf("%s%s-%d", l.cfg.Path, suffix, n)
	}
	if err := l.cfg.disk.rename(l.cfg.Path, to); err != nil {
		return err
	}
	f.Close()
	l.found.KeptAs = to
	l.cfg.Log.Error(fmt.Sprintf("session store %s: %s: it is kept as %s, and its sessions are not adopted: to adopt them, end this program, rename the file back, and start one that reads it", l.cfg.Path, why, to))
	return nil
}
