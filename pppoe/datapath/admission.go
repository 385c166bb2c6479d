package datapath

import "sync/atomic"

// admission is what each packet is checked against. It may change at any time.
type admission struct {
	sourceFilter atomic.Pointer[SourceFilter] // nil: any source
	limits       atomic.Pointer[rateLimits]   // nil: none
}

// rateLimits are the rates of a session. They are replaced as a whole.
type rateLimits struct {
	up, down  *bucket           // nil: no limit
	offloaded *offloadedBuckets // nil: there are none
}

// offloadedBuckets are the states of token buckets that the session shares with an Offload.
type offloadedBuckets struct{ up, down bucketState }

// rateLimits returns the rates.
func (a *admission) rateLimits() rateLimits {
	if l := a.limits.Load(); l != nil {
		return *l
	}
	return rateLimits{}
}

// admitFromPeer reports whether a packet from the wire may pass to the device, and counts one that
// may not. One that must not leave the link is given to the SharedDevice's Local. The version in the
// packet is checked in addition to PPP's Protocol field: the host, which reads from the TUN device
// without that field, goes by the version. A spoofed packet takes no tokens of the peer's rate.
// pending: the packet's checksum is not complete.
func (e *entry) admitFromPeer(packet []byte, pending bool, now instant) bool {
	if len(packet) == 0 || !e.isOpen(protocolOf(packet[0])) {
		e.counters.dropped().other.Add(1)
		return false
	}
	if filter := e.sourceFilter.Load(); filter != nil && !filter.allow(packet) {
		e.counters.dropped().spoofed.Add(1)
		return false
	}
	if e.Shared == nil {
		return e.conforms(e.rateLimits().up, len(packet), now)
	}
	return e.admitShared(packet, now) && !e.takeLocal(packet, pending)
}

// admitShared is the part of admitFromPeer that only sessions of a SharedDevice have, and the rate.
func (e *entry) admitShared(packet []byte, now instant) bool {
	if !e.allowsSource(packet) {
		e.counters.dropped().spoofed.Add(1)
		return false
	}
	if e.isIsolated(packet) {
		e.counters.dropped().isolated.Add(1)
		return false
	}
	return e.conforms(e.rateLimits().up, len(packet), now)
}

// admitToPeer reports whether a packet of so many octets may be sent, and counts one that may not.
func (e *entry) admitToPeer(octets int, now instant) bool {
	return e.conforms(e.rateLimits().down, octets, now-e.ahead)
}

func (e *entry) conforms(b *bucket, octets int, now instant) bool {
	if b == nil || b.take(now, octets) {
		return true
	}
	e.counters.dropped().exceeded.Add(1)
	return false
}
