package datapath

import (
	"encoding/binary"
	"sync/atomic"

	"upppoe/ppp"
	"upppoe/tun"
)

// entry is a session in the data path. There are tens of thousands: up to 192 octets the runtime takes
// as many for each; for more, 208.
type entry struct {
	identity
	headers headers
	removed bool // with the prefixes of a SharedDevice, whose lock guards it

	ipv4, ipv6 atomic.Bool
	mss        atomic.Uint32 // an MSSLimit
	mtu        atomic.Uint32 // of a SharedDevice's session; 0: none
	admission
	sharedSession
	counters counters
	*deviceIO
}

// identity is a SessionConfig without the device.
type identity struct {
	Key
	priority   uint8
	attachment string
	generation uint64
}

// config returns the configuration that the session was added with.
func (e *entry) config() SessionConfig {
	return SessionConfig{
		Key: e.Key, Priority: e.priority, Attachment: e.attachment, Generation: e.generation,
		Device: e.Device, Shared: e.Shared,
	}
}

// deviceIO is how an engine moves the packets of a device. Sessions that share the device share it.
type deviceIO struct {
	path    *plainPath      // of the engine
	Device  tun.Device      // for packets that are written one at a time
	Shared  *SharedDevice   // nil: the device is the session's own
	gso     tun.GSODevice   // the device, if it moves GSO packets; only in gsoPath
	writers []tun.GSOWriter // the device's writer for each port; only in gsoPath
	reading deviceReading   // of a session's own device
	done    chan struct{}   // closed when the device is no longer read; nil: it is shared
	ahead   instant         // by which the clock for packets from the device is ahead of the engine's
}

var _ Session = (*entry)(nil)

func newEntry(p *plainPath, c SessionConfig, io *deviceIO) *entry {
	if io.path == nil { // else it is a SharedDevice's
		io.path, io.Device, io.reading.held = p, c.Device, c.Held
	}
	return &entry{identity: identity{c.Key, c.Priority, c.Attachment, c.Generation}, headers: newHeaders(&c), deviceIO: io}
}

// SetFamilies sets which address families may pass.
func (e *entry) SetFamilies(ipv4, ipv6 bool) {
	e.ipv4.Store(ipv4)
	e.ipv6.Store(ipv6)
	if (ipv4 || ipv6) && e.Shared == nil {
		e.reading.start()
	}
}

// SetMSS sets the largest MSS.
func (e *entry) SetMSS(limit MSSLimit) { e.mss.Store(uint32(limit)) }

// SetSourceFilter sets the source addresses that are allowed.
func (e *entry) SetSourceFilter(from *SourceFilter) { e.sourceFilter.Store(from) }

// SetRates sets the rates.
func (e *entry) SetRates(up, down Rate) {
	var with offloadedBuckets
	is := e.rateLimits()
	if is.offloaded != nil {
		with = *is.offloaded
	}
	e.limits.Store(&rateLimits{is.up.withRate(up, with.up), is.down.withRate(down, with.down), is.offloaded})
}

// shareBuckets has the session take from token buckets of an Offload. It is not called concurrently
// with SetRates.
func (e *entry) shareBuckets(b SharedBuckets) {
	ahead := instant(b.Now()) - e.path.clock()
	with := &offloadedBuckets{bucketState{b.Up, ahead}, bucketState{b.Down, ahead}}
	is := e.rateLimits()
	e.limits.Store(&rateLimits{is.up.share(with.up), is.down.share(with.down), with})
}

// Counters returns the counters.
func (e *entry) Counters() Counters { return e.counters.read() }

// AddCounters adds to the counters.
func (e *entry) AddCounters(c Counters) { e.counters.add(c) }

// Remove removes the session and closes its device, unless that is shared.
func (e *entry) Remove() Counters {
	switch {
	case !e.path.sessions.take(e):
	case e.Shared != nil:
		e.Shared.remove(e)
	default:
		e.Device.Close()
		e.reading.start()
		<-e.done
	}
	return e.counters.read()
}

// outlet returns the port that sends the packets of a device's queue.
func (e *entry) outlet(queue int) *outlet { return e.path.outlets[e.path.portFor(e, queue)] }

// clamp lowers the MSS of a packet. pending: its checksum is not complete.
func (e *entry) clamp(packet []byte, pending bool) {
	clampMSS(packet, MSSLimit(e.mss.Load()), pending)
}

func (e *entry) isOpen(p ppp.Protocol) bool {
	return p == ppp.IPv4 && e.ipv4.Load() || p == ppp.IPv6 && e.ipv6.Load()
}

// encapsulate writes the headers in front of a packet that begins at maxTaggedLen, and returns the
// frame; nil: the packet must not be sent.
func (e *entry) encapsulate(buf []byte, size int, now instant) []byte {
	if size < 1 {
		return nil
	}
	protocol := protocolOf(buf[maxTaggedLen])
	if !e.isOpen(protocol) {
		e.counters.dropped().other.Add(1)
		return nil
	}
	if !e.admitToPeer(size, now) {
		return nil
	}
	e.clamp(buf[maxTaggedLen:maxTaggedLen+size], false)
	e.headers.put(buf, protocol, size)
	e.counters.sent(1, size)
	return buf[e.headers.start : maxTaggedLen+size]
}

// put writes the headers of a packet of that size in front of maxTaggedLen.
func (h *headers) put(buf []byte, p ppp.Protocol, size int) {
	*(*[maxTaggedLen]byte)(buf) = h.bytes
	binary.BigEndian.PutUint16(buf[maxTaggedLen-4:], uint16(2+size))
	binary.BigEndian.PutUint16(buf[maxTaggedLen-2:], uint16(p))
}

// protocolOf returns the PPP protocol of a packet by its first octet.
func protocolOf(first byte) ppp.Protocol {
	if first>>4 == 6 {
		return ppp.IPv6
	}
	return ppp.IPv4
}
