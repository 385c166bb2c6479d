package datapath

import (
	"slices"
	"sync"

	"upppoe/pppoe/vlan"
	"upppoe/tun"
)

// The GSO data path moves TCP and UDP in GSO packets: many segments cross between the host and this
// program in one system call, and frames cross to and from the Ethernet in batches. A packet passes
// these steps, in the order of the functions below:
//
//	from the wire:  receive -> as on the plain path, up to MSS -> coalesced -> device
//	to the wire:    device -> drain -> family open? -> MSS, or segmented -> rate -> headers before each segment -> port
//
// A SYN is never part of a GSO packet. Nothing waits for more packets: a batch is what is available
// now. A device without GSO is served as on the plain path.
//
// With several ports, and devices with several queues (tun.MultiQueue), the work is spread over
// processors: one goroutine reads each port, and one each queue. The packets of a TCP or UDP flow
// come by one port, and out of one queue, so that their order is kept.

// gsoPath is an Engine that moves GSO packets.
type gsoPath struct {
	plainPath
	workers []*portWorker // one for each port
	batches sync.Pool
}

var _ Engine = (*gsoPath)(nil)

// portWorker is the state of one port.
type portWorker struct {
	path   *gsoPath
	index  int
	port   Port
	gather Gatherer // nil: the port accepts contiguous frames only

	// The following is used only by the goroutine that reads the port.
	coalescer tun.Coalescer[*entry]
	single    [1][]byte
	write     func(*entry, *tun.GSOPacket)
}

func newGSOPath(ports []Port, control func([]byte), lost func(SessionConfig)) *gsoPath {
	p := &gsoPath{plainPath: *newPlainPath(ports, control, lost)}
	headersLen := maxHeadersLen
	for i, port := range ports {
		w := &portWorker{path: p, index: i, port: port}
		w.write = w.writeGSO
		if w.gather, _ = port.(Gatherer); w.gather == nil {
			headersLen = max(headersLen, 14+vlan.MaxDepth*vlan.TagLen+port.MTU()) // writeContiguous copies the payload there
		}
		p.workers = append(p.workers, w)
	}
	p.batches.New = func() any { return newFrameBatch(headersLen) }
	return p
}

// Add adds a session, with GSO if its device supports it.
func (p *gsoPath) Add(c SessionConfig) (Session, error) {
	d, ok := c.Device.(tun.GSODevice)
	if !ok || d.EnableGSO() != nil {
		return p.plainPath.Add(c)
	}
	e := newEntry(&p.plainPath, c)
	e.gso, e.writers = d, writers(d, len(p.workers))
	return p.add(e, p.transmitQueues)
}

// writers returns n writers of a device, one for each port's goroutine. The first is used by Inject
// too. A device with fewer queues has its writer shared.
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

// sharedWriter is a writer for several goroutines.
type sharedWriter struct {
	tun.GSOWriter
	mu sync.Mutex
}

// WriteGSO waits for other writers.
func (w *sharedWriter) WriteGSO(s *tun.GSOPacket, headroom int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.GSOWriter.WriteGSO(s, headroom)
}

// gsoBatchSize is the number of frames moved at once: that of package afpacket.
const gsoBatchSize = 64

// Receive moves frames from a port until the port is lost or closed.
func (p *gsoPath) Receive(port int) error {
	return ReadFrames(p.ports[port], gsoBatchSize, p.workers[port].receive)
}

// receive handles a batch of frames.
func (w *portWorker) receive(frames []Frame) {
	p := w.path
	now := p.clock()
	for i := range frames {
		f := p.decapsulate(&frames[i])
		switch {
		case f == nil:
			p.toControl(&frames[i])
		case f.gso == nil:
			p.writePacket(f, &frames[i], w.single[:], now)
		case f.admitFromPeer(frames[i].Data[HeadersLen:], now):
			f.clamp(frames[i].Data[HeadersLen:], frames[i].ChecksumPending)
			w.coalescer.Add(f, frames[i].Data, HeadersLen, frames[i].ChecksumPending, f.gso.SupportsUDPGSO())
		}
	}
	w.coalescer.Flush(w.write)
}

// Inject handles a frame as if it were received on the first port.
func (p *gsoPath) Inject(frame []byte) bool {
	in := Frame{Data: frame}
	f := p.decapsulate(&in)
	if f == nil || f.gso == nil {
		return p.plainPath.Inject(frame)
	}
	if f.admitFromPeer(in.Data[HeadersLen:], p.clock()) {
		f.clamp(in.Data[HeadersLen:], false)
		var alone tun.Coalescer[*entry]
		alone.Add(f, in.Data, HeadersLen, false, false)
		alone.Flush(p.workers[0].write)
	}
	return true
}

// writeGSO writes a packet or GSO packet to its device.
func (w *portWorker) writeGSO(f *entry, s *tun.GSOPacket) {
	if f.writers[w.index].WriteGSO(s, HeadersLen) != nil {
		f.counters.dropped.Add(uint64(s.Packets))
		return
	}
	f.counters.received(s.Packets, s.Octets)
}

// frameBatch is a batch of packets on their way to the wire. Batches are pooled, so that an idle
// session needs no memory for them.
type frameBatch struct {
	buf        []byte // packets from a device, each behind room for its headers
	used       int
	headers    [gsoBatchSize][]byte // of the frames made of segments
	frames     [gsoBatchSize][2][]byte
	contiguous [gsoBatchSize][]byte // for a port that is not a Gatherer
	n          int                  // number of frames
	segmenter  tun.Segmenter
	now        instant // when its first packet was read
}

// maxHeadersLen is the longest headers of a segment, in octets: maxTaggedLen, and IP and TCP with all
// options, or some extension headers of IPv6.
const maxHeadersLen = 256

// batchBufferLen has room for one GSO packet, and for another behind a batch of small packets.
const batchBufferLen = 2 * (maxTaggedLen + tun.MaxGSOPacket)

// newFrameBatch returns an empty batch with headersLen octets for the headers of each frame.
func newFrameBatch(headersLen int) *frameBatch {
	b := &frameBatch{buf: make([]byte, batchBufferLen)}
	memory := make([]byte, gsoBatchSize*headersLen)
	for i := range b.headers {
		b.headers[i] = memory[i*headersLen : (i+1)*headersLen : (i+1)*headersLen]
	}
	return b
}

// room returns the buffer for the next packet; nil: flush first.
func (b *frameBatch) room() []byte {
	if b.n == len(b.frames) || len(b.buf)-b.used < maxTaggedLen+tun.MaxGSOPacket {
		return nil
	}
	return b.buf[b.used:]
}

// transmitQueues moves packets from all queues of a session's device until the device is closed or
// lost.
func (p *gsoPath) transmitQueues(f *entry) {
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

// transmitLoop moves packets from a queue of a session's device to the worker's port.
func (w *portWorker) transmitLoop(f *entry, from tun.GSOReader) {
	for {
		batch := w.path.batches.Get().(*frameBatch)
		err := w.drain(f, from, batch)
		w.path.batches.Put(batch)
		if err == nil {
			err = from.Wait()
		}
		if err != nil {
			return
		}
	}
}

// drain moves packets until the queue is empty.
func (w *portWorker) drain(f *entry, from tun.GSOReader, batch *frameBatch) error {
	for {
		n, pending, err := from.ReadGSO(batch.room(), maxTaggedLen)
		if n == 0 || err != nil {
			w.flush(f, batch)
			return err
		}
		if batch.n == 0 {
			batch.now = w.path.clock()
		}
		w.appendPacket(f, batch, n, pending)
		if batch.n >= gsoBatchSize/2 || batch.room() == nil {
			w.flush(f, batch)
		}
	}
}

// appendPacket appends the frames of the packet that was read to the batch.
func (w *portWorker) appendPacket(f *entry, batch *frameBatch, size int, pending tun.PendingOffload) {
	buf := batch.buf[batch.used : batch.used+maxTaggedLen+size]
	packet := buf[maxTaggedLen:]
	protocol := protocolOf(packet[0])
	if !f.isOpen(protocol) {
		f.counters.dropped.Add(1)
		return
	}
	if pending.Segment != tun.SegmentNone {
		batch.used += len(buf)
		w.appendSegments(f, batch, packet, pending)
		return
	}
	if !f.admitToPeer(size, batch.now) {
		return
	}
	f.clamp(packet, pending.Checksum)
	if !pending.Complete(packet) {
		f.counters.dropped.Add(1)
		return
	}
	f.headers.put(buf, protocol, size)
	batch.used += len(buf)
	batch.frames[batch.n] = [2][]byte{buf[f.headers.start:]}
	batch.n++
	f.counters.sent(1, size)
}

// appendSegments segments a GSO packet. Its payload is not copied and must stay until the frames
// are sent.
func (w *portWorker) appendSegments(f *entry, batch *frameBatch, packet []byte, pending tun.PendingOffload) {
	if batch.segmenter.Start(packet, pending) != nil || maxTaggedLen+batch.segmenter.HeaderLen() > maxHeadersLen {
		f.counters.dropped.Add(1)
		return
	}
	header, protocol := maxTaggedLen+batch.segmenter.HeaderLen(), protocolOf(packet[0])
	packets, octets := 0, 0
	for batch.segmenter.Len() > 0 {
		if batch.n == len(batch.frames) {
			w.sendFrames(f, batch)
		}
		head := batch.headers[batch.n][:header]
		payload := batch.segmenter.Next(head[maxTaggedLen:])
		size := header - maxTaggedLen + len(payload)
		if !f.admitToPeer(size, batch.now) {
			continue
		}
		f.headers.put(head, protocol, size)
		batch.frames[batch.n] = [2][]byte{head[f.headers.start:], payload}
		batch.n++
		packets++
		octets += size
	}
	f.counters.sent(packets, octets)
}

// flush sends the frames, and empties the packet buffer.
func (w *portWorker) flush(f *entry, batch *frameBatch) {
	w.sendFrames(f, batch)
	batch.used = 0
}

// sendFrames sends the frames. The packets whose segments they are stay in the buffer.
func (w *portWorker) sendFrames(f *entry, batch *frameBatch) {
	if batch.n == 0 {
		return
	}
	sent := 0
	if w.gather != nil {
		sent, _ = w.gather.WriteGather(batch.frames[:batch.n])
	} else {
		sent = w.writeContiguous(batch)
	}
	f.counters.dropped.Add(uint64(batch.n - sent))
	batch.n = 0
}

// writeContiguous sends frames by a port that is not a Gatherer: it copies the payload behind the
// headers.
func (w *portWorker) writeContiguous(batch *frameBatch) (sent int) {
	n := 0
	for _, f := range batch.frames[:batch.n] {
		if len(f[0])+len(f[1]) <= cap(f[0]) {
			batch.contiguous[n] = append(f[0], f[1]...)
			n++
		}
	}
	sent, _ = w.port.WriteBatch(batch.contiguous[:n])
	return sent
}
