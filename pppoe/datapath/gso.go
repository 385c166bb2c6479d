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
	workers []*portWorker // of each port
	batches sync.Pool
}

var _ Engine = (*gsoPath)(nil)

// portWorker is what a port has for itself.
type portWorker struct {
	path   *gsoPath
	index  int
	port   Port
	gather Gatherer // nil: the port wants frames in one piece

	// What follows is used by who reads the port.
	coalescer tun.Coalescer[*flow]
	single    [1][]byte
	write     func(*flow, *tun.GSOPacket)
}

func newGSOPath(ports []Port, control func([]byte), lost func(uint16)) *gsoPath {
	p := &gsoPath{plainPath: plainPath{ports: ports, clock: newClock(), control: control, lost: lost}}
	head := maxHeadersLen
	for i, port := range ports {
		l := &portWorker{path: p, index: i, port: port}
		l.write = l.writeGSO
		if l.gather, _ = port.(Gatherer); l.gather == nil {
			head = max(head, 14+port.MTU()) // the payload is copied there
		}
		p.workers = append(p.workers, l)
	}
	p.batches.New = func() any { return newFrameBatch(head) }
	return p
}

// Add takes up a tunnel.
func (p *gsoPath) Add(t Session) error {
	d, ok := t.Device.(tun.GSODevice)
	if !ok || d.EnableGSO() != nil {
		return p.plainPath.Add(t)
	}
	return p.add(&flow{Session: t, gso: d, writers: writers(d, len(p.workers))}, p.transmitQueues)
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

// gsoBatchSize is how many frames are moved at once. It is what the packet socket takes.
const gsoBatchSize = 64

// Receive moves frames from a port until that is lost or closed.
func (p *gsoPath) Receive(port int) error {
	return ReadFrames(p.ports[port], gsoBatchSize, p.workers[port].receive)
}

// receive passes a batch of frames on.
func (l *portWorker) receive(frames []Frame) {
	p := l.path
	now := p.clock()
	for i := range frames {
		f := p.decapsulate(&frames[i])
		switch {
		case f == nil:
			p.toControl(&frames[i])
		case f.gso == nil:
			p.writePacket(f, &frames[i], l.single[:], now)
		case f.admitFromPeer(frames[i].Data[HeadersLen:], now):
			f.clamp(frames[i].Data[HeadersLen:], frames[i].ChecksumPending)
			l.coalescer.Add(f, frames[i].Data, HeadersLen, frames[i].ChecksumPending, f.gso.SupportsUDPGSO())
		}
	}
	l.coalescer.Flush(l.write)
}

// Inject passes on a frame by the first lane's way.
func (p *gsoPath) Inject(frame []byte) bool {
	in := Frame{Data: frame}
	f := p.decapsulate(&in)
	if f == nil || f.gso == nil {
		return p.plainPath.Inject(frame)
	}
	if f.admitFromPeer(in.Data[HeadersLen:], p.clock()) {
		f.clamp(in.Data[HeadersLen:], false)
		var alone tun.Coalescer[*flow]
		alone.Add(f, in.Data, HeadersLen, false, false)
		alone.Flush(p.workers[0].write)
	}
	return true
}

// writeGSO passes a GSO packet, or a packet on its own, to its device.
func (l *portWorker) writeGSO(f *flow, s *tun.GSOPacket) {
	if f.writers[l.index].WriteGSO(s, HeadersLen) != nil {
		f.counters.dropped.Add(uint64(s.Packets))
		return
	}
	f.counters.received(s.Packets, s.Octets)
}

// frameBatch is packets on their way to the wire: memory that is lent to whoever has some, so
// that a session without traffic needs none.
type frameBatch struct {
	buf        []byte // packets from a device, each with head room
	used       int
	headers    [gsoBatchSize][]byte // headers of frames that are cut
	frames     [gsoBatchSize][2][]byte
	contiguous [gsoBatchSize][]byte // for a port that is no Gatherer
	n          int                  // frames
	segmenter  tun.Segmenter
	now        instant // of its first packet
}

// maxHeadersLen is the most that the headers of a packet that is cut may have, in octets: those
// in front of the IP packet, and IP and TCP with as many options as there can be, or some
// extension headers of IPv6.
const maxHeadersLen = 256

// batchBufferLen has room for one GSO packet, and for one more behind a batch of small ones.
const batchBufferLen = 2 * (HeadersLen + tun.MaxGSOPacket)

// newFrameBatch makes one whose frames have room for so many octets of headers.
func newFrameBatch(head int) *frameBatch {
	l := &frameBatch{buf: make([]byte, batchBufferLen)}
	memory := make([]byte, gsoBatchSize*head)
	for i := range l.headers {
		l.headers[i] = memory[i*head : (i+1)*head : (i+1)*head]
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

// transmitQueues moves packets from all queues of a flow's device until that is closed, or
// lost.
func (p *gsoPath) transmitQueues(f *flow) {
	queues := []tun.GSOReader{f.gso}
	if w, ok := f.gso.(tun.MultiQueue); ok {
		queues = w.Readers()
	}
	var others sync.WaitGroup
	for i, q := range queues[1:] {
		others.Go(func() { p.workers[p.portFor(f, i+1)].transmitLoop(f, q) })
	}
	p.workers[p.portFor(f, 0)].transmitLoop(f, queues[0])
	others.Wait()
}

// transmitLoop moves packets from a queue of a flow's device to the lane's port.
func (l *portWorker) transmitLoop(f *flow, from tun.GSOReader) {
	for {
		out := l.path.batches.Get().(*frameBatch)
		err := l.drain(f, from, out)
		l.path.batches.Put(out)
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
			l.flush(f, out)
			return err
		}
		if out.n == 0 {
			out.now = l.path.clock()
		}
		l.appendPacket(f, out, n, pending)
		if out.n >= gsoBatchSize/2 || out.room() == nil {
			l.flush(f, out)
		}
	}
}

// appendPacket makes frames of the packet that was read.
func (l *portWorker) appendPacket(f *flow, out *frameBatch, size int, pending tun.PendingOffload) {
	buf := out.buf[out.used : out.used+HeadersLen+size]
	protocol := protocolOf(buf[HeadersLen])
	if !f.isOpen(protocol) {
		f.counters.dropped.Add(1)
		return
	}
	f.putHeader(buf)
	if pending.Segment != tun.SegmentNone {
		l.appendSegments(f, out, buf, pending)
		return
	}
	if !f.admitToPeer(size, out.now) {
		return
	}
	f.clamp(buf[HeadersLen:], pending.Checksum)
	if !pending.Complete(buf[HeadersLen:]) {
		f.counters.dropped.Add(1)
		return
	}
	putLength(buf, protocol, size)
	out.used += len(buf)
	out.frames[out.n] = [2][]byte{buf}
	out.n++
	f.counters.sent(1, size)
}

// appendSegments cuts a GSO packet, which lies behind the headers that are the same in all
// frames. Its payload stays where it is until it is sent.
func (l *portWorker) appendSegments(f *flow, out *frameBatch, buf []byte, pending tun.PendingOffload) {
	if out.segmenter.Start(buf[HeadersLen:], pending) != nil || HeadersLen+out.segmenter.HeaderLen() > maxHeadersLen {
		f.counters.dropped.Add(1)
		return
	}
	out.used += len(buf)
	header, protocol := HeadersLen+out.segmenter.HeaderLen(), protocolOf(buf[HeadersLen])
	packets, octets := 0, 0
	for out.segmenter.Len() > 0 {
		if out.n == len(out.frames) {
			l.sendFrames(f, out)
		}
		head := out.headers[out.n][:header]
		copy(head, buf[:HeadersLen])
		payload := out.segmenter.Next(head[HeadersLen:])
		size := header - HeadersLen + len(payload)
		if !f.admitToPeer(size, out.now) {
			continue
		}
		putLength(head, protocol, size)
		out.frames[out.n] = [2][]byte{head, payload}
		out.n++
		packets++
		octets += size
	}
	f.counters.sent(packets, octets)
}

// flush sends what there is, and makes room.
func (l *portWorker) flush(f *flow, out *frameBatch) {
	l.sendFrames(f, out)
	out.used = 0
}

// sendFrames sends frames; the packets that they were cut from stay.
func (l *portWorker) sendFrames(f *flow, out *frameBatch) {
	if out.n == 0 {
		return
	}
	sent := 0
	if l.gather != nil {
		sent, _ = l.gather.WriteGather(out.frames[:out.n])
	} else {
		sent = l.writeContiguous(out)
	}
	f.counters.dropped.Add(uint64(out.n - sent))
	out.n = 0
}

// writeContiguous sends frames through a port that wants them in one piece: the payload is
// copied behind the headers.
func (l *portWorker) writeContiguous(out *frameBatch) (sent int) {
	n := 0
	for _, f := range out.frames[:out.n] {
		if len(f[0])+len(f[1]) <= cap(f[0]) {
			out.contiguous[n] = append(f[0], f[1]...)
			n++
		}
	}
	sent, _ = l.port.WriteBatch(out.contiguous[:n])
	return sent
}
