package ebpf

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Link is a datapath.Offload for sessions in one VLAN of the Engine's interface. Several Links may
// serve one VLAN. Methods may be called concurrently.
type Link struct {
	engine   *Engine
	tags     vlan.Stack // of sent frames
	key      vlan.Stack // of received frames, as in their key
	priority uint8
}

var _ datapath.Offload = (*Link)(nil)

// session is a session in the maps.
type session struct {
	datapath.SessionConfig
	engine      *Engine
	key         [receiveKeyLen]byte
	device      int // the index of its TUN
	slot        uint32
	open        uint16 // open families
	segmentUDP  uint16 // the flag, or 0
	unambiguous uint16 // the flag, or 0
	// sourceFiltered: received IPv4 packets must be from source; if that is invalid, all received
	// packets are left to user space, which checks them.
	sourceFiltered bool
	source         netip.Addr
	header         []byte
	attached       io.Closer

	shaper     string // the device's queueing discipline, if it shapes; packets must not bypass it
	filtered   bool   // the device has filters, which packets must not bypass
	gone       bool   // the device has left the network namespace
	lastNotice string // of notifyQdisc

	promiscuous bool // the device is promiscuous

	removed bool
	final   datapath.Counters // once it is removed
}

var _ datapath.OffloadSession = (*session)(nil)

// Add adds a session, whose packets are not carried before SetFamilies opens a family. Its device
// must be a network interface of this machine. The error wraps ErrFull, ErrExists or the kernel's
// error.
func (l *Link) Add(c datapath.SessionConfig) (datapath.OffloadSession, error) {
	l.engine.mu.Lock()
	defer l.engine.mu.Unlock()
	s := &session{SessionConfig: c, engine: l.engine, key: receiveKey(c.Peer, c.SessionID, l.key), header: header(c, l.tags, l.priority)}
	if l.engine.hasSession(s) {
		return nil, fmt.Errorf("session %d: %w", c.SessionID, ErrExists)
	}
	if err := l.install(s); err != nil {
		return nil, fmt.Errorf("session %d: %w", c.SessionID, err)
	}
	return s, nil
}

// install looks up the session's device, allocates a slot, adds the session to the maps and
// attaches the transmit program. After an error all of it is undone.
func (l *Link) install(s *session) error {
	device, err := netlink.LinkByName(s.Device.Name())
	if err != nil {
		return fmt.Errorf("%s: %w", s.Device.Name(), err)
	}
	s.device, s.promiscuous = device.Attrs().Index, device.Attrs().Promisc > 0
	if can, err := l.engine.ethtool.offloads(s.Device.Name()); err == nil && can.anyChecksum {
		s.segmentUDP = segmentUDP
	}
	if err := l.engine.readQdiscs(s); err != nil {
		return fmt.Errorf("%s: %w", s.Device.Name(), err)
	}
	if s.slot, err = l.engine.allocateSlot(); err != nil {
		return err
	}
	if err = l.engine.addSession(s); err == nil {
		s.attached, err = l.engine.attachTransmit(s.device)
	}
	if err != nil {
		l.engine.removeSession(s)
		return fmt.Errorf("%s: %w", s.Device.Name(), err)
	}
	l.engine.notifyQdisc(s)
	if s.promiscuous {
		l.engine.notifyPromiscuous(s)
	}
	return nil
}

// hasSession reports whether a Link has a session whose received frames have the same key.
func (e *Engine) hasSession(s *session) bool {
	return slices.ContainsFunc(e.ambiguous[ambiguousKey{s.Peer, s.SessionID}], func(other *session) bool { return other.key == s.key })
}

// addSession writes a session to the maps, and updates the sessions with the same ambiguous key.
func (e *Engine) addSession(s *session) error {
	t := ambiguousKey{s.Peer, s.SessionID}
	e.ambiguous[t] = append(e.ambiguous[t], s)
	e.devices[s.device] = s
	e.load.start(e)
	return e.updateAmbiguous(t)
}

// removeSession undoes addSession, and frees the session's slot.
func (e *Engine) removeSession(s *session) {
	e.clearMaps(s)
	e.freeSlot(s.slot)
	delete(e.devices, s.device)
	t := ambiguousKey{s.Peer, s.SessionID}
	e.ambiguous[t] = slices.DeleteFunc(e.ambiguous[t], func(other *session) bool { return other == s })
	if len(e.ambiguous[t]) == 0 {
		delete(e.ambiguous, t)
	}
	e.updateAmbiguous(t)
}

// updateAmbiguous writes all sessions with an ambiguous key to the maps.
func (e *Engine) updateAmbiguous(t ambiguousKey) (err error) {
	for _, s := range e.ambiguous[t] {
		s.unambiguous = 0
		if len(e.ambiguous[t]) == 1 {
			s.unambiguous = unambiguous
		}
		err = errors.Join(err, e.writeMaps(s))
	}
	return err
}

// writeMaps writes the current state of a session to the maps.
func (e *Engine) writeMaps(s *session) error {
	if s.gone {
		return nil
	}
	if s.promiscuous {
		e.clearMaps(s)
		return nil
	}
	if err := e.rxSessions.Put(s.key[:], s.receiveValue()); err != nil {
		return fmt.Errorf("add the session for received frames: %w", err)
	}
	if s.shaper != "" || s.filtered {
		e.txSessions.Delete(uint32(s.device)) // may not exist
		return nil
	}
	if err := e.txSessions.Put(uint32(s.device), s.transmitValue()); err != nil {
		return fmt.Errorf("add the session for packets to send: %w", err)
	}
	return nil
}

// clearMaps removes a session from the maps, so that the programs leave its packets to user space.
func (e *Engine) clearMaps(s *session) {
	// A key that does not exist is no error here.
	e.rxSessions.Delete(s.key[:])
	e.txSessions.Delete(uint32(s.device))
}

// deviceGone leaves a session to user space whose device has gone, perhaps to another network
// namespace. The programs know a device by its index, which there may belong to another.
func (e *Engine) deviceGone(index int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.devices[index]
	if s == nil || s.gone {
		return
	}
	s.gone = true
	s.attached.Close()
	e.clearMaps(s)
	e.notify(fmt.Sprintf("%s: packets are carried in user space: the device has left the network namespace of %s", s.Device.Name(), e.name))
}

// checkDevices calls deviceGone for each device that has gone.
func (e *Engine) checkDevices() {
	e.mu.Lock()
	all := slices.Collect(maps.Keys(e.devices))
	e.mu.Unlock()
	for _, index := range all {
		if _, err := e.ethtool.name(index); err != nil {
			e.deviceGone(index)
		}
	}
}

// SetFamilies sets which address families are open: those whose control protocol (IPCP, IPV6CP) is.
func (s *session) SetFamilies(ipv4, ipv6 bool) {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	if s.removed {
		return
	}
	s.open = families(ipv4, ipv6)
	if s.engine.writeMaps(s) != nil {
		s.engine.clearMaps(s) // the maps may still have a closed family open
	}
}

// Errors of SetSourceFilter: packets that are left to user space.
var (
	errIPv6Filtered = fmt.Errorf("IPv6 packets from the peer, %w", datapath.ErrSourceFiltered)
	errAllFiltered  = fmt.Errorf("all packets from the peer, %w", datapath.ErrSourceFiltered)
)

// SetSourceFilter sets from which sources packets of the peer are accepted; nil: any. The kernel
// checks a filter with one IPv4 address, and leaves packets from other sources to user space, which
// drops them. All IPv6 packets are left to user space, and all packets of a session whose filter
// has several IPv4 addresses; the error reports that.
func (s *session) SetSourceFilter(from *datapath.SourceFilter) (left error) {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	if s.removed {
		return nil
	}
	s.sourceFiltered, s.source = from != nil, netip.Addr{}
	if from != nil {
		one, more := from.IPv4()
		if s.source = one; more {
			left = errAllFiltered
		} else if from.HasIPv6() {
			left = errIPv6Filtered
		}
	}
	if s.engine.writeMaps(s) != nil {
		s.engine.clearMaps(s) // the maps may still accept what the filter rejects
	}
	return left
}

// Counters returns what the kernel has carried for a session since Add. Packets carried in user
// space are not included.
func (s *session) Counters() datapath.Counters {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	if s.removed {
		return s.final
	}
	return s.engine.readCounters(s)
}

// Remove removes a session, and returns its final counters. Its device is not closed.
func (s *session) Remove() datapath.Counters {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	if s.removed {
		return s.final
	}
	s.attached.Close() // fails if the device has gone, and the link with it
	s.engine.clearMaps(s)
	s.removed, s.final = true, s.engine.readCounters(s)
	s.engine.removeSession(s)
	return s.final
}

// Describe is Engine.Describe.
func (l *Link) Describe() string { return l.engine.Describe() }

// readCounters returns the sum of a session's counters over all CPUs.
func (e *Engine) readCounters(s *session) datapath.Counters {
	var counters []sessionCounters
	if e.counters.Lookup(s.slot, &counters) != nil {
		return datapath.Counters{}
	}
	var c datapath.Counters
	for _, m := range counters {
		c.SentPackets += m.SentPackets
		c.SentBytes += m.SentBytes
		c.ReceivedPackets += m.ReceivedPackets
		c.ReceivedBytes += m.ReceivedBytes
	}
	return c
}

// Socket is a session port that accepts a filter, like afpacket.Port.
type Socket interface {
	Addr() wire.Addr
	// AttachProgram sets an eBPF program of type BPF_PROG_TYPE_SOCKET_FILTER as the filter of the
	// socket, in place of its current one.
	AttachProgram(fd int) error
}

// FilterSessions attaches the session filter to a session port: it drops frames that the kernel
// carries. It must be called before the first Add for ports in a VLAN or with an address other than
// the interface's, which receive every frame. For other ports it is optional.
func (l *Link) FilterSessions(s Socket) error {
	var h hooks
	defer h.close() // the socket holds the program
	program, err := h.load(ebpf.SocketFilter, 0, "filter", sessionFilter(l.engine.rxSessions.FD(), l.key, s.Addr()))
	if err != nil {
		return err
	}
	if err := s.AttachProgram(program.FD()); err != nil {
		return fmt.Errorf("attach the session filter to the port: %w", err)
	}
	return nil
}
