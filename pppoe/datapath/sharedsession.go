package datapath

import (
	"fmt"
	"net/netip"
	"sync/atomic"

	"upppoe/tun"
)

// sharedSession is the part of a session that only a SharedDevice uses.
type sharedSession struct {
	interfaceID atomic.Uint64  // of the peer's link-local address; 0: none
	prefixes    []netip.Prefix // in SharedDevice.table; guarded by SharedDevice.change
}

// linkLocal6 is the first half of a link-local address (RFC 4291 section 2.5.6).
const linkLocal6 = 0xfe80 << 48

// SetMTU sets the length of the longest packet that the peer accepts.
func (e *entry) SetMTU(octets int) { e.mtu.Store(uint32(max(0, octets))) }

// SetPrefixes replaces the prefixes of the session.
func (e *entry) SetPrefixes(all []netip.Prefix) error {
	if e.Shared == nil {
		return ErrNotShared
	}
	return e.Shared.setPrefixes(e, all)
}

func (d *SharedDevice) setPrefixes(e *entry, all []netip.Prefix) error {
	interfaceID, err := interfaceIDOf(all)
	if err != nil {
		return err
	}
	d.change.Lock()
	defer d.change.Unlock()
	if e.removed {
		return nil
	}
	routable := routable(all)
	if err := d.table.replace(e, e.prefixes, routable); err != nil {
		return err
	}
	e.prefixes = routable
	e.interfaceID.Store(interfaceID)
	return nil
}

// routedPrefixes returns the prefixes of the session without the link-local one.
func (e *entry) routedPrefixes() []netip.Prefix {
	e.Shared.change.Lock()
	defer e.Shared.change.Unlock()
	return e.prefixes
}

// interfaceIDOf returns the interface identifier of the link-local address among prefixes; 0: there
// is none.
func interfaceIDOf(all []netip.Prefix) (id uint64, err error) {
	for _, p := range all {
		if !isLinkLocalPrefix(p) {
			continue
		}
		bits := newAddressBits(p.Addr())
		if bits.high != linkLocal6 || bits.low == 0 || p.Bits() != 128 || id != 0 {
			return 0, fmt.Errorf("%v: %w: a session has one link-local address", p, ErrPrefix)
		}
		id = bits.low
	}
	return id, nil
}

// routable returns the prefixes without the link-local one.
func routable(all []netip.Prefix) (some []netip.Prefix) {
	for _, p := range all {
		if !isLinkLocalPrefix(p) {
			some = append(some, p)
		}
	}
	return some
}

func isLinkLocalPrefix(p netip.Prefix) bool { return p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() }

// remove removes the prefixes of a session for good.
func (d *SharedDevice) remove(e *entry) {
	d.change.Lock()
	defer d.change.Unlock()
	d.table.replace(e, e.prefixes, nil) // removal has no errors
	e.prefixes, e.removed = nil, true
}

// allowsSource reports whether a packet from the peer may have its source address: the longest
// prefix must be the session's. The peer's link-local address, and the unspecified address for
// neighbour discovery, are in no table.
func (e *entry) allowsSource(packet []byte) bool {
	if len(packet) >= 40 && packet[0]>>4 == 6 {
		switch source := addressBits6(packet[8:]); {
		case source.high == linkLocal6:
			return source.low != 0 && source.low == e.interfaceID.Load()
		case source == addressBits{}:
			return isNeighborDiscovery(packet)
		}
	}
	return e.Shared.table.source(packet) == e
}

// isIsolated reports whether a packet must be dropped because it goes to another session.
func (e *entry) isIsolated(packet []byte) bool {
	if !e.Shared.cfg.Isolate {
		return false
	}
	other := e.Shared.table.destination(packet)
	return other != nil && other != e
}

// isLinkScoped reports whether an IP packet must not leave the link: its IPv6 source is unspecified
// or link-local, or its destination is link-local or a group of the link or the interface.
func isLinkScoped(packet []byte) bool {
	if len(packet) < 40 || packet[0]>>4 != 6 {
		return false
	}
	source := addressBits6(packet[8:])
	return source == addressBits{} || isLinkLocal(packet[8:]) || isLinkLocal(packet[24:]) || packet[24] == 0xff && packet[25]&0x0f <= 2
}

// isLinkLocal reports whether an IPv6 address is in fe80::/10.
func isLinkLocal(address []byte) bool { return address[0] == 0xfe && address[1]&0xc0 == 0x80 }

// takeLocal gives a packet that must not leave the link to Local. pending: its checksum is not
// complete. It returns false for other packets.
func (e *entry) takeLocal(packet []byte, pending bool) bool {
	if !isLinkScoped(packet) {
		return false
	}
	if e.Shared.cfg.Local == nil {
		e.counters.dropped().other.Add(1)
		return true
	}
	if pending {
		tun.CompleteChecksum(packet)
	}
	e.counters.received(1, len(packet))
	e.Shared.cfg.Local(e.config(), packet)
	return true
}
