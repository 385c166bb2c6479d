package datapath

import (
	"slices"
	"sync"

	"upppoe/tun"
)

// The offload data path moves TCP and UDP in GSO packets: many segments cross between
// the host and the program in one system call, and frames cross to and from the Ethernet
// in batches. A packet's way, in the order of the functions below:
//
//	from the wire:  receive -> as on the plain path, up to MSS -> joined with its like -> device
//	to the wire:    device -> carry -> family open? -> MSS, or cut -> rate -> headers before each -> port
//
// A SYN is never part of a GSO packet. Nothing here waits for more to come: a batch is
// what is there already. A device that knows no GSO packets is served as on the plain
// path.
//
// With several ports, and devices with several queues (tun.MultiQueue), processors share the
// work: each port has one goroutine that reads it, and each queue another. The packets of
// a flow come by one port, and out of one queue, so that they stay in order.

// gsoPath is a Path over Ports of session frames.
type gsoPath struct {
	plainPath
	lanes []*portWorker // of each port
	loads sync.Pool
}

var _ Engine = (*gsoPath)(nil)

// portWorker is what a port has for itself.
type portWorker struct {
	path   *gsoPath
	number int
	port   Port
	gather Gatherer // nil: the port wants frames in one piece

	// What follows is used by who reads the port.
	merger tun.Coalescer[*flow]
	single [1][]byte
	write  func(*flow, *tun.GSOPacket)
}

func newGSOPath(ports []Port, control func([]byte), lost func(uint16)) *gsoPath {
	p := &gsoPath{plainPath: plainPath{ports: ports, clock: newClock(), control: control, lost: lost}}
	head := maxHead
	for i, port := range ports {
		l := &portWorker{path: p, number: i, port: port}
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
func (p *gsoPath) Add(t Session) error {
	d, ok := t.Device.(tun.GSODevice)
	if !ok || d.EnableGSO() != nil {
		return p.plainPath.Add(t)
	}
	return p.add(&flow{Session: t, supers: d, writers: writers(d, len(p.lanes))}, p.carryQueues)
}

// writers are where n goroutines write to a device, and inject where the first does. It may
// have no more than one place for all of them.
func writers(d tun.GSODevice, n int) (all []tun.GSOWriter) {
	if n == 1 {
		return []tun.GSOWriter{&sharedWriter{GSOWriter: d}}
	}
	if w, ok := d.(tun.MultiQueue); ok {
		all = w.Writers()
	}
	if len(all) >= n {
		all = slices.Clone(all[:n])
		all[0] = &sharedWriter{GSOWriter: all[0]}
		return all
	}
	shared := &sharedWriter{GSOWriter: d}
	if len(all) > 0 {
		shared.GSOWriter = all[0]
	}
	return slices.Repeat([]tun.GSOWriter{shared}, n)
}

// sharedWriter is one for several goroutines.
type sharedWriter struct {
	tun.GSOWriter
	mu sync.Mutex
}

// WriteGSO waits until no one else writes.
func (w *sharedWriter) WriteGSO(s *tun.GSOPacket, headroom int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.GSOWriter.WriteGSO(s, headroom)
}

// offloadBatch is how many frames are moved at once. It is what the packet socket takes.
const offloadBatch = 64

// Receive moves frames from a port until that is lost or closed.
func (p *gsoPath) Receive(port int) error {
	return ReadFrames(p.ports[port], offloadBatch, p.lanes[port].take)
}

// take passes a batch of frames on.
func (l *portWorker) take(frames []Frame) {
	p := l.path
	now := p.clock()
	for i := range frames {
		f := p.owner(&frames[i])
		switch {
		case f == nil:
			p.leave(&frames[i])
		case f.supers == nil:
			p.pass(f, &frames[i], l.single[:], now)
		case f.receives(frames[i].Data[HeadersLen:], now):
			f.clamp(frames[i].Data[HeadersLen:], frames[i].ChecksumPending)
			l.merger.Add(f, frames[i].Data, HeadersLen, frames[i].ChecksumPending, f.supers.SupportsUDPGSO())
		}
	}
	l.merger.Flush(l.write)
}

// Inject passes on a frame by the first lane's way.
func (p *gsoPath) Inject(frame []byte) bool {
	in := Frame{Data: frame}
	f := p.owner(&in)
	if f == nil || f.supers == nil {
		return p.plainPath.Inject(frame)
	}
	if f.receives(in.Data[HeadersLen:], p.clock()) {
		f.clamp(in.Data[HeadersLen:], false)
		var alone tun.Coalescer[*flow]
		alone.Add(f, in.Data, HeadersLen, false, false)
		alone.Flush(p.lanes[0].write)
	}
	return true
}

// writeSuper passes a GSO packet, or a packet on its own, to its device.
func (l *portWorker) writeSuper(f *flow, s *tun.GSOPacket) {
	if f.writers[l.number].WriteGSO(s, HeadersLen) != nil {
		f.meter.dropped.Add(uint64(s.Packets))
		return
	}
	f.meter.received(s.Packets, s.Octets)
}

// frameBatch is packets on their way to the wire: memory that is lent to whoever has some, so
// that a session without traffic needs none.
type frameBatch struct {
	buf    []byte // packets from a device, each with head room
	used   int
	heads  [offloadBatch][]byte // headers of frames that are cut
	frames [offloadBatch][2][]byte
	whole  [offloadBatch][]byte // for a port that is no Gatherer
	n      int                  // frames
	cut    tun.Segmenter
	now    instant // of its first packet
}

// maxHead is the most that the headers of a packet that is cut may have, in octets: those
// in front of the IP packet, and IP and TCP with as many options as there can be, or some
// extension headers of IPv6.
const maxHead = 256

// loadRoom has room for one GSO packet, and for one more behind a batch of small ones.
const loadRoom = 2 * (HeadersLen + tun.MaxGSOPacket)

// newLoad makes one whose frames have room for so many octets of headers.
func newLoad(head int) *frameBatch {
	l := &frameBatch{buf: make([]byte, loadRoom)}
	memory := make([]byte, offloadBatch*head)
	for i := range l.heads {
		l.heads[i] = memory[i*head : (i+1)*head : (i+1)*head]
	}
	return l
}

// room is where the next packet goes; nil: the load must go first.
func (l *frameBatch) room() []byte {
	if l.n == len(l.frames) || len(l.buf)-l.used < HeadersLen+tun.MaxGSOPacket {
		return nil
	}
	return l.buf[l.used:]
}

// carryQueues moves packets from all queues of a flow's device until that is closed, or
// lost.
func (p *gsoPath) carryQueues(f *flow) {
	queues := []tun.GSOReader{f.supers}
	if w, ok := f.supers.(tun.MultiQueue); ok {
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
func (l *portWorker) carry(f *flow, from tun.GSOReader) {
	for {
		out := l.path.loads.Get().(*frameBatch)
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
func (l *portWorker) drain(f *flow, from tun.GSOReader, out *frameBatch) error {
	for {
		n, pending, err := from.ReadGSO(out.room(), HeadersLen)
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
func (l *portWorker) put(f *flow, out *frameBatch, size int, pending tun.PendingOffload) {
	buf := out.buf[out.used : out.used+HeadersLen+size]
	protocol := protocolOf(buf[HeadersLen])
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
	f.clamp(buf[HeadersLen:], pending.Checksum)
	if !pending.Complete(buf[HeadersLen:]) {
		f.meter.dropped.Add(1)
		return
	}
	putLength(buf, protocol, size)
	out.used += len(buf)
	out.frames[out.n] = [2][]byte{buf}
	out.n++
	f.meter.sent(1, size)
}

// putSegments cuts a GSO packet, which lies behind the headers that are the same in all
// frames. Its payload stays where it is until it is sent.
func (l *portWorker) putSegments(f *flow, out *frameBatch, buf []byte, pending tun.PendingOffload) {
	if out.cut.Start(buf[HeadersLen:], pending) != nil || HeadersLen+out.cut.HeaderLen() > maxHead {
		f.meter.dropped.Add(1)
		return
	}
	out.used += len(buf)
	header, protocol := HeadersLen+out.cut.HeaderLen(), protocolOf(buf[HeadersLen])
	packets, octets := 0, 0
	for out.cut.Len() > 0 {
		if out.n == len(out.frames) {
			l.flush(f, out)
		}
		head := out.heads[out.n][:header]
		copy(head, buf[:HeadersLen])
		payload := out.cut.Next(head[HeadersLen:])
		size := header - HeadersLen + len(payload)
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
func (l *portWorker) send(f *flow, out *frameBatch) {
	l.flush(f, out)
	out.used = 0
}

// flush sends frames; the packets that they were cut from stay.
func (l *portWorker) flush(f *flow, out *frameBatch) {
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
func (l *portWorker) writeWhole(out *frameBatch) (sent int) {
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
