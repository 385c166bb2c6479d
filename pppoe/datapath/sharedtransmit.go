package datapath

import (
	"upppoe/ppp"
	"upppoe/tun"
)

// sharedQueue is the state of the goroutine that reads a queue of a SharedDevice.
type sharedQueue struct {
	device    *SharedDevice
	index     int
	from      tun.GSOReader
	batch     *frameBatch
	fragments fragmenter
	segment   []byte // a segment of a GSO packet, in one piece
	answer    []byte // an ICMP error, behind room for the virtio-net header
	answers   [1][]byte
}

func newSharedQueue(d *SharedDevice, index int) *sharedQueue {
	return &sharedQueue{
		device: d, index: index, from: d.readers[index], batch: newFrameBatch(),
		answer: make([]byte, tun.VirtioHeaderLen, tun.VirtioHeaderLen+maxICMP6),
	}
}

// run moves packets until the device is closed or lost.
func (q *sharedQueue) run() error {
	for {
		err := q.drain()
		if err == nil {
			err = q.from.Wait()
		}
		if err != nil {
			return err
		}
	}
}

// drain moves packets until the queue is empty.
func (q *sharedQueue) drain() error {
	for {
		n, pending, err := q.from.ReadGSO(q.batch.room(), maxTaggedLen)
		if n == 0 || err != nil {
			q.batch.flush()
			return err
		}
		if q.batch.n == 0 {
			q.batch.now = q.device.clock()
		}
		q.forward(n, pending)
		if q.batch.isFull() {
			q.batch.flush()
		}
	}
}

// forward appends the packet that was read to the batch, for the session that it belongs to.
func (q *sharedQueue) forward(size int, pending tun.PendingOffload) {
	packet := q.batch.buf[q.batch.used+maxTaggedLen:][:size]
	e := q.device.table.destination(packet)
	if e == nil {
		q.device.counters.unreachable.Add(1)
		pending.Complete(packet)
		q.send(q.device.errors.appendUnreachable(q.answer, packet, q.batch.now))
		return
	}
	if mtu := int(e.mtu.Load()); mtu > 0 && size > mtu && e.isOpen(protocolOf(packet[0])) && q.tooLong(e, packet, pending, mtu) {
		return
	}
	q.batch.appendPacket(e, e.outlet(q.index), size, pending)
}

// send writes an ICMP error to the host, if there is one.
func (q *sharedQueue) send(answer []byte) {
	if len(answer) > tun.VirtioHeaderLen {
		q.answers[0] = answer
		q.device.single.Write(q.answers[:], tun.VirtioHeaderLen)
	}
}

// tooLong handles a packet that is longer than the session's MTU. It returns false for a GSO packet
// whose segments are not.
func (q *sharedQueue) tooLong(e *entry, packet []byte, pending tun.PendingOffload, mtu int) bool {
	if pending.Segment != tun.SegmentNone {
		return q.longSegments(e, packet, pending, mtu)
	}
	switch {
	case !pending.Complete(packet):
		e.counters.dropped().other.Add(1)
	case mayFragment(packet):
		q.batch.used += maxTaggedLen + len(packet)
		q.fragment(e, packet, mtu)
	default:
		e.counters.dropped().other.Add(1)
		q.tooBig(packet, 1, mtu)
	}
	return true
}

// longSegments is tooLong for a GSO packet.
func (q *sharedQueue) longSegments(e *entry, packet []byte, pending tun.PendingOffload, mtu int) bool {
	segmenter := &q.batch.segmenter
	if segmenter.Start(packet, pending) != nil || segmenter.HeaderLen()+int(pending.Size) <= mtu {
		return false
	}
	if segments := segmenter.Len(); !mayFragment(packet) {
		e.counters.dropped().other.Add(uint64(segments))
		q.tooBig(q.nextSegment(), segments, mtu)
		return true
	}
	for segmenter.Len() > 0 {
		q.fragment(e, q.nextSegment(), mtu)
		q.batch.send() // the next segment overwrites this one
	}
	return true
}

// nextSegment returns the next segment in one piece.
func (q *sharedQueue) nextSegment() []byte {
	header := q.batch.segmenter.HeaderLen()
	q.segment = append(q.segment[:0], make([]byte, header)...)
	q.segment = append(q.segment, q.batch.segmenter.Next(q.segment)...)
	return q.segment
}

// tooBig sends the error for a packet, which stands for a number of packets.
func (q *sharedQueue) tooBig(packet []byte, packets, mtu int) {
	q.device.counters.tooBig.Add(uint64(packets))
	q.send(q.device.errors.appendTooBig(q.answer, packet, mtu, q.batch.now))
}

// fragment appends the fragments of an IPv4 packet to the batch. The packet must stay until they
// are sent.
func (q *sharedQueue) fragment(e *entry, packet []byte, mtu int) {
	e.clamp(packet, false)
	if !q.fragments.start(packet, mtu) {
		e.counters.dropped().other.Add(1)
		return
	}
	for out := e.outlet(q.index); q.fragments.more(); {
		head := q.batch.nextHeaders()
		header, payload := q.fragments.next(head[maxTaggedLen:])
		size := header + len(payload)
		if !e.admitToPeer(size, q.batch.now) {
			continue
		}
		e.headers.put(head, ppp.IPv4, size)
		q.batch.add(e, out, head[e.headers.start:maxTaggedLen+header], payload)
		e.counters.sent(1, size)
	}
}

// mayFragment reports whether a router may fragment a packet: IPv4 without DF (RFC 791 section 2.3,
// RFC 8200 section 5).
func mayFragment(packet []byte) bool {
	return packet[0]>>4 == 4 && packet[6]&(flagDF>>8) == 0
}
