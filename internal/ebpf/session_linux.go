package ebpf

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"

	"upppoe/pppoe/datapath"
)

// session is a session in the maps.
type session struct {
	datapath.Key       // with the tags of its frames
	priority     uint8 // in those
	at           *Interface
	device       *device
	slot         uint32
	flags        uint16 // without those that value adds
	mtu          uint16 // of packets to send; 0: as the device's
	change       uint32 // number of the last change of what sources are allowed
	onDevice     bool   // counts for device.taken
	filtered     bool   // has a source filter in addition to the prefixes of a shared device
	prefixes     []netip.Prefix
	ambiguous    *session           // the next session with the same ambiguousKey
	final        *datapath.Counters // once it is removed
}

// TableKey returns the key of Interface.sessions.
func (s *session) TableKey() ambiguousKey { return ambiguousKey{s.Peer, s.SessionID} }

var _ datapath.BucketSharer = (*session)(nil)

// install allocates a slot, opens the session's device and adds the session to the maps. After an
// error all of it is undone.
func (s *session) install(device string, shared bool) (err error) {
	e := s.engine()
	if e.pins.staysPinned() {
		return ErrReleased
	}
	if s.at.hasSession(s) {
		return ErrExists
	}
	used, ok := s.takeSlot()
	if !ok {
		return ErrFull
	}
	e.setSlot(s.slot, s)
	defer func() { e.inherited = inheritance{} }()
	if s.device, err = e.device(device, shared); err == nil {
		s.device.take(s)
		s.inherit()
		if err = s.addToMaps(used); err != nil {
			err = fmt.Errorf("%s: %w", s.device.name, err)
			s.uninstall()
		}
	}
	if err != nil {
		e.releaseSlot(s.slot)
	}
	return err
}

// takeSlot takes the slot that the session had in a predecessor, or else a free one, whose counters
// another session may have used.
func (s *session) takeSlot() (used, ok bool) {
	e := s.engine()
	s.change = 1
	if s.isLeft() {
		return false, s.claim()
	}
	s.slot, used, ok = e.slots.allocate()
	return used, ok
}

// addToMaps writes the session's value before its keys, by which programs find it. Another session
// may have used the slot.
func (s *session) addToMaps(used bool) error {
	e := s.engine()
	if used {
		if err := e.maps.counters.Put(s.slot, make([]sessionCounters, e.maps.possibleCPUs)); err != nil {
			return fmt.Errorf("reset the counters: %w", err)
		}
	}
	if err := s.at.addSession(s); err != nil {
		return fmt.Errorf("add the session: %w", err)
	}
	if s.inherited() != nil {
		return nil
	}
	key := s.receiveKey()
	if err := s.at.received.Put(key[:], number(s.slot)); err != nil {
		return fmt.Errorf("add the session for received frames: %w", err)
	}
	if s.device.shared {
		return nil
	}
	if err := e.maps.devices.Put(uint32(s.device.index), s.slot); err != nil {
		return fmt.Errorf("add the session for packets to send: %w", err)
	}
	delete(e.left.devices, uint32(s.device.index))
	return nil
}

// uninstall undoes addToMaps, and releases the device.
func (s *session) uninstall() {
	s.clear()
	if s.flags&rateLimited != 0 {
		s.engine().rates.reset(s.slot)
	}
	s.at.removeSession(s)
	s.device.release(s)
}

// receiveKey returns the key of the session's received frames.
func (s *session) receiveKey() [receiveKeyLen]byte {
	return receiveKey(s.Peer, s.SessionID, s.VLAN.WithoutPriorityTag())
}

func (s *session) engine() *Engine { return s.at.engine }

func (s *session) bucket(direction int) *tokenBucket {
	return s.engine().rates.bucket(s.slot, direction)
}

// write writes the session's value to the map, unless that is a successor's.
func (s *session) write() error {
	if s.isGone() || s.engine().pins.staysPinned() {
		return nil
	}
	value := s.value()
	if bytes.Equal(value, s.inherited()) {
		return nil
	}
	if err := s.engine().maps.sessions.Put(number(s.slot), value); err != nil {
		return fmt.Errorf("write the session: %w", err)
	}
	return nil
}

// isGone reports whether the session is no longer in the maps.
func (s *session) isGone() bool { return s.final != nil || s.device.gone || s.at.closed }

// clear removes the session's keys from the maps, so that programs leave its packets to user space. Nothing
// is removed from the maps of a successor.
func (s *session) clear() {
	e := s.engine()
	if e.pins.staysPinned() {
		return
	}
	// A key that does not exist is no error here.
	key := s.receiveKey()
	s.at.received.Delete(key[:])
	for _, p := range s.prefixes {
		e.deletePrefix(s, p)
	}
	s.prefixes = nil
	e.control.count()
	if !s.device.shared && e.devices[s.device.index] == s.device {
		e.maps.devices.Delete(uint32(s.device.index))
	}
}

// currentFlags returns the flags of the session in the map. User space carries all packets while the
// device is promiscuous.
func (s *session) currentFlags() uint16 {
	flags := s.flags | s.device.segmentUDP
	if s.isUnambiguous() {
		flags |= unambiguous
	}
	if s.device.shared {
		flags |= sharedDevice | checkSource
	}
	if s.device.promiscuous || s.device.incomplete || s.filtered {
		flags &^= openIPv4 | openIPv6
	}
	return flags
}

// currentMTU returns the maximum length of packets that are sent in the kernel: none if the device
// has a queueing discipline or filters that they must not bypass.
func (s *session) currentMTU() uint16 {
	switch {
	case s.device.shaper != "" || s.device.filtered:
		return 0
	case s.mtu == 0:
		return math.MaxUint16
	}
	return s.mtu
}

// set changes flags of the session. Nothing is written while no family is open before and after. If
// they cannot be written, user space carries the session: the maps may still allow what they must
// not.
func (s *session) set(mask, flags uint16) {
	before := s.flags
	s.flags = s.flags&^mask | flags
	if (before|s.flags)&(openIPv4|openIPv6) != 0 && s.write() != nil {
		s.clear()
	}
}

// SetFamilies sets which address families are open: those whose control protocol (IPCP, IPV6CP) is.
func (s *session) SetFamilies(ipv4, ipv6 bool) {
	s.engine().mu.Lock()
	defer s.engine().mu.Unlock()
	if open := families(ipv4, ipv6); !s.isGone() && s.flags&(openIPv4|openIPv6) != open {
		s.set(openIPv4|openIPv6, open)
	}
}

// SetSourceFilter sets from which sources packets of the peer are accepted; nil: any. After an error
// user space carries the session. A session of a shared device, whose sources are its prefixes, is
// left to user space if it has a filter in addition.
func (s *session) SetSourceFilter(from *datapath.SourceFilter) error {
	s.engine().mu.Lock()
	defer s.engine().mu.Unlock()
	switch {
	case s.isGone():
		return nil
	case s.device.shared:
		s.filtered = from != nil
		s.set(0, 0)
		return nil
	}
	if from == nil {
		s.set(checkSource, 0)
		return s.setPrefixes(nil)
	}
	if err := s.setPrefixes(from.Prefixes()); err != nil {
		s.leavePrefixes(err)
		return err
	}
	s.set(0, checkSource)
	return nil
}

// SetPrefixes sets the prefixes of a session of a shared device. After an error user space carries
// all sessions of the device.
func (s *session) SetPrefixes(all []netip.Prefix) error {
	s.engine().mu.Lock()
	defer s.engine().mu.Unlock()
	if s.isGone() || !s.device.shared {
		return nil
	}
	if err := s.setPrefixes(all); err != nil {
		s.leavePrefixes(err)
		return err
	}
	return nil
}

// SetMTU sets the maximum length of packets that are sent; 0: the device's MTU.
func (s *session) SetMTU(octets int) {
	s.engine().mu.Lock()
	defer s.engine().mu.Unlock()
	before := s.mtu
	if s.mtu = uint16(max(0, min(octets, math.MaxUint16))); s.mtu != before && !s.isGone() {
		s.set(0, 0)
	}
}

// leavePrefixes leaves packets to user space after not all prefixes of the session could be added to
// the maps: the longest match may be another session's now.
func (s *session) leavePrefixes(why error) {
	d := s.device
	if !d.shared {
		s.clear()
		return
	}
	if !d.incomplete {
		s.engine().cfg.Notify(fmt.Sprintf("%s: packets of all sessions are carried in user space: %v", d.name, why))
	}
	d.incomplete = true
	d.update()
}

// SetRates limits the rates, up from the peer and down to it. After an error user space carries the
// session.
func (s *session) SetRates(up, down datapath.Rate) {
	e := s.engine()
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.isGone() {
		return
	}
	if err := e.rates.use(); err != nil {
		e.cfg.Notify(fmt.Sprintf("%s: packets of a session with a rate are carried in user space: %v", s.device.name, err))
		s.clear()
		return
	}
	s.bucket(ratesUp).set(up)
	s.bucket(ratesDown).set(down)
	limited := uint16(0)
	if up.Bits > 0 || down.Bits > 0 {
		limited = rateLimited
	}
	s.set(rateLimited, limited)
}

// Buckets returns the token buckets, which the programs use.
func (s *session) Buckets() datapath.SharedBuckets {
	return datapath.SharedBuckets{Up: &s.bucket(ratesUp).fullAt, Down: &s.bucket(ratesDown).fullAt, Now: monotonic}
}

// Counters returns what the kernel has carried or dropped for a session since Add. Packets carried
// in user space are not included.
func (s *session) Counters() datapath.Counters {
	s.engine().mu.Lock()
	defer s.engine().mu.Unlock()
	if s.final != nil {
		return *s.final
	}
	return s.readCounters()
}

// Remove removes the session, and returns its final counters. Its device is not closed.
func (s *session) Remove() datapath.Counters {
	e := s.engine()
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case s.final != nil:
		return *s.final
	case e.pins.staysPinned():
		return datapath.Counters{} // it is a successor's
	}
	s.uninstall()
	final := s.readCounters()
	s.final = &final
	e.releaseSlot(s.slot)
	return final
}

// readCounters returns the sum of a session's counters over all CPUs.
func (s *session) readCounters() (c datapath.Counters) {
	var counters []sessionCounters
	if s.engine().maps.counters.Lookup(s.slot, &counters) != nil {
		return c
	}
	for _, m := range counters {
		c.SentPackets += m.SentPackets
		c.SentBytes += m.SentBytes
		c.ReceivedPackets += m.ReceivedPackets
		c.ReceivedBytes += m.ReceivedBytes
		c.Spoofed += m.Spoofed
		c.Exceeded += m.Exceeded
		c.Isolated += m.Isolated
		c.Dropped += m.Dropped + m.Spoofed + m.Exceeded + m.Isolated
	}
	return c
}
