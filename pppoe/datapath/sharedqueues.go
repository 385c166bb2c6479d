package datapath

import (
	"sync"

	"upppoe/tun"
)

// openQueues sets the readers and writers of the device.
func (d *SharedDevice) openQueues() {
	g, ok := d.cfg.Device.(tun.GSODevice)
	if !ok {
		d.single = &sharedDevice{Device: d.cfg.Device}
		d.readers = []tun.GSOReader{newPacketReader(d.cfg.Device)}
		return
	}
	writers := []tun.GSOWriter{g}
	d.readers = []tun.GSOReader{g}
	if q, ok := g.(tun.MultiQueue); ok {
		d.readers, writers = q.Readers(), q.Writers()
	}
	for _, w := range writers {
		d.writers = append(d.writers, &sharedWriter{GSOWriter: w})
	}
	d.single = &singleWriter{Device: g, to: d.writers[0]}
	if d.cfg.Kind != KindPlain && g.EnableGSO() == nil {
		d.gso = g
	}
}

// writersFor returns writers for the ports of an engine. All ports together have one each if there
// are enough.
func (d *SharedDevice) writersFor(ports int) (all []tun.GSOWriter) {
	for range ports {
		all = append(all, d.writers[int(d.next.Add(1)-1)%len(d.writers)])
	}
	return all
}

// sharedDevices has the SharedDevices of an engine.
type sharedDevices struct {
	mu sync.Mutex
	io map[*SharedDevice]*deviceIO
}

// get returns how the engine's sessions move the packets of a device.
func (s *sharedDevices) get(p *plainPath, d *SharedDevice) *deviceIO {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.io == nil {
		s.io = make(map[*SharedDevice]*deviceIO)
	}
	if s.io[d] == nil {
		s.io[d] = &deviceIO{path: p, Device: d.single, Shared: d, gso: d.gso, ahead: d.clock() - p.clock()}
		if d.gso != nil {
			s.io[d].writers = d.writersFor(len(p.ports))
		}
	}
	return s.io[d]
}

// packetReader is a GSOReader of a device without GSO.
type packetReader struct {
	device  tun.Device
	bufs    [1][]byte
	sizes   [1]int
	waiting int // length of the packet that Wait has read
}

func newPacketReader(d tun.Device) *packetReader {
	return &packetReader{device: d, bufs: [1][]byte{make([]byte, tun.MaxGSOPacket)}}
}

// ReadGSO returns the packet that Wait has read.
func (r *packetReader) ReadGSO(buf []byte, headroom int) (int, tun.PendingOffload, error) {
	n := copy(buf[headroom:], r.bufs[0][:r.waiting])
	r.waiting = 0
	return n, tun.PendingOffload{}, nil
}

// Wait reads a packet.
func (r *packetReader) Wait() error {
	n, err := r.device.Read(r.bufs[:], r.sizes[:], 0)
	if err == nil && n == 1 {
		r.waiting = r.sizes[0]
	}
	return err
}

// singleWriter is the Write method of a GSO device for several goroutines.
type singleWriter struct {
	tun.Device
	to     tun.GSOWriter
	mu     sync.Mutex // guards the following
	parts  [1][]byte
	packet tun.GSOPacket
}

// Write writes packets, one after the other, and waits for other writers.
func (w *singleWriter) Write(packets [][]byte, headroom int) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range packets {
		size := len(p) - headroom
		w.parts[0] = p
		w.packet = tun.GSOPacket{Parts: w.parts[:], Headers: size, Packets: 1, Octets: size}
		if failed := w.to.WriteGSO(&w.packet, headroom); failed != nil {
			err = failed
			continue
		}
		n++
	}
	return n, err
}
