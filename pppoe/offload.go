package pppoe

import (
	"sync"

	"upppoe/tun"
)

// The offload data path moves TCP and UDP in super-packets: many segments cross between
// the host and the program in one system call, and frames cross to and from the Ethernet
// in batches. A packet's way, in the order of the functions below:
//
//	from the wire:  receive -> as on the plain path, up to MSS -> joined with its like -> device
//	to the wire:    device -> carrySupers -> family open? -> MSS, or cut -> rate -> headers before each -> port
//
// A SYN is never part of a super-packet. Nothing here waits for more to come: a batch is
// what is there already. A device that knows no super-packets is served as on the plain
// path.

// offloadPath is a Path over one Port of session frames.
type offloadPath struct {
	plainPath
	gather Gatherer // nil: the port wants frames in one piece
	loads  sync.Pool
	merger tun.Merger[*flow]
	single [1][]byte
}

var _ mover = (*offloadPath)(nil)

func newOffloadPath(port Port, control func([]byte), lost func(uint16)) *offloadPath {
	p := &offloadPath{plainPath: plainPath{port: port, clock: newClock(), control: control, lost: lost}}
	p.gather, _ = port.(Gatherer)
	head := maxHead
	if p.gather == nil {
		head = max(head, 14+port.MTU()) // the payload is copied there
	}
	p.loads.New = func() any { return newLoad(head) }
	return p
}

// Add takes up a tunnel.
func (p *offloadPath) Add(t Tunnel) error {
	d, ok := t.Device.(tun.Offloading)
	if !ok || d.TakeSupers() != nil {
		return p.plainPath.Add(t)
	}
	return p.add(&flow{Tunnel: t, supers: d}, p.carrySupers)
}

// offloadBatch is how many frames are moved at once. It is what the packet socket takes.
const offloadBatch = 64

// receive moves frames from the port until that is lost or closed.
func (p *offloadPath) receive() error {
	return read(p.port, offloadBatch, p.take)
}

// take passes a batch of frames on.
func (p *offloadPath) take(frames []Frame) {
	now := p.clock()
	for i := range frames {
		f := p.owner(&frames[i])
		switch {
		case f == nil:
			p.control(frames[i].Data)
		case f.supers == nil:
			p.pass(f, &frames[i], p.single[:], now)
		case len(frames[i].Data) == Headers:
			f.meter.dropped.Add(1)
		case f.receives(frames[i].Data[Headers:], now):
			f.clamp(frames[i].Data[Headers:], frames[i].ChecksumPending)
			p.merger.Add(f, frames[i].Data, Headers, frames[i].ChecksumPending, f.supers.MergesUDP())
		}
	}
	p.merger.Flush(write)
}

// write passes a super-packet, or a packet on its own, to its device.
func write(f *flow, s *tun.Super) {
	if f.supers.WriteSuper(s, Headers) != nil {
		f.meter.dropped.Add(uint64(s.Packets))
		return
	}
	f.meter.received(s.Packets, s.Octets)
}

// load is packets on their way to the wire: memory that is lent to whoever has some, so
// that a session without traffic needs none.
type load struct {
	buf    []byte // packets from a device, each with head room
	used   int
	heads  [offloadBatch][]byte // headers of frames that are cut
	frames [offloadBatch][2][]byte
	whole  [offloadBatch][]byte // for a port that is no Gatherer
	n      int                  // frames
	cut    tun.Segments
	now    instant // of its first packet
}

// maxHead is the most that the headers of a packet that is cut may have, in octets: those
// in front of the IP packet, and IP and TCP with as many options as there can be, or some
// extension headers of IPv6.
const maxHead = 256

// loadRoom has room for one super-packet, and for one more behind a batch of small ones.
const loadRoom = 2 * (Headers + tun.MaxSuper)

// newLoad makes one whose frames have room for so many octets of headers.
func newLoad(head int) *load {
	l := &load{buf: make([]byte, loadRoom)}
	memory := make([]byte, offloadBatch*head)
	for i := range l.heads {
		l.heads[i] = memory[i*head : (i+1)*head : (i+1)*head]
	}
	return l
}

// room is where the next packet goes; nil: the load must go first.
func (l *load) room() []byte {
	if l.n == len(l.frames) || len(l.buf)-l.used < Headers+tun.MaxSuper {
		return nil
	}
	return l.buf[l.used:]
}

// carrySupers moves packets from a flow's device to the port until the device is closed,
// or lost.
func (p *offloadPath) carrySupers(f *flow) {
	for {
		l := p.loads.Get().(*load)
		err := p.drain(f, l)
		p.loads.Put(l)
		if err == nil {
			err = f.supers.Wait()
		}
		if err != nil {
			return
		}
	}
}

// drain moves packets until the device has none.
func (p *offloadPath) drain(f *flow, l *load) error {
	for {
		n, pending, err := f.supers.ReadSuper(l.room(), Headers)
		if n == 0 || err != nil {
			p.send(f, l)
			return err
		}
		if l.n == 0 {
			l.now = p.clock()
		}
		p.put(f, l, n, pending)
		if l.n >= offloadBatch/2 || l.room() == nil {
			p.send(f, l)
		}
	}
}

// put makes frames of the packet that was read.
func (p *offloadPath) put(f *flow, l *load, size int, pending tun.Pending) {
	buf := l.buf[l.used : l.used+Headers+size]
	protocol := protocolOf(buf[Headers])
	if !f.open(protocol) {
		f.meter.dropped.Add(1)
		return
	}
	f.appendHeader(buf[:0])
	if pending.Segment != tun.SegmentNone {
		p.putSegments(f, l, buf, pending)
		return
	}
	if !f.sends(size, l.now) {
		return
	}
	f.clamp(buf[Headers:], pending.Checksum)
	if !pending.Complete(buf[Headers:]) {
		f.meter.dropped.Add(1)
		return
	}
	putLength(buf, protocol, size)
	l.used += len(buf)
	l.frames[l.n] = [2][]byte{buf}
	l.n++
	f.meter.sent(1, size)
}

// putSegments cuts a super-packet, which lies behind the headers that are the same in all
// frames. Its payload stays where it is until it is sent.
func (p *offloadPath) putSegments(f *flow, l *load, buf []byte, pending tun.Pending) {
	if l.cut.Cut(buf[Headers:], pending) != nil || Headers+l.cut.HeaderLen() > maxHead {
		f.meter.dropped.Add(1)
		return
	}
	l.used += len(buf)
	header, protocol := Headers+l.cut.HeaderLen(), protocolOf(buf[Headers])
	packets, octets := 0, 0
	for l.cut.Len() > 0 {
		if l.n == len(l.frames) {
			p.flush(f, l)
		}
		head := l.heads[l.n][:header]
		copy(head, buf[:Headers])
		payload := l.cut.Next(head[Headers:])
		size := header - Headers + len(payload)
		if !f.sends(size, l.now) {
			continue
		}
		putLength(head, protocol, size)
		l.frames[l.n] = [2][]byte{head, payload}
		l.n++
		packets++
		octets += size
	}
	f.meter.sent(packets, octets)
}

// send sends what there is, and makes room.
func (p *offloadPath) send(f *flow, l *load) {
	p.flush(f, l)
	l.used = 0
}

// flush sends frames; the packets that they were cut from stay.
func (p *offloadPath) flush(f *flow, l *load) {
	if l.n == 0 {
		return
	}
	sent := 0
	if p.gather != nil {
		sent, _ = p.gather.WriteGather(l.frames[:l.n])
	} else {
		sent = p.writeWhole(l)
	}
	f.meter.dropped.Add(uint64(l.n - sent))
	l.n = 0
}

// writeWhole sends frames through a port that wants them in one piece: the payload is
// copied behind the headers.
func (p *offloadPath) writeWhole(l *load) (sent int) {
	n := 0
	for _, f := range l.frames[:l.n] {
		if len(f[0])+len(f[1]) <= cap(f[0]) {
			l.whole[n] = append(f[0], f[1]...)
			n++
		}
	}
	sent, _ = p.port.WriteBatch(l.whole[:n])
	return sent
}
