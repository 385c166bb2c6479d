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

// records are the files that others find the client by, and the one by which the next client
// finds the session of this one. They are written behind the client's back, in order:
// a disk may take its time.
type records struct {
	settings *pppd.Settings
	log      *slog.Logger
	slot     *sessionstore.Slot // nil: nothing can be remembered
	past     []sessionstore.Session
	work     chan func()
	done     chan struct{}

	demandDevice string // the device that is there without a session; empty: none is
	device       string // empty: none is there
	current      sessionstore.Session
}

// pending is how much work may wait: few things happen to a session.
const pending = 64

func newRecords(s *pppd.Settings, log *slog.Logger) *records {
	f := &records{settings: s, log: log, work: make(chan func(), pending), done: make(chan struct{})}
	var err error
	if f.slot, f.past, err = sessionstore.Open(s.StateDir, attachment(s).String()); err != nil {
		log.Debug(fmt.Sprintf("a session that a crash leaves will not be ended by the next client: %v", err))
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

// setDemandDevice has the pid files be there before there is a session: with the device that is, if
// one waits for traffic, or else the line's alone, which is there as long as its program.
func (f *records) setDemandDevice(device string) {
	f.do(func() { f.demandDevice = device; f.writePID(device) })
}

// staleSessions are the sessions that earlier clients have left, and what the last of them had.
func (f *records) staleSessions() (stale []pppoe.StaleSession, before pppoe.Addressing) {
	own := ownAddress(f.settings)
	for _, s := range f.past {
		if s.OwnMAC != own {
			continue // another machine's, or another namespace's, on an interface of this name
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

// ownAddress is by which Ethernet address the client will be known; empty: there is no
// interface yet.
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

// stateFile is a file for something else that is to be remembered of this line, in its
// namespace: default routes that were replaced, rules, and IPv6 on LANs. Whoever has the same slot
// next takes all that back. Empty: there is none.
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

// notify takes what happens to the line.
func (f *records) notify(l pppoe.SessionInfo, event pppoe.Event) {
	switch e := event.(type) {
	case pppoe.SessionEstablished:
		// Until it has addresses of its own, those of the session before are what to ask for.
		f.current.ID, f.current.AC, f.current.OwnMAC = e.SessionID, e.AC.String(), l.Local.String()
		f.remember()
	case pppoe.DeviceOpened:
		f.do(func() { f.writePID(e.Name) })
	case pppoe.Configured:
		if e.HasIPv4() {
			f.current.LocalIPv4 = e.IPv4.Local
		}
		if e.HasIPv6() {
			f.current.InterfaceID = e.IPv6.Local.LinkLocal().String()
		}
		f.remember()
	case pppoe.Ended:
		f.do(func() { f.writePID(f.demandDevice) })
		if f.slot != nil {
			f.do(func() { f.warn(f.slot.Clear()) })
		}
	}
}

func (f *records) remember() {
	if is := f.current; f.slot != nil {
		f.do(func() { f.warn(f.slot.Write(is)) })
	}
}

// do leaves work for later. Where that would take more than can wait, it waits: a disk
// that stands still for so long is worth a stop.
func (f *records) do(work func()) { f.work <- work }

// warn tells of a file that cannot be written. That there is no place for files, as in
// a container whose root is read-only, is somebody's choice.
func (f *records) warn(err error) {
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EROFS):
		f.log.Debug(err.Error())
	default:
		f.log.Warn(err.Error())
	}
}

// writePID has the files say which device there is. Without one, only the line's is there.
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
		f.slot.Close()
	}
}
