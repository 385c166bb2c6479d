package datapath

import (
	"encoding/binary"
	"sync"

	"upppoe/ppp"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// The plain data path works everywhere: user space reads a packet on one side and writes it on the
// other. A packet passes these steps, in the order of the functions below:
//
//	from the wire:  receive -> session lookup -> session and address check -> family open? -> source filter, rate -> MSS -> device
//	to the wire:    device -> transmit -> family open? -> rate -> MSS -> headers in place -> port
//
// Frames without a packet of an open family go to the control plane.

// plainPath is an Engine that moves one packet at a time.
type plainPath struct {
	ports    []Port
	sessions sessionTable
	clock    func() instant
	// control is called with a frame that is not for the data path. The frame is valid only until
	// the call returns.
	control func(frame []byte)
	// lost is called with the ID of a session whose device has failed before Remove.
	lost func(sessionID uint16)
}

var _ Path = (*plainPath)(nil)

func newPlainPath(ports []Port, control func([]byte), lost func(uint16)) *plainPath {
	return &plainPath{ports: ports, clock: newClock(), control: control, lost: lost}
}

// Add adds a session.
func (p *plainPath) Add(t Session) error {
	t.Device = &sharedDevice{Device: t.Device}
	return p.add(&entry{Session: t}, p.transmitLoop)
}

// add adds a session and starts transmit, which runs until the device is closed or lost.
func (p *plainPath) add(f *entry, transmit func(*entry)) error {
	f.done = make(chan struct{})
	if !p.sessions.put(f.SessionID, f) {
		return ErrSessionInUse
	}
	// Ends when Remove closes the device.
	go p.runTransmit(f, transmit)
	return nil
}

// SetFamilies sets which address families may pass.
func (p *plainPath) SetFamilies(id uint16, ipv4, ipv6 bool) {
	if f := p.sessions.get(id); f != nil {
		f.ipv4.Store(ipv4)
		f.ipv6.Store(ipv6)
	}
}

// SetMSS sets the largest MSS.
func (p *plainPath) SetMSS(id uint16, limit MSSLimit) {
	if f := p.sessions.get(id); f != nil {
		f.mss.Store(uint32(limit))
	}
}

// SetSourceFilter sets the source addresses that are allowed.
func (p *plainPath) SetSourceFilter(id uint16, from *SourceFilter) {
	if f := p.sessions.get(id); f != nil {
		f.sourceFilter.Store(from)
	}
}

// SetRates sets the rates.
func (p *plainPath) SetRates(id uint16, up, down Rate) {
	if f := p.sessions.get(id); f != nil {
		f.up.Store(f.up.Load().withRate(up))
		f.down.Store(f.down.Load().withRate(down))
	}
}

// Counters returns the counters of a session.
func (p *plainPath) Counters(id uint16) Counters {
	if f := p.sessions.get(id); f != nil {
		return f.counters.read()
	}
	return Counters{}
}

// Remove removes a session and closes its device.
func (p *plainPath) Remove(id uint16) Counters {
	f := p.sessions.take(id)
	if f == nil {
		return Counters{}
	}
	f.Device.Close()
	<-f.done
	return f.counters.read()
}

// Receive moves frames from a port until the port is lost or closed.
func (p *plainPath) Receive(port int) error {
	var packet [1][]byte
	return ReadFrames(p.ports[port], BatchSize, func(frames []Frame) {
		now := p.clock()
		for i := range frames {
			if !p.deliver(&frames[i], packet[:], now) {
				p.toControl(&frames[i])
			}
		}
	})
}

// toControl gives a frame to the control plane. It completes a pending checksum, because Inject,
// by which the frame may come back, does not know that it was pending.
func (p *plainPath) toControl(frame *Frame) {
	if frame.ChecksumPending && len(frame.Data) > HeadersLen {
		tun.CompleteChecksum(frame.Data[HeadersLen:])
	}
	p.control(frame.Data)
}

func (p *plainPath) Inject(frame []byte) bool {
	var packet [1][]byte
	return p.deliver(&Frame{Data: frame}, packet[:], p.clock())
}

// deliver writes a frame's packet to its device. It returns false if the frame is not for the data
// path.
func (p *plainPath) deliver(frame *Frame, packet [][]byte, now instant) bool {
	f := p.decapsulate(frame)
	if f != nil {
		p.writePacket(f, frame, packet, now)
	}
	return f != nil
}

// writePacket writes the packet of a frame, which decapsulate has trimmed, to its device.
func (p *plainPath) writePacket(f *entry, frame *Frame, packet [][]byte, now instant) {
	if !f.admitFromPeer(frame.Data[HeadersLen:], now) {
		return
	}
	packet[0] = frame.Data
	if frame.ChecksumPending {
		tun.CompleteChecksum(packet[0][HeadersLen:])
	}
	f.clamp(packet[0][HeadersLen:], false)
	if n, _ := f.Device.Write(packet, HeadersLen); n != 1 {
		f.counters.dropped.Add(1)
		return
	}
	f.counters.received(1, len(packet[0])-HeadersLen)
}

// decapsulate returns the session of a frame, and trims the frame to its packet; nil: the frame is not
// for the data path. RFC 2516 section 4: LENGTH excludes padding, which is ignored.
func (p *plainPath) decapsulate(frame *Frame) *entry {
	b := frame.Data
	if len(b) < HeadersLen || b[14] != 0x11 || b[15] != 0 {
		return nil
	}
	length := int(binary.BigEndian.Uint16(b[18:]))
	if length < 2 || 20+length > len(b) {
		return nil
	}
	f := p.sessions.get(binary.BigEndian.Uint16(b[16:]))
	if f == nil || wire.Addr(b[6:12]) != f.Peer {
		return nil
	}
	if !f.isOpen(ppp.Protocol(binary.BigEndian.Uint16(b[20:]))) {
		return nil
	}
	frame.Data = b[:20+length]
	return f
}

// runTransmit runs transmit, and then reports a device that is lost.
func (p *plainPath) runTransmit(f *entry, transmit func(*entry)) {
	transmit(f)
	close(f.done)
	if p.sessions.get(f.SessionID) == f {
		p.lost(f.SessionID)
	}
}

// portFor returns the port that sends the packets of a device's queue: sessions are spread over all
// ports.
func (p *plainPath) portFor(f *entry, queue int) (port int) {
	return (int(f.SessionID) + queue) % len(p.ports)
}

// sharedDevice is a Device without GSO that several goroutines write to: those of the ports, and
// Inject.
type sharedDevice struct {
	tun.Device
	mu sync.Mutex // held during Write
}

// Write waits for other writers.
func (d *sharedDevice) Write(packets [][]byte, headroom int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Device.Write(packets, headroom)
}

// transmitLoop moves packets from a session's device to a port until the device is closed or lost.
func (p *plainPath) transmitLoop(f *entry) {
	port := p.ports[p.portFor(f, 0)]
	n := f.Device.BatchSize()
	bufs, sizes, frames := make([][]byte, n), make([]int, n), make([][]byte, 0, n)
	for i := range bufs {
		bufs[i] = make([]byte, HeadersLen+port.MTU())
		f.putHeader(bufs[i])
	}
	for {
		n, err := f.Device.Read(bufs, sizes, HeadersLen)
		if err != nil {
			return
		}
		frames = frames[:0]
		now := p.clock()
		for i := range n {
			if frame := f.encapsulate(bufs[i], sizes[i], now); frame != nil {
				frames = append(frames, frame)
			}
		}
		sent, _ := port.WriteBatch(frames)
		f.counters.dropped.Add(uint64(len(frames) - sent))
	}
}
