package pppoe

import (
	"bytes"
	"time"

	"upppoe/ppp"
	"upppoe/pppoe/datapath"
)

// earlyPackets are the first LCP packets of concentrators whose PADS has not been handled yet: they
// arrive on another port than the PADS and may overtake it. The zero value is empty.
type earlyPackets struct {
	kept   map[datapath.Key][][]byte
	since  time.Time
	before map[datapath.Key][][]byte // of the period before
}

const (
	// maxEarly bounds the number of sessions, and maxStartQueue that of packets of each.
	maxEarly = 1024
	// earlyPeriod is how long a packet is kept, at least; at most twice as long.
	earlyPeriod = time.Second
	// maxEarlyLen bounds the length of a packet: no first request is longer.
	maxEarlyLen = 256
)

// keep keeps a copy of the packet of an unknown session, if it may be such a packet, and
// reports whether it has.
func (e *earlyPackets) keep(now time.Time, k datapath.Key, packet []byte) bool {
	if now.Sub(e.since) >= earlyPeriod {
		e.before, e.kept, e.since = e.kept, make(map[datapath.Key][][]byte), now
	}
	have, known := e.kept[k]
	if p, _, err := ppp.ParseFrame(packet); err != nil || p != ppp.LCP || len(packet) > maxEarlyLen ||
		len(have) >= maxStartQueue || !known && len(e.kept) >= maxEarly {
		return false
	}
	e.kept[k] = append(have, bytes.Clone(packet))
	return true
}

// take removes and returns the packets of a session.
func (e *earlyPackets) take(k datapath.Key) [][]byte {
	packets := append(e.before[k], e.kept[k]...)
	delete(e.before, k)
	delete(e.kept, k)
	return packets
}
