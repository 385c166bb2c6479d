// Package sessionstore records on disk which session a client has, so that after a crash or power
// failure the next client can terminate it: a concentrator that allows only one session would
// reject another until it notices. It also locks names, of which one program at a time may use
// each.
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

// Session is the record of a session.
type Session struct {
	ID uint16 `json:"session_id"`
	AC string `json:"ac"`
	// OwnMAC is our Ethernet address in the session: the concentrator accepts a PADT only from it.
	OwnMAC string `json:"own"`
	// LocalIPv4 and InterfaceID are our IPv4 address and IPv6 interface identifier, to be
	// requested again.
	LocalIPv4   netip.Addr `json:"local"`
	InterfaceID string     `json:"local_id,omitempty"`
	// Adoptable is what the next client needs to continue the session; nil: it cannot.
	Adoptable *Adoptable `json:"adoptable,omitempty"`
}

// Adoptable is what a client needs, in addition, to continue a session.
type Adoptable struct {
	// BootID is that of the kernel, as in /proc/sys/kernel/random/boot_id: the session's device does not
	// outlast it.
	BootID string `json:"boot"`
	// User, RequestedService and Namespace are the settings of the client: our name, the Service-Name that
	// it requests, and the network namespace of the device.
	User             string `json:"user,omitempty"`
	RequestedService string `json:"requested_service,omitempty"`
	Namespace        string `json:"netns,omitempty"`

	ACName   string    `json:"ac_name,omitempty"`
	Service  string    `json:"service,omitempty"`
	Peer     string    `json:"peer,omitempty"` // its name, if it had to authenticate itself
	PADTTags []byte    `json:"padt_tags,omitempty"`
	Device   string    `json:"device"`
	PPP      []byte    `json:"ppp"` // see session.Compact.AppendState
	Opened   time.Time `json:"opened"`
}

// record is the content of a file.
type record struct {
	Session
	owner
}

// Stale returns the session as a client terminates it; ok reports whether the record is valid.
func (s Session) Stale() (stale pppoe.StaleSession, ok bool) {
	ac, err := wire.ParseAddr(s.AC)
	return pppoe.StaleSession{SessionID: s.ID, AC: ac}, err == nil && ac.IsUnicast() && s.ID != 0 && s.ID != 0xffff
}

// Slot is a file for one session at a time. This program holds it, by a lock, until Close or the
// end of the program, however it ends. It may be used concurrently.
type Slot struct {
	file    *os.File
	left    Session // see Left
	damaged bool    // see Damaged
}

const (
	maxSlots      = 1024
	maxRecordSize = 16384
)

// Open opens a slot for an attachment, like eth0 or eth0.50, in a directory, which it creates if
// necessary; left are the sessions of programs that have crashed. It skips slots that other
// programs hold, but waits for one that is being killed.
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
			continue // another program holds it
		}
		s, ok := readRecord(file)
		if ok {
			left = append(left, s.Session)
		}
		if slot == nil {
			info, err := file.Stat()
			slot = &Slot{file, s.Session, !ok && err == nil && info.Size() > 0}
			continue
		}
		removeFile(file) // its session is in left
	}
	if slot == nil {
		return nil, left, fmt.Errorf("%s: more than %d sessions on %s", dir, maxSlots, attachment)
	}
	return slot, left, nil
}

// lock opens and locks a file; nil: another process holds it. It retries if the file was removed
// between opening and locking.
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

// isAt reports whether an open file is the one at a path.
func isAt(file *os.File, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(open, named)
}

// removeFile removes and unlocks a file.
func removeFile(file *os.File) {
	os.Remove(file.Name())
	file.Close()
}

// readRecord reads the first value of a file: after it the rest of a longer one may follow. A
// record that was truncated by a power failure is not valid.
func readRecord(file *os.File) (r record, ok bool) {
	err := json.NewDecoder(io.LimitReader(file, maxRecordSize)).Decode(&r)
	return r, err == nil && r.ID != 0
}

// Left returns the session of the program that had this slot before, and with it its sibling files; its ID
// is 0 if there is none.
func (s *Slot) Left() Session { return s.left }

// Damaged reports that the slot's file was neither empty nor a record.
func (s *Slot) Damaged() bool { return s.damaged }

// SiblingPath returns the path of another file that this program may use while it holds the slot,
// next to the slot's file and named after it.
func (s *Slot) SiblingPath(suffix string) string {
	return strings.TrimSuffix(s.file.Name(), ".json") + suffix
}

// Write records a session: the record survives this program, and after Sync a power failure. At no time is
// the file empty.
func (s *Slot) Write(is Session) error {
	text, err := json.Marshal(record{is, currentOwner()})
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if _, err := s.file.WriteAt(text, 0); err != nil {
		return err
	}
	return s.file.Truncate(int64(len(text)))
}

// Sync returns once what was written is on the disk.
func (s *Slot) Sync() error { return s.file.Sync() }

// Clear deletes the record: the session has ended properly.
func (s *Slot) Clear() error { return s.file.Truncate(0) }

// Close unlocks the slot, and keeps its record. An empty file is removed.
func (s *Slot) Close() error {
	if is, err := s.file.Stat(); err == nil && is.Size() == 0 {
		os.Remove(s.file.Name())
	}
	return s.file.Close()
}
