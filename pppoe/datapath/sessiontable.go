package datapath

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"upppoe/ppp"
	"upppoe/tun"
)

// entry is a session in the data path.
type entry struct {
	Session
	ipv4, ipv6 atomic.Bool
	mss        atomic.Uint32 // an MSSLimit
	admission
	counters counters
	gso      tun.GSODevice   // the device, if it moves GSO packets; only in gsoPath
	writers  []tun.GSOWriter // the device's writer for each port; only in gsoPath
	done     chan struct{}   // closed when the device is no longer read
}

// clamp lowers the MSS of a packet. pending: its checksum is not complete.
func (e *entry) clamp(packet []byte, pending bool) {
	clampMSS(packet, MSSLimit(e.mss.Load()), pending)
}

func (e *entry) isOpen(p ppp.Protocol) bool {
	return p == ppp.IPv4 && e.ipv4.Load() || p == ppp.IPv6 && e.ipv6.Load()
}

// putHeader writes the fields that are the same in all frames of a session, up to LENGTH.
func (e *entry) putHeader(b []byte) {
	copy(b, e.Peer[:])
	copy(b[6:], e.Local[:])
	copy(b[12:], []byte{0x88, 0x64, 0x11, 0})
	binary.BigEndian.PutUint16(b[16:], e.SessionID)
}

// encapsulate writes LENGTH and the Protocol field in front of a packet that begins at HeadersLen.
// It returns nil if the packet must not be sent.
func (e *entry) encapsulate(buf []byte, size int, now instant) []byte {
	if size < 1 {
		return nil
	}
	protocol := protocolOf(buf[HeadersLen])
	if !e.isOpen(protocol) {
		e.counters.dropped.Add(1)
		return nil
	}
	if !e.admitToPeer(size, now) {
		return nil
	}
	e.clamp(buf[HeadersLen:HeadersLen+size], false)
	putLength(buf, protocol, size)
	e.counters.sent(1, size)
	return buf[:HeadersLen+size]
}

// protocolOf returns the PPP protocol of a packet by its first octet.
func protocolOf(first byte) ppp.Protocol {
	if first>>4 == 6 {
		return ppp.IPv6
	}
	return ppp.IPv4
}

// putLength writes LENGTH and the Protocol field for a packet of that size.
func putLength(frame []byte, p ppp.Protocol, size int) {
	binary.BigEndian.PutUint16(frame[18:], uint16(2+size))
	binary.BigEndian.PutUint16(frame[20:], uint16(p))
}

// sessionTable finds sessions by ID without a lock. It has two levels, so that a client with one
// session does not allocate 65,536 entries.
type sessionTable struct {
	write sync.Mutex
	rows  [256]atomic.Pointer[[256]atomic.Pointer[entry]]
}

func (t *sessionTable) get(id uint16) *entry {
	if row := t.rows[id>>8].Load(); row != nil {
		return row[id&0xff].Load()
	}
	return nil
}

// put adds a session. It returns false if the ID is in use.
func (t *sessionTable) put(id uint16, f *entry) bool {
	t.write.Lock()
	defer t.write.Unlock()
	if t.get(id) != nil {
		return false
	}
	row := t.rows[id>>8].Load()
	if row == nil {
		row = new([256]atomic.Pointer[entry])
		t.rows[id>>8].Store(row)
	}
	row[id&0xff].Store(f)
	return true
}

// take removes a session and returns it.
func (t *sessionTable) take(id uint16) *entry {
	t.write.Lock()
	defer t.write.Unlock()
	f := t.get(id)
	if f != nil {
		t.rows[id>>8].Load()[id&0xff].Store(nil)
	}
	return f
}
