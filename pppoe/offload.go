package pppoe

import (
	"slices"
	"sync"

	"upppoe/tun"
)

// The offload data path moves TCP and UDP in super-packets: many segments cross between
// the host and the program in one system call, and frames cross to and from the Ethernet
// in batches. A packet's way, in the order of the functions below:
//
//	from the wire:  receive -> as on the plain path, up to MSS -> joined with its like -> device
//	to the wire:    device -> carry -> family open? -> MSS, or cut -> rate -> headers before each -> port
//
// A SYN is never part of a super-packet. Nothing here waits for more to come: a batch is
// what is there already. A device that knows no super-packets is served as on the plain
// path.
//
// With several ports, and devices with several queues (tun.Wide), processors share the
// work: each port has one goroutine that reads it, and each queue another. The packets of
// a flow come by one port, and out of one queue, so that they stay in order.

// offloadPath is a Path over Ports of session frames.
type offloadPath struct {
	plainPath
	lanes []*lane // of each port
	loads sync.Pool
}

var _ mover = (*offloadPath)(nil)

// lane is what a port has for itself.
type lane struct {
	path   *offloadPath
	number int
	port   Port
	gather Gatherer // nil: the port wants frames in one piece

	// What follows is used by who reads the port.
	merger tun.Merger[*flow]
	single [1][]byte
	write  func(*flow, *tun.Super)
}

func newOffloadPath(ports []Port, control func([]byte), lost func(uint16)) *offloadPath {
	p := &offloadPath{plainPath: plainPath{ports: ports, clock: newClock(), control: control, lost: lost}}
	head := maxHead
	for i, port := range ports {
		l := &lane{path: p, number: i, port: port}
		l.write = l.writeSuper
		if l.gather, _ = port.(Gatherer); l.gather == nil {
			head = max(head, 14+port.MTU()) // the payload is copied there
		}
		p.lanes = append(p.lanes, l)
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
	return p.add(&flow{Tunnel: t, supers: d, writers: writers(d, len(p.lanes))}, p.carryQueues)
}

// writers are where n goroutines write to a device, and inject where the first does. It may
// have no more than one place for all of them.
func writers(d tun.Offloading, n int) (all []tun.SuperWriter) {
	if n == 1 {
		return []tun.SuperWriter{&sharedWriter{SuperWriter: d}}
	}
	if w, ok := d.(tun.Wide); ok {
		all = w.Writers()
	}
	if len(all) >= n {
		all = slices.Clone(all[:n])
		all[0] = &sharedWriter{SuperWriter: all[0]}
		return all
	}
	shared := &sharedWriter{SuperWriter: d}
	if len(all) > 0 {
		shared.SuperWriter = all[0]
	}
	return slices.Repeat([]tun.SuperWriter{shared}, n)
}

// sharedWriter is one for several goroutines.
type sharedWriter struct {
	tun.SuperWriter
	mu sync.Mutex
}

// WriteSuper waits until no one else writes.
func (w *sharedWriter) WriteSuper(s *tun.Super, headroom int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.SuperWriter.WriteSuper(s, headroom)
}

// offloadBatch is how many frames are moved at once. It is what the packet socket takes.
const offloadBatch = 64

// receive moves frames from a port until that is lost or closed.
func (p *offloadPath) receive(port int) error {
	return read(p.ports[port], offloadBatch, p.lanes[port].take)
}

// take passes a batch of frames on.
func (l *lane) take(frames []Frame) {
	p := l.path
	now := p.clock()
	for i := range frames {
		f := p.owner(&frames[i])
		switch {
		case f == nil:
			p.leave(&frames[i])
		case f.supers == nil:
			p.pass(f, &frames[i], l.single[:], now)
		case f.receives(frames[i].Data[Headers:], now):
			f.clamp(frames[i].Data[Headers:], frames[i].ChecksumPending)
			l.merger.Add(f, frames[i].Data, Headers, frames[i].ChecksumPending, f.supers.MergesUDP())
		}
	}
	l.merger.Flush(l.write)
}

// inject passes on a frame by the first lane's way.
func (p *offloadPath) inject(frame []byte) bool {
	in := Frame{Data: frame}
	f := p.owner(&in)
	if f == nil || f.supers == nil {
		return p.plainPath.inject(frame)
	}
	if f.receives(in.Data[Headers:], p.clock()) {
		f.clamp(in.Data[Headers:], false)
		var alone tun.Merger[*flow]
		alone.Add(f, in.Data, Headers, false, false)
		alone.Flush(p.lanes[0].write)
	}
	return true
}

// writeSuper passes a super-packet, or a packet on its own, to its device.
func (l *lane) writeSuper(f *flow, s *tun.Super) {
	if f.writers[l.number].WriteSuper(s, Headers) != nil {
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

// carryQueues moves packets from all queues of a flow's device until that is closed, or
// lost.
func (p *offloadPath) carryQueues(f *flow) {
	queues := []tun.SuperReader{f.supers}
	if w, ok := f.supers.(tun.Wide); ok {
		queues = w.Readers()
	}
	var others sync.WaitGroup
	for i, q := range queues[1:] {
		others.Go(func() { p.lanes[p.choose(f, i+1)].carry(f, q) })
	}
	p.lanes[p.choose(f, 0)].carry(f, queues[0])
	others.Wait()
}

// carry moves packets from a queue of a flow's device to the lane's port.
func (l *lane) carry(f *flow, from tun.SuperReader) {
	for {
		out := l.path.loads.Get().(*load)
		err := l.drain(f, from, out)
		l.path.loads.Put(out)
		if err == nil {
			err = from.Wait()
		}
		if err != nil {
			return
		}
	}
}

// drain moves packets until the queue has none.
func (l *lane) drain(f *flow, from tun.SuperReader, out *load) error {
	for {
		n, pending, err := from.ReadSuper(out.room(), Headers)
		if n == 0 || err != nil {
			l.send(f, out)
			return err
		}
		if out.n == 0 {
			out.now = l.path.clock()
		}
		l.put(f, out, n, pending)
		if out.n >= offloadBatch/2 || out.room() == nil {
			l.send(f, out)
		}
	}
}

// put makes frames of the packet that was read.
func (l *lane) put(f *flow, out *load, size int, pending tun.Pending) {
	buf := out.buf[out.used : out.used+Headers+size]
	protocol := protocolOf(buf[Headers])
	if !f.open(protocol) {
		f.meter.dropped.Add(1)
		return
	}
	f.putHeader(buf)
	if pending.Segment != tun.SegmentNone {
		l.putSegments(f, out, buf, pending)
		return
	}
	if !f.sends(size, out.now) {
		return
	}
	f.clamp(buf[Headers:], pending.Checksum)
	if !pending.Complete(buf[Headers:]) {
		f.meter.dropped.Add(1)
		return
	}
	putLength(buf, protocol, size)
	out.used += len(buf)
	out.frames[out.n] = [2][]byte{buf}
	out.n++
	f.meter.sent(1, size)
}

// putSegments cuts a super-packet, which lies behind the headers that are the same in all
// frames. Its payload stays where it is until it is sent.
func (l *lane) putSegments(f *flow, out *load, buf []byte, pending tun.Pending) {
	if out.cut.Cut(buf[Headers:], pending) != nil || Headers+out.cut.HeaderLen() > maxHead {
		f.meter.dropped.Add(1)
		return
	}
	out.used += len(buf)
	header, protocol := Headers+out.cut.HeaderLen(), protocolOf(buf[Headers])
	packets, octets := 0, 0
	for out.cut.Len() > 0 {
		if out.n == len(out.frames) {
			l.flush(f, out)
		}
		head := out.heads[out.n][:header]
		copy(head, buf[:Headers])
		payload := out.cut.Next(head[Headers:])
		size := header - Headers + len(payload)
		if !f.sends(size, out.now) {
			continue
		}
		putLength(head, protocol, size)
		out.frames[out.n] = [2][]byte{head, payload}
		out.n++
		packets++
		octets += size
	}
	f.meter.sent(packets, octets)
}

// send sends what there is, and makes room.
func (l *lane) send(f *flow, out *load) {
	l.flush(f, out)
	out.used = 0
}

// flush sends frames; the packets that they were cut from stay.
func (l *lane) flush(f *flow, out *load) {
	if out.n == 0 {
		return
	}
	sent := 0
	if l.gather != nil {
		sent, _ = l.gather.WriteGather(out.frames[:out.n])
	} else {
		sent = l.writeWhole(out)
	}
	f.meter.dropped.Add(uint64(out.n - sent))
	out.n = 0
}

// writeWhole sends frames through a port that wants them in one piece: the payload is
// copied behind the headers.
func (l *lane) writeWhole(out *load) (sent int) {
	n := 0
	for _, f := range out.frames[:out.n] {
		if len(f[0])+len(f[1]) <= cap(f[0]) {
			out.whole[n] = append(f[0], f[1]...)
			n++
		}
	}
	sent, _ = l.port.WriteBatch(out.whole[:n])
	return sent
}
