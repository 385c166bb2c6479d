package datapath

import (
	"slices"

	"upppoe/pppoe/vlan"
	"upppoe/tun"
)

// frameBatch is a batch of packets on their way to the wire, of one session or, from a shared
// device, of several. Batches are pooled, so that an idle session needs no memory for them.
type frameBatch struct {
	buf       []byte // packets from a device, each behind room for its headers
	used      int
	headers   [gsoBatchSize][]byte // of the frames made of segments and fragments
	frames    frameList
	n         int       // number of frames
	group     frameList // of one port, when there are several
	joined    joiner
	segmenter tun.Segmenter
	now       instant // when its first packet was read
}

// frameList are frames in two pieces, with their sessions and the ports that send them.
type frameList struct {
	frames [gsoBatchSize][2][]byte
	owners [gsoBatchSize]*entry
	out    [gsoBatchSize]*outlet
}

// maxHeadersLen is the longest headers of a segment, in octets: maxTaggedLen, and IP and TCP with all
// options, or some extension headers of IPv6.
const maxHeadersLen = 256

// batchBufferLen has room for one GSO packet, and for another behind a batch of small packets.
const batchBufferLen = 2 * (maxTaggedLen + tun.MaxGSOPacket)

func newFrameBatch() *frameBatch {
	b := &frameBatch{buf: make([]byte, batchBufferLen)}
	memory := make([]byte, gsoBatchSize*maxHeadersLen)
	for i := range b.headers {
		b.headers[i] = memory[i*maxHeadersLen : (i+1)*maxHeadersLen : (i+1)*maxHeadersLen]
	}
	return b
}

// room returns the buffer for the next packet; nil: flush first.
func (b *frameBatch) room() []byte {
	if b.n == gsoBatchSize || len(b.buf)-b.used < maxTaggedLen+tun.MaxGSOPacket {
		return nil
	}
	return b.buf[b.used:]
}

// isFull reports whether the batch should be flushed before the next packet is read.
func (b *frameBatch) isFull() bool { return b.n >= gsoBatchSize/2 || b.room() == nil }

// appendPacket appends the frames of the packet that was read.
func (b *frameBatch) appendPacket(f *entry, out *outlet, size int, pending tun.PendingOffload) {
	buf := b.buf[b.used : b.used+maxTaggedLen+size]
	packet := buf[maxTaggedLen:]
	protocol := protocolOf(packet[0])
	if !f.isOpen(protocol) {
		f.counters.dropped().other.Add(1)
		return
	}
	if pending.Segment != tun.SegmentNone {
		b.used += len(buf)
		b.appendSegments(f, out, packet, pending)
		return
	}
	if !f.admitToPeer(size, b.now) {
		return
	}
	f.clamp(packet, pending.Checksum)
	if !pending.Complete(packet) {
		f.counters.dropped().other.Add(1)
		return
	}
	f.headers.put(buf, protocol, size)
	b.used += len(buf)
	b.add(f, out, buf[f.headers.start:], nil)
	f.counters.sent(1, size)
}

// appendSegments segments a GSO packet. Its payload is not copied and must stay until the frames
// are sent.
func (b *frameBatch) appendSegments(f *entry, out *outlet, packet []byte, pending tun.PendingOffload) {
	if b.segmenter.Start(packet, pending) != nil || maxTaggedLen+b.segmenter.HeaderLen() > maxHeadersLen {
		f.counters.dropped().other.Add(1)
		return
	}
	header, protocol := maxTaggedLen+b.segmenter.HeaderLen(), protocolOf(packet[0])
	packets, octets := 0, 0
	for b.segmenter.Len() > 0 {
		head := b.nextHeaders()[:header]
		payload := b.segmenter.Next(head[maxTaggedLen:])
		size := header - maxTaggedLen + len(payload)
		if !f.admitToPeer(size, b.now) {
			continue
		}
		f.headers.put(head, protocol, size)
		b.add(f, out, head[f.headers.start:], payload)
		packets++
		octets += size
	}
	f.counters.sent(packets, octets)
}

// nextHeaders returns the buffer for the headers of the next frame. It makes room for it.
func (b *frameBatch) nextHeaders() []byte {
	if b.n == gsoBatchSize {
		b.send()
	}
	return b.headers[b.n]
}

// add appends a frame in two pieces.
func (b *frameBatch) add(f *entry, out *outlet, head, payload []byte) {
	b.frames.put(b.n, [2][]byte{head, payload}, f, out)
	b.n++
}

func (l *frameList) put(i int, frame [2][]byte, f *entry, out *outlet) {
	l.frames[i], l.owners[i], l.out[i] = frame, f, out
}

// flush sends the frames, and empties the packet buffer.
func (b *frameBatch) flush() {
	b.send()
	b.used = 0
}

// send sends the frames, by one port after the other. The packets whose segments they are stay in
// the buffer.
func (b *frameBatch) send() {
	for b.n > 0 {
		out := b.frames.out[0]
		if !slices.ContainsFunc(b.frames.out[1:b.n], func(other *outlet) bool { return other != out }) {
			out.send(&b.joined, &b.frames, b.n)
			b.n = 0
			return
		}
		out.send(&b.joined, &b.group, b.takeGroup(out))
	}
}

// takeGroup moves the frames of a port to the group, in order, and returns their number.
func (b *frameBatch) takeGroup(out *outlet) (n int) {
	rest, l := 0, &b.frames
	for i := range b.n {
		if l.out[i] == out {
			b.group.put(n, l.frames[i], l.owners[i], out)
			n++
			continue
		}
		l.put(rest, l.frames[i], l.owners[i], l.out[i])
		rest++
	}
	b.n = rest
	return n
}

// outlet is a port that batches are sent by.
type outlet struct {
	port   Port
	gather Gatherer // nil: the port accepts contiguous frames only
}

func newOutlet(port Port) *outlet {
	o := &outlet{port: port}
	o.gather, _ = port.(Gatherer)
	return o
}

// send sends the first n frames. A port does not say which frames it has refused: the last ones
// count as dropped.
func (o *outlet) send(j *joiner, l *frameList, n int) {
	sent := 0
	if o.gather != nil {
		sent, _ = o.gather.WriteGather(l.frames[:n])
	} else {
		sent, _ = o.port.WriteBatch(j.join(l, n, o.port.MTU()))
	}
	for _, f := range l.owners[sent:n] {
		f.counters.dropped().other.Add(1)
	}
}

// joiner joins the pieces of frames, for a port that is not a Gatherer.
type joiner struct {
	memory []byte
	frames [gsoBatchSize][]byte
}

// join returns the frames that fit an MTU.
func (j *joiner) join(l *frameList, n, mtu int) [][]byte {
	j.memory = j.memory[:0]
	joined := j.frames[:0]
	for i, f := range l.frames[:n] {
		ethernet := 14 + vlan.MaxDepth*vlan.TagLen - int(l.owners[i].headers.start)
		if len(f[0])+len(f[1]) > ethernet+mtu {
			continue
		}
		if len(f[1]) > 0 {
			at := len(j.memory)
			j.memory = append(append(j.memory, f[0]...), f[1]...)
			f[0] = j.memory[at:]
		}
		joined = append(joined, f[0])
	}
	return joined
}
