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

// Link is a pppoe.Offload: sessions in one VLAN of an Engine's interface. Others of
// that VLAN may be in another Line. Methods may be called concurrently.
type Link struct {
	engine   *Engine
	tags     vlan.Stack // as frames have them that leave
	key      vlan.Stack // as frames are known that come
	priority uint8
	sessions map[uint16]*session
}

var _ datapath.Offload = (*Link)(nil)

// session is a tunnel in the maps.
type session struct {
	datapath.Session
	key         [receiveKeyLen]byte
	device      int // the index of its TUN
	slot        uint32
	open        uint16 // families
	segmentUDP  uint16 // segmentUDP, or 0
	unambiguous uint16 // alone, or 0
	// sourceFiltered says that what comes is checked: to be from source, or else in user space.
	sourceFiltered bool
	source         netip.Addr
	header         []byte
	attached       io.Closer

	shaper     string // the device's queueing discipline, if it is one to come by
	filtered   bool   // it has filters to come by
	gone       bool   // the device is elsewhere, if anywhere
	lastNotice string

	promiscuous bool // the device is
}

// Add takes up a tunnel, over which nothing flows until Allow says so. Its device must be a
// network interface of this machine. The error wraps ErrFull or ErrExists, or is the kernel's.
func (l *Link) Add(t datapath.Session) error {
	l.engine.mu.Lock()
	defer l.engine.mu.Unlock()
	s := &session{Session: t, key: receiveKey(t.Peer, t.SessionID, l.key), header: header(t, l.tags, l.priority)}
	if l.sessions[t.SessionID] != nil || l.engine.hasSession(s) {
		return fmt.Errorf("session %d: %w", t.SessionID, ErrExists)
	}
	if err := l.install(s); err != nil {
		return fmt.Errorf("session %d: %w", t.SessionID, err)
	}
	l.sessions[t.SessionID] = s
	return nil
}

// install gives a session its places.
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

// hasSession reports whether some line has a session that frames cannot be told from.
func (e *Engine) hasSession(s *session) bool {
	return slices.ContainsFunc(e.ambiguous[ambiguousKey{s.Peer, s.SessionID}], func(other *session) bool { return other.key == s.key })
}

// addSession tells the programs of a session, and those that have its ID and peer that they are
// no longer alone.
func (e *Engine) addSession(s *session) error {
	t := ambiguousKey{s.Peer, s.SessionID}
	e.ambiguous[t] = append(e.ambiguous[t], s)
	e.devices[s.device] = s
	e.load.start(e)
	return e.updateAmbiguous(t)
}

// removeSession undoes join, and frees the session's meter.
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

// updateAmbiguous tells the programs of all sessions of an ID and a peer.
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

// writeMaps tells the programs of a session as it is now.
func (e *Engine) writeMaps(s *session) error {
	if s.gone {
		return nil
	}
	if s.promiscuous {
		e.clearMaps(s)
		return nil
	}
	if err := e.rxSessions.Put(s.key[:], s.receiveValue()); err != nil {
		return fmt.Errorf("enter the session for what comes: %w", err)
	}
	if s.shaper != "" || s.filtered {
		e.txSessions.Delete(uint32(s.device)) // it need not be there
		return nil
	}
	if err := e.txSessions.Put(uint32(s.device), s.transmitValue()); err != nil {
		return fmt.Errorf("enter the session for what leaves: %w", err)
	}
	return nil
}

// clearMaps has the programs leave all packets of a session.
func (e *Engine) clearMaps(s *session) {
	// What is not there need not be deleted.
	e.rxSessions.Delete(s.key[:])
	e.txSessions.Delete(uint32(s.device))
}

// deviceGone leaves a session to user space, if it was its device that has gone: to another
// network namespace, it may be. Programs know a device by its index, which is another's there.
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
	e.notify(fmt.Sprintf("%s: packets are moved by user space: the device is not in the network namespace of %s any more", s.Device.Name(), e.name))
}

// checkDevices looks which devices have gone.
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

// SetFamilies says which families may flow.
func (l *Link) SetFamilies(id uint16, ipv4, ipv6 bool) {
	l.engine.mu.Lock()
	defer l.engine.mu.Unlock()
	s := l.sessions[id]
	if s == nil {
		return
	}
	s.open = families(ipv4, ipv6)
	if l.engine.writeMaps(s) != nil {
		l.engine.clearMaps(s) // for it might not have heard that a family is closed
	}
}

// What Guard leaves to user space.
var (
	errIPv6Filtered = fmt.Errorf("those of IPv6 from the peer, %w", datapath.ErrSourceFiltered)
	errAllFiltered  = fmt.Errorf("all from the peer, %w", datapath.ErrSourceFiltered)
)

// SetSourceFilter says where packets from the peer may come from. The kernel checks them where that is
// one IPv4 address, and leaves those that do not comply to user space to drop, with all that
// are of IPv6, and all of a session whose IPv4 packets may come from more. The error says so.
func (l *Link) SetSourceFilter(id uint16, from *datapath.SourceFilter) (leaves error) {
	l.engine.mu.Lock()
	defer l.engine.mu.Unlock()
	s := l.sessions[id]
	if s == nil {
		return nil
	}
	s.sourceFiltered, s.source = from != nil, netip.Addr{}
	if from != nil {
		one, more := from.IPv4()
		if s.source = one; more {
			leaves = errAllFiltered
		} else if from.HasIPv6() {
			leaves = errIPv6Filtered
		}
	}
	if l.engine.writeMaps(s) != nil {
		l.engine.clearMaps(s) // for it might let through what user space would not
	}
	return leaves
}

// Counters are those of a tunnel since Add: of what the kernel has moved, alone.
func (l *Link) Counters(id uint16) datapath.Counters {
	l.engine.mu.Lock()
	defer l.engine.mu.Unlock()
	if s := l.sessions[id]; s != nil {
		return l.engine.readCounters(s)
	}
	return datapath.Counters{}
}

// Remove forgets a tunnel. Its device is not closed.
func (l *Link) Remove(id uint16) datapath.Counters {
	l.engine.mu.Lock()
	defer l.engine.mu.Unlock()
	s := l.sessions[id]
	if s == nil {
		return datapath.Counters{}
	}
	delete(l.sessions, id)
	s.attached.Close() // the device may be gone, and the link with it
	l.engine.removeSession(s)
	return l.engine.readCounters(s)
}

// Describe tells how the kernel moves packets, and why not in a faster way.
func (l *Link) Describe() string { return l.engine.Describe() }

// readCounters reads a meter.
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

// A Socket is a session port that can be given a filter, like afpacket.Port.
type Socket interface {
	Addr() wire.Addr
	// AttachProgram makes an eBPF program of type BPF_PROG_TYPE_SOCKET_FILTER the
	// socket's filter, in place of the one it has.
	AttachProgram(fd int) error
}

// FilterSessions keeps frames that the kernel moves from the line's session port. It is needed for
// ports in a VLAN, or with an address of their own choosing: the kernel gives them every
// frame, moved or not. Before the first Add; others need it not, and may have it.
func (l *Link) FilterSessions(s Socket) error {
	var h hooks
	defer h.close() // the socket holds the program
	program, err := h.load(ebpf.SocketFilter, 0, "shield", sessionFilter(l.engine.rxSessions.FD(), l.key, s.Addr()))
	if err != nil {
		return err
	}
	if err := s.AttachProgram(program.FD()); err != nil {
		return fmt.Errorf("attach the filter of the session port: %w", err)
	}
	return nil
}
