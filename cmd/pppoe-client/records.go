package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"upppoe/internal/config/pppd"
	"upppoe/internal/mgmt/sessionstore"
	"upppoe/internal/process/pidfile"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// records are the pid files, with which others find the client, and the session record, with which the
// next client finds the session of this one after a crash. A goroutine writes them in order, as a disk
// may be slow.
type records struct {
	settings *pppd.Settings
	log      *slog.Logger
	slot     *sessionstore.Slot // nil: nothing can be stored
	disk     *recordSyncer      // of the slot
	past     []sessionstore.Session
	work     chan func()
	done     chan struct{}

	demandDevice string // the device that exists without a session; empty: none
	device       string // empty: none
	current      sessionstore.Session
}

// pending is the capacity of the queue: a session has few events.
const pending = 64

func newRecords(s *pppd.Settings, log *slog.Logger) *records {
	f := &records{settings: s, log: log, work: make(chan func(), pending), done: make(chan struct{})}
	var err error
	if f.slot, f.past, err = sessionstore.Open(s.StateDir, attachment(s).String()); err != nil {
		log.Debug(fmt.Sprintf("the session is not recorded, so the next client cannot end it after a crash: %v", err))
	} else {
		f.disk = newRecordSyncer(f.slot.Sync, f.warn)
	}
	// Ends with close.
	go func() {
		defer close(f.done)
		for do := range f.work {
			do()
		}
	}()
	f.setDemandDevice("")
	return f
}

// setDemandDevice writes the pid files before there is a session: with the device of dial on demand, or
// else that of the linkname alone, which exists as long as the client.
func (f *records) setDemandDevice(device string) {
	f.do(func() { f.demandDevice = device; f.writePID(device) })
}

// staleSessions returns the sessions that earlier clients have left behind, and the addresses of the
// last one.
func (f *records) staleSessions() (stale []pppoe.StaleSession, before pppoe.Addressing) {
	own := ownAddress(f.settings)
	for _, s := range f.past {
		if s.OwnMAC != own {
			continue // of another machine or namespace, on an interface of this name
		}
		if one, ok := s.Stale(); ok {
			stale = append(stale, one)
		}
		if s.LocalIPv4.Is4() {
			before.IPv4.Local = s.LocalIPv4
		}
		if id, err := netip.ParseAddr(s.InterfaceID); err == nil && id.Is6() {
			before.IPv6.Local = ipv6cp.ID(id.AsSlice()[8:])
		}
	}
	return stale, before
}

// ownAddress returns our Ethernet address; empty if the interface does not exist.
func ownAddress(s *pppd.Settings) string {
	if l := attachment(s); l.Source != (wire.Addr{}) {
		return l.Source.String()
	}
	nic, err := net.InterfaceByName(s.Interface)
	if err != nil {
		return ""
	}
	return nic.HardwareAddr.String()
}

// stateFile returns the path of a file for further state of this link in its namespace: replaced default
// routes, rules, and IPv6 on LANs. The next client with the same slot reverts it. Empty if there is no
// slot.
func (f *records) stateFile(what string) string {
	if f.slot == nil {
		return ""
	}
	suffix := "." + what
	if in := f.settings.Namespace; in != "" {
		suffix = "." + strings.ReplaceAll(in, "/", "_") + suffix
	}
	return f.slot.SiblingPath(suffix)
}

// notify handles the client's events.
func (f *records) notify(l pppoe.SessionInfo, event pppoe.Event) {
	switch e := event.(type) {
	case pppoe.SessionEstablished:
		// Until it has addresses of its own, those of the previous session are requested again.
		f.current.ID, f.current.AC, f.current.OwnMAC = e.SessionID, e.AC.String(), l.Local.String()
		f.remember()
	case pppoe.DeviceOpened:
		f.do(func() { f.writePID(e.Name) })
	case pppoe.Adopted:
		f.current.ID, f.current.AC, f.current.OwnMAC = l.SessionID, l.Peer.String(), l.Local.String()
		f.do(func() { f.writePID(l.Device) })
		f.configured(e.Addressing)
	case pppoe.Configured:
		f.configured(e.Addressing)
	case pppoe.Ended:
		f.current.Adoptable = nil
		f.do(func() { f.writePID(f.demandDevice) })
		if f.slot != nil {
			f.do(func() { f.warn(f.slot.Clear()) })
		}
	}
}

// configured keeps the addresses of a session.
func (f *records) configured(a pppoe.Addressing) {
	if a.HasIPv4() {
		f.current.LocalIPv4 = a.IPv4.Local
	}
	if a.HasIPv6() {
		f.current.InterfaceID = a.IPv6.Local.LinkLocal().String()
	}
	f.remember()
}

func (f *records) remember() {
	if is := f.current; f.slot != nil {
		f.do(func() {
			f.warn(f.slot.Write(is))
			f.disk.request()
		})
	}
}

// do queues work. It blocks if the queue is full, which takes a disk that hangs for long.
func (f *records) do(work func()) { f.work <- work }

// warn logs that a file cannot be written. A missing directory or a read-only file system, as in a
// container, is intended and logged for debug only.
func (f *records) warn(err error) {
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EROFS):
		f.log.Debug(err.Error())
	default:
		f.log.Warn(err.Error())
	}
}

// writePID writes the pid files for a device. Without a device, only that of the linkname exists.
func (f *records) writePID(device string) {
	var second []string
	if device != "" {
		f.warn(pidfile.Write(pids, pidfile.UnitName(device)))
		second = []string{device}
	}
	if f.device != "" && f.device != device {
		pidfile.Remove(pids, pidfile.UnitName(f.device))
	}
	f.device = device
	if name := f.settings.LinkName; name != "" {
		f.warn(pidfile.Write(pids, pidfile.LinkName(name), second...))
	}
}

func (f *records) removePID() {
	if f.device != "" {
		pidfile.Remove(pids, pidfile.UnitName(f.device))
	}
	if name := f.settings.LinkName; name != "" {
		pidfile.Remove(pids, pidfile.LinkName(name))
	}
}

// close finishes the work.
func (f *records) close() {
	f.do(f.removePID)
	close(f.work)
	<-f.done
	if f.slot != nil {
		f.disk.close()
		f.slot.Close()
	}
}
