package datapath

import "sync/atomic"

// admission is what is checked of each packet. It may change while they flow.
type admission struct {
	sourceFilter atomic.Pointer[SourceFilter] // nil: anywhere
	up, down     atomic.Pointer[bucket]       // nil: there is no bound
}

// admitFromPeer reports whether a packet from the wire may go on, and counts one that may not.
// Its own version counts, and not only PPP's Protocol: the host, to which a TUN device gives
// packets without one, goes by that too. What is forged takes nothing of the peer's rate.
func (f *flow) admitFromPeer(packet []byte, now instant) bool {
	if len(packet) == 0 || !f.isOpen(protocolOf(packet[0])) {
		f.counters.dropped.Add(1)
		return false
	}
	if from := f.sourceFilter.Load(); from != nil && !from.allow(packet) {
		f.counters.spoofed.Add(1)
		return false
	}
	return f.conforms(f.up.Load(), len(packet), now)
}

// admitToPeer reports whether a packet of so many octets may go to the wire, and counts one that
// may not.
func (f *flow) admitToPeer(octets int, now instant) bool {
	return f.conforms(f.down.Load(), octets, now)
}

func (f *flow) conforms(b *bucket, octets int, now instant) bool {
	if b == nil || b.take(now, octets) {
		return true
	}
	f.counters.exceeded.Add(1)
	return false
}
