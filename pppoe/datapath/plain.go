package datapath

import (
	"encoding/binary"
	"errors"
	"sync"

	"upppoe/ppp"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// The plain data path works everywhere: user space reads a packet on one side
// and writes it on the other. A packet's way, in the order of the functions below:
//
//	from the wire:  receive -> flow lookup -> session and address check -> family open? -> source, rate -> MSS -> device
//	to the wire:    device -> transmit -> family open? -> rate -> MSS -> header in place -> port
//
// What is no packet of an open family goes to the control plane.

// BatchSize is how many frames are read at once.
const BatchSize = 32

// plainPath is a Path over Ports of session frames.
type plainPath struct {
	ports []Port
	flows flowTable
	clock func() instant
	// control takes a frame that is not for the data path. The frame is valid
	// only during the call.
	control func(frame []byte)
	// lost is told of a tunnel whose device has failed, though nobody removed it.
	lost func(sessionID uint16)
}

var _ Path = (*plainPath)(nil)

// ErrSessionInUse is returned for a tunnel whose session ID is in use.
var ErrSessionInUse = errors.New("pppoe: session ID is already in use")

func newPlainPath(ports []Port, control func([]byte), lost func(uint16)) *plainPath {
	return &plainPath{ports: ports, clock: newClock(), control: control, lost: lost}
}

// Add takes up a tunnel.
func (p *plainPath) Add(t Session) error {
	t.Device = &sharedDevice{Device: t.Device}
	return p.add(&flow{Session: t}, p.transmitLoop)
}

// add takes up a flow whose packets to the wire "carry" moves, until the device is
// closed, or lost.
func (p *plainPath) add(f *flow, carry func(*flow)) error {
	f.done = make(chan struct{})
	if !p.flows.put(f.SessionID, f) {
		return ErrSessionInUse
	}
	// Ends when the device is closed: Remove does that.
	go p.runTransmit(f, carry)
	return nil
}

// SetFamilies says which families may flow.
func (p *plainPath) SetFamilies(id uint16, ipv4, ipv6 bool) {
	if f := p.flows.get(id); f != nil {
		f.ipv4.Store(ipv4)
		f.ipv6.Store(ipv6)
	}
}

// SetMSS says how large an MSS may be.
func (p *plainPath) SetMSS(id uint16, limit MSSLimit) {
	if f := p.flows.get(id); f != nil {
		f.mss.Store(uint32(limit))
	}
}

// SetSourceFilter says where packets may come from.
func (p *plainPath) SetSourceFilter(id uint16, from *SourceFilter) {
	if f := p.flows.get(id); f != nil {
		f.sourceFilter.Store(from)
	}
}

// SetRates bounds what is carried.
func (p *plainPath) SetRates(id uint16, up, down Rate) {
	if f := p.flows.get(id); f != nil {
		f.up.Store(f.up.Load().withRate(up))
		f.down.Store(f.down.Load().withRate(down))
	}
}

// Counters are those of a tunnel.
func (p *plainPath) Counters(id uint16) Counters {
	if f := p.flows.get(id); f != nil {
		return f.counters.read()
	}
	return Counters{}
}

// Remove forgets a tunnel.
func (p *plainPath) Remove(id uint16) Counters {
	f := p.flows.take(id)
	if f == nil {
		return Counters{}
	}
	f.Device.Close()
	<-f.done
	return f.counters.read()
}

// Receive moves frames from a port until that is lost or closed.
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

// toControl gives the control plane a frame that is not for the data path. A packet in it may come
// back by inject, and nobody knows then that its checksum was open.
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

// deliver writes a frame's packet to its device. It says no if the frame is
// not the data path's.
func (p *plainPath) deliver(frame *Frame, packet [][]byte, now instant) bool {
	f := p.decapsulate(frame)
	if f != nil {
		p.writePacket(f, frame, packet, now)
	}
	return f != nil
}

// writePacket writes the packet of a frame, which owner has cut, to its device.
func (p *plainPath) writePacket(f *flow, frame *Frame, packet [][]byte, now instant) {
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

// decapsulate is the flow that a frame belongs to, and cuts the frame to its packet; nil: it is
// not the data path's. RFC 2516 section 4: LENGTH is trusted, and what lies beyond it is
// padding.
func (p *plainPath) decapsulate(frame *Frame) *flow {
	b := frame.Data
	if len(b) < HeadersLen || b[14] != 0x11 || b[15] != 0 {
		return nil
	}
	length := int(binary.BigEndian.Uint16(b[18:]))
	if length < 2 || 20+length > len(b) {
		return nil
	}
	f := p.flows.get(binary.BigEndian.Uint16(b[16:]))
	if f == nil || wire.Addr(b[6:12]) != f.Peer {
		return nil
	}
	if !f.isOpen(ppp.Protocol(binary.BigEndian.Uint16(b[20:]))) {
		return nil
	}
	frame.Data = b[:20+length]
	return f
}

// runTransmit has a flow's packets carried, and tells of a device that is lost.
func (p *plainPath) runTransmit(f *flow, carry func(*flow)) {
	carry(f)
	close(f.done)
	if p.flows.get(f.SessionID) == f {
		p.lost(f.SessionID)
	}
}

// portFor says by which port those packets go that come out of one of a device's queues:
// the sessions are spread over all.
func (p *plainPath) portFor(f *flow, queue int) (port int) {
	return (int(f.SessionID) + queue) % len(p.ports)
}

// sharedDevice is a Device to which packets come by several ports, or by inject. It is one
// that knows no GSO packets.
type sharedDevice struct {
	tun.Device
	mu sync.Mutex // held by who writes
}

// Write waits until no one else writes.
func (d *sharedDevice) Write(packets [][]byte, headroom int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Device.Write(packets, headroom)
}

// transmitLoop moves packets from a flow's device to a port until the device is closed, or
// lost.
func (p *plainPath) transmitLoop(f *flow) {
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
