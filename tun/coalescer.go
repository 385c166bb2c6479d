package tun

import (
	"bytes"
	"encoding/binary"
)

// Coalescer coalesces the segments in a batch of packets into GSO packets, which the host takes in
// one call. It keeps the order of the packets of each flow. Packets are coalesced only if a
// Segmenter would restore exactly those packets, and if their checksums are right, because a GSO
// packet's checksum is recomputed, which would hide a wrong one.
//
// Packets belong to owners, for example devices. Those of different owners are never coalesced. A
// Coalescer refers to packets and does not copy them; it does not allocate after the first batch
// of usual size. The zero value is empty and ready for use. It is not safe for concurrent use.
type Coalescer[Owner comparable] struct {
	runs    []run[Owner]
	parts   [][]byte // of all runs; those of a run are linked by next
	next    []int32
	scratch [][]byte  // for GSOPacket.Parts
	packet  GSOPacket // the argument of Flush's callback
}

// run is a number of packets that become one GSO packet, or a single packet.
type run[Owner comparable] struct {
	owner     Owner
	flow      uint64 // ports, protocol and version; 0: a packet without a flow
	packet    []byte // the first packet
	headers   int    // length in each packet
	start     int    // offset of the transport header
	size      int    // length of the first packet's payload; none is longer
	payload   int    // length of all payloads
	count     int
	first     int32
	last      int32
	closed    bool // no packet may be appended
	checked   bool // the checksums of the first packet have been verified
	pending   bool // the transport checksums are pending
	lastFlags byte // TCP: FIN and PSH of the last packet
}

// GSOPacket is an ordinary packet or a GSO packet, which stands for several packets of one flow.
type GSOPacket struct {
	// Parts are the consecutive pieces of the packet. The first has the room in front of the packet
	// that Add was called with. They are valid only until Flush's callback returns.
	Parts   [][]byte
	Headers int // length of the packet's headers, in octets; all are in the first part
	Pending PendingOffload
	Packets int // number of packets that it stands for
	Octets  int // total length of those packets, in octets
}

// Limits of a GSO packet.
const (
	maxPacket   = 0xffff
	maxSegments = 64 // UDP_MAX_SEGMENTS in Linux
)

// Add adds the packet buf[room:]. It must not be empty, and buf must not be changed until Flush.
// pending: its transport checksum is pending. udp: UDP datagrams are coalesced, too.
func (m *Coalescer[Owner]) Add(owner Owner, buf []byte, room int, pending, udp bool) {
	r := classify[Owner](buf[room:], udp)
	r.owner, r.packet, r.pending = owner, buf[room:], pending
	if r.flow != 0 {
		if before := m.lastRun(&r); before != nil && before.accepts(&r) {
			m.join(before, &r)
			return
		}
	}
	r.first, r.last, r.count = m.part(buf), int32(len(m.parts)-1), 1
	m.runs = append(m.runs, r)
}

func (m *Coalescer[Owner]) part(b []byte) int32 {
	m.parts, m.next = append(m.parts, b), append(m.next, -1)
	return int32(len(m.parts) - 1)
}

// lastRun returns the last run of a packet's flow; nil: there is none. Most packets follow one of
// their own flow.
func (m *Coalescer[Owner]) lastRun(r *run[Owner]) *run[Owner] {
	for i := len(m.runs) - 1; i >= 0; i-- {
		if b := &m.runs[i]; b.flow == r.flow && b.owner == r.owner && bytes.Equal(b.addresses(), r.addresses()) {
			return b
		}
	}
	return nil
}

// classify returns a packet as a run of its own. The run is closed if nothing may be appended; it
// has a flow if later packets of that must not be appended to an earlier run.
func classify[Owner comparable](b []byte, udp bool) (r run[Owner]) {
	r.closed = true
	var length int
	var proto byte
	switch {
	case len(b) >= 20+udpHeader && b[0] == 0x45 && binary.BigEndian.Uint16(b[6:])&0x3fff == 0: // no options, no fragment
		r.start, proto, length = 20, b[9], int(binary.BigEndian.Uint16(b[2:]))
	case len(b) >= 40+udpHeader && b[0]>>4 == 6:
		r.start, proto, length = 40, b[6], 40+int(binary.BigEndian.Uint16(b[4:]))
	default:
		return r
	}
	switch proto {
	case protoTCP:
		r.classifyTCP(b, length)
	case protoUDP:
		if udp {
			r.classifyUDP(b, length)
		}
	}
	return r
}

func (r *run[Owner]) setFlow(b []byte, proto byte) {
	r.flow = uint64(binary.BigEndian.Uint32(b[r.start:])) | uint64(proto)<<32 | uint64(b[0]>>4)<<40
}

func (r *run[Owner]) classifyTCP(b []byte, length int) {
	r.setFlow(b, protoTCP)
	if len(b) < r.start+tcpHeader {
		return
	}
	t := b[r.start:]
	r.headers = r.start + int(t[12]>>4)*4
	if r.headers < r.start+tcpHeader || length != len(b) || r.headers >= length {
		return // such as an acknowledgment without data
	}
	const ack, ece = 0x10, 0x40
	flags := t[13]
	if flags&^(ece|flagCWR|flagPSH|flagFIN) != ack || t[12]&0xf != 0 {
		return
	}
	r.size = length - r.headers
	r.payload, r.lastFlags = r.size, flags&(flagPSH|flagFIN)
	r.closed = r.lastFlags != 0
}

func (r *run[Owner]) classifyUDP(b []byte, length int) {
	r.setFlow(b, protoUDP)
	r.headers = r.start + udpHeader
	checksum := binary.BigEndian.Uint16(b[r.start+udpChecksum:])
	if length != len(b) || int(binary.BigEndian.Uint16(b[r.start+4:])) != length-r.start || length == r.headers || checksum == 0 {
		return
	}
	r.size = length - r.headers
	r.payload, r.closed = r.size, false
}

func (r *run[Owner]) addresses() []byte {
	if r.start == 20 {
		return r.packet[12:20]
	}
	return r.packet[8:40]
}

func (r *run[Owner]) udp() bool { return byte(r.flow>>32) == protoUDP }

// accepts reports whether a packet of the same flow may be appended.
func (r *run[Owner]) accepts(p *run[Owner]) bool {
	switch {
	case r.closed || p.size == 0 || p.size > r.size || p.headers != r.headers || p.pending != r.pending:
		return false
	case r.headers+r.payload+p.size > maxPacket || r.count == maxSegments:
		return false
	case !r.follows(p.packet):
		return false
	}
	if !r.checked {
		r.checked = r.verify()
		r.closed = !r.checked
	}
	return r.checked && p.verify()
}

// follows reports whether a packet has the headers that a Segmenter would give to the run's next
// packet.
func (r *run[Owner]) follows(p []byte) bool {
	if r.start == 20 {
		if !r.follows4(p) {
			return false
		}
	} else if !bytes.Equal(p[:4], r.packet[:4]) || p[7] != r.packet[7] { // class and label; hop limit
		return false
	}
	if r.udp() {
		return true
	}
	a, b := r.packet[r.start:r.headers], p[r.start:r.headers]
	return binary.BigEndian.Uint32(b[4:]) == binary.BigEndian.Uint32(a[4:])+uint32(r.payload) &&
		[4]byte(a[8:]) == [4]byte(b[8:]) && // acknowledgment
		a[13]&^flagCWR == b[13]&^(flagPSH|flagFIN) && // so that only the first has CWR
		[2]byte(a[14:]) == [2]byte(b[14:]) && // window
		bytes.Equal(a[18:], b[18:]) // urgent pointer and options
}

// follows4 is follows for the IPv4 header. RFC 6864 section 4: the Identification of a packet that
// must not be fragmented has no meaning, and many senders leave it at zero.
func (r *run[Owner]) follows4(p []byte) bool {
	a := r.packet
	const dontFragment = 0x40
	id, was := binary.BigEndian.Uint16(p[4:]), binary.BigEndian.Uint16(a[4:])
	return a[1] == p[1] && [2]byte(a[6:]) == [2]byte(p[6:]) && a[8] == p[8] &&
		(id == was+uint16(r.count) || a[6]&dontFragment != 0 && id == was)
}

// verify reports whether the checksums of the first packet are right. A pending one must be the sum
// of the pseudo-header.
func (r *run[Owner]) verify() bool {
	p := r.packet
	if r.start == 20 && fold(sum(p[:20])) != 0xffff {
		return false
	}
	pseudo := pseudoSum(p, r.start, len(p)-r.start)
	if !r.pending {
		return fold(pseudo+sum(p[r.start:])) == 0xffff
	}
	at := r.start + tcpChecksum
	if r.udp() {
		at = r.start + udpChecksum
	}
	return binary.BigEndian.Uint16(p[at:])%0xffff == fold(pseudo)%0xffff
}

// pseudoSum returns the sum of the pseudo-header of a transport of length octets.
func pseudoSum(p []byte, start, length int) uint64 {
	if start == 20 {
		return sum(p[12:20]) + uint64(p[9]) + uint64(length)
	}
	return sum(p[8:40]) + uint64(p[6]) + uint64(length)
}

func (m *Coalescer[Owner]) join(r, p *run[Owner]) {
	i := m.part(p.packet[p.headers:])
	m.next[r.last], r.last = i, i
	r.count++
	r.payload += p.size
	r.lastFlags = p.lastFlags
	r.closed = p.lastFlags != 0 || p.size < r.size
}

// Flush calls write with all packets, in the order in which the first packet of each was added, and
// empties the Coalescer. The *GSOPacket is valid only until write returns.
func (m *Coalescer[Owner]) Flush(write func(Owner, *GSOPacket)) {
	for i := range m.runs {
		m.gather(&m.runs[i], &m.packet)
		write(m.runs[i].owner, &m.packet)
	}
	clear(m.runs) // releases the owners
	m.runs, m.parts, m.next = m.runs[:0], m.parts[:0], m.next[:0]
}

func (m *Coalescer[Owner]) gather(r *run[Owner], s *GSOPacket) {
	m.scratch = m.scratch[:0]
	for i := r.first; i >= 0; i = m.next[i] {
		m.scratch = append(m.scratch, m.parts[i])
	}
	*s = GSOPacket{Parts: m.scratch, Headers: r.headers, Packets: r.count, Octets: len(r.packet)}
	switch {
	case r.count > 1:
		s.Octets = r.count*r.headers + r.payload
		s.Pending = r.finishHeaders()
	case r.pending:
		s.Pending = FindPendingChecksum(r.packet)
	}
	if s.Headers == 0 {
		s.Headers = len(r.packet)
	}
}

// finishHeaders turns the headers of the first packet into those of the GSO packet.
func (r *run[Owner]) finishHeaders() (p PendingOffload) {
	length := r.headers - r.start + r.payload
	h := r.packet[:r.headers]
	if r.start == 20 {
		binary.BigEndian.PutUint16(h[2:], uint16(20+length))
		h[10], h[11] = 0, 0
		binary.BigEndian.PutUint16(h[10:], ^fold(sum(h[:20])))
	} else {
		binary.BigEndian.PutUint16(h[4:], uint16(length))
	}
	t := h[r.start:]
	p = PendingOffload{Checksum: true, Start: uint16(r.start), Offset: tcpChecksum, Size: uint16(r.size)}
	switch {
	case r.udp():
		p.Segment, p.Offset = SegmentUDP, udpChecksum
		binary.BigEndian.PutUint16(t[4:], uint16(length))
	case r.start == 20:
		p.Segment = SegmentTCP4
	default:
		p.Segment = SegmentTCP6
	}
	if !r.udp() {
		p.ECN = t[13]&flagCWR != 0
		t[13] |= r.lastFlags
	}
	binary.BigEndian.PutUint16(t[p.Offset:], fold(pseudoSum(h, r.start, length)))
	return p
}
