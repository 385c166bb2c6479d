package datapath

import (
	"encoding/binary"
	"sync"

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
	outlets  []*outlet // of the ports
	sessions *sessionTable
	clock    func() instant
	// control is called with a frame that is not for the data path. The frame is valid only until
	// the call returns.
	control func(frame []byte)
	// lost is called with a session whose device has failed before Remove.
	lost    func(SessionConfig)
	singles singleFrames
	shared  sharedDevices
}

var _ Engine = (*plainPath)(nil)

func newPlainPath(ports []Port, control func([]byte), lost func(SessionConfig)) *plainPath {
	p := &plainPath{ports: ports, sessions: newSessionTable(), clock: newClock(), control: control, lost: lost, singles: newSingleFrames()}
	for _, port := range ports {
		p.outlets = append(p.outlets, newOutlet(port))
	}
	return p
}

// Add adds a session.
func (p *plainPath) Add(c SessionConfig) (Session, error) {
	if c.Shared != nil {
		return p.addShared(c)
	}
	c.Device = &sharedDevice{Device: c.Device}
	return p.add(newEntry(p, c, &deviceIO{done: make(chan struct{})}), p.transmitLoop)
}

// addShared adds a session of a SharedDevice.
func (p *plainPath) addShared(c SessionConfig) (Session, error) {
	e := newEntry(p, c, p.shared.get(p, c.Shared))
	if !p.sessions.put(e) {
		return nil, ErrSessionInUse
	}
	return e, nil
}

// add adds a session and starts transmit, which runs until the device is closed or lost.
func (p *plainPath) add(e *entry, transmit func(*entry)) (Session, error) {
	e.reading.read = func() { p.runTransmit(e, transmit) }
	if !p.sessions.put(e) {
		return nil, ErrSessionInUse
	}
	if !e.reading.held {
		e.reading.start()
	}
	return e, nil
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

// Find returns a session.
func (p *plainPath) Find(k Key, generation uint64) Session {
	if e := p.sessions.get(k); e != nil && e.generation == generation {
		return e
	}
	return nil
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
	if !f.admitFromPeer(frame.Data[HeadersLen:], frame.ChecksumPending, now) {
		return
	}
	packet[0] = frame.Data
	if frame.ChecksumPending {
		tun.CompleteChecksum(packet[0][HeadersLen:])
	}
	f.clamp(packet[0][HeadersLen:], false)
	if n, _ := f.Device.Write(packet, HeadersLen); n != 1 {
		f.counters.dropped().other.Add(1)
		return
	}
	f.counters.received(1, len(packet[0])-HeadersLen)
}

// decapsulate returns the session of a frame, and trims the frame to its packet, which begins at
// HeadersLen: tags are removed. nil: the frame is not for the data path, and is unchanged. RFC 2516
// section 4: LENGTH excludes padding, which is ignored.
func (p *plainPath) decapsulate(frame *Frame) *entry {
	b := frame.Data
	key, at, ok := FrameKey(b)
	if !ok || b[at] != 0x11 || b[at+1] != 0 {
		return nil
	}
	length := int(binary.BigEndian.Uint16(b[at+4:]))
	if length < 2 || at+wire.HeaderLen+length > len(b) {
		return nil
	}
	protocol := protocolAt(b, at)
	if !isIP(protocol) { // a control frame costs no lookup
		return nil
	}
	e := p.sessions.get(key)
	if e == nil || !e.isOpen(protocol) {
		return nil
	}
	frame.Data = b[at+wire.HeaderLen+2-HeadersLen : at+wire.HeaderLen+length]
	return e
}

// runTransmit runs transmit, and then reports a device that is lost.
func (p *plainPath) runTransmit(f *entry, transmit func(*entry)) {
	transmit(f)
	close(f.done)
	if p.sessions.get(f.Key) == f {
		p.lost(f.config())
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
		bufs[i] = make([]byte, maxTaggedLen+port.MTU())
	}
	for {
		n, err := f.Device.Read(bufs, sizes, maxTaggedLen)
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
		f.counters.dropped().other.Add(uint64(len(frames) - sent))
	}
}
