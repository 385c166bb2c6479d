// Package sessionstore remembers on disk which session a client has, so that after a crash
// or a loss of power the next client can end it: a concentrator that allows but one
// would refuse another until it has noticed.
package sessionstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// Session is what there is to remember.
type Session struct {
	ID uint16 `json:"session_id"`
	AC string `json:"ac"`
	// OwnMAC is the Ethernet address that the session was ours by: a concentrator heeds
	// no other.
	OwnMAC string `json:"own"`
	// LocalIPv4 and InterfaceID are our IPv4 address and IPv6 interface identifier, to ask for
	// them again.
	LocalIPv4   netip.Addr `json:"local"`
	InterfaceID string     `json:"local_id,omitempty"`
}

// record is what stands in a file.
type record struct {
	Session
	owner
}

// Stale is the session as a client ends it; no: it says nothing of use.
func (s Session) Stale() (stale pppoe.StaleSession, ok bool) {
	ac, err := wire.ParseAddr(s.AC)
	return pppoe.StaleSession{SessionID: s.ID, AC: ac}, err == nil && ac.IsUnicast() && s.ID != 0 && s.ID != 0xffff
}

// Slot is a file for one session at a time. It is this program's until Close, or its
// end, however that comes: others can tell, for it is locked. It may be used
// concurrently.
type Slot struct{ file *os.File }

const (
	maxSlots      = 1024
	maxRecordSize = 4096
)

// Open finds a slot for a line, like eth0 or eth0.50, in a directory, which it makes if
// it must; left are the sessions that earlier programs have left in theirs. Other
// programs' open sessions are passed over, but one that is just being killed is waited for.
func Open(dir, attachment string) (slot *Slot, left []Session, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	until := time.Now().Add(lockTimeout)
	for i := range maxSlots {
		path := filepath.Join(dir, fmt.Sprintf("%s.%d.json", strings.ReplaceAll(attachment, "/", "_"), i))
		_, missing := os.Stat(path)
		if slot != nil && errors.Is(missing, os.ErrNotExist) {
			break
		}
		file, err := lockWithWait(path, until)
		if err != nil {
			return nil, nil, err
		}
		if file == nil {
			continue // somebody's
		}
		if s, ok := readRecord(file); ok {
			left = append(left, s.Session)
		}
		if slot == nil {
			slot = &Slot{file}
			continue
		}
		removeFile(file) // it is told to the caller now
	}
	if slot == nil {
		return nil, left, fmt.Errorf("%s: more than %d sessions on %s", dir, maxSlots, attachment)
	}
	return slot, left, nil
}

// lock opens a file that nobody else holds; nil: somebody does. It is the one that has the path
// then: whoever had it before may have removed it meanwhile.
func lock(path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil && isAt(file, path):
			return file, nil
		case err == nil:
			file.Close()
			continue
		}
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
}

// isAt reports whether an open file is the one of a path.
func isAt(file *os.File, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(open, named)
}

// removeFile removes a file that is locked, and gives it up.
func removeFile(file *os.File) {
	os.Remove(file.Name())
	file.Close()
}

// readRecord takes a file for what it says first: behind it may be the rest of a longer text. One
// that was cut off by a loss of power says nothing.
func readRecord(file *os.File) (r record, ok bool) {
	err := json.NewDecoder(io.LimitReader(file, maxRecordSize)).Decode(&r)
	return r, err == nil && r.ID != 0
}

// SiblingPath is the path of another file that is this program's for as long as the slot is:
// next to it, and named after it.
func (s *Slot) SiblingPath(suffix string) string {
	return strings.TrimSuffix(s.file.Name(), ".json") + suffix
}

// Write remembers a session, and returns once it is on the disk. At no time does the
// file say nothing.
func (s *Slot) Write(is Session) error {
	text, err := json.Marshal(record{is, currentOwner()})
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if _, err := s.file.WriteAt(text, 0); err != nil {
		return err
	}
	if err := s.file.Truncate(int64(len(text))); err != nil {
		return err
	}
	return s.file.Sync()
}

// Clear forgets the session: it has ended as it should.
func (s *Slot) Clear() error { return s.file.Truncate(0) }

// Close gives the slot up, with what stands in it. A file that says nothing goes.
func (s *Slot) Close() error {
	if is, err := s.file.Stat(); err == nil && is.Size() == 0 {
		os.Remove(s.file.Name())
	}
	return s.file.Close()
}
