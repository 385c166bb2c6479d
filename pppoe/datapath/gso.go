package datapath

import (
	"slices"
	"sync"

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
	path  *gsoPath
	index int
	*outlet

	// The following is used only by the goroutine that reads the port.
	coalescer tun.Coalescer[*entry]
	single    [1][]byte
	write     func(*entry, *tun.GSOPacket)
}

func newGSOPath(ports []Port, control func([]byte), lost func(SessionConfig)) *gsoPath {
	p := &gsoPath{plainPath: *newPlainPath(ports, control, lost)}
	for i := range ports {
		w := &portWorker{path: p, index: i, outlet: p.outlets[i]}
		w.write = w.writeGSO
		p.workers = append(p.workers, w)
	}
	p.batches.New = func() any { return newFrameBatch() }
	return p
}

// Add adds a session, with GSO if its device supports it.
func (p *gsoPath) Add(c SessionConfig) (Session, error) {
	if c.Shared != nil {
		return p.addShared(c)
	}
	d, ok := c.Device.(tun.GSODevice)
	if !ok || d.EnableGSO() != nil {
		return p.plainPath.Add(c)
	}
	e := newEntry(&p.plainPath, c, newGSOIO(d, len(p.workers)))
	return p.add(e, p.transmitQueues)
}

// newGSOIO returns how packets of a device are moved with GSO, by a number of ports.
func newGSOIO(d tun.GSODevice, ports int) *deviceIO {
	return &deviceIO{Device: d, gso: d, writers: writers(d, ports), done: make(chan struct{})}
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
		case f.admitFromPeer(frames[i].Data[HeadersLen:], frames[i].ChecksumPending, now):
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
	if f.admitFromPeer(in.Data[HeadersLen:], false, p.clock()) {
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
		f.counters.dropped().other.Add(uint64(s.Packets))
		return
	}
	f.counters.received(s.Packets, s.Octets)
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
			batch.flush()
			return err
		}
		if batch.n == 0 {
			batch.now = w.path.clock()
		}
		batch.appendPacket(f, w.outlet, n, pending)
		if batch.isFull() {
			batch.flush()
		}
	}
}
