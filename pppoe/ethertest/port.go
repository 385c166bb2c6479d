package ethertest

import (
	"encoding/binary"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// backlog is the number of frames queued at a port; more are lost, and counted.
const backlog = 1024

// Port is a port (datapath.Port) on a Segment. All methods may be called concurrently.
type Port struct {
	segment   *Segment
	addr      wire.Addr
	etherType uint16
	tags      vlan.Stack
	trunk     bool // receives all VLANs, with the tags in the frames
	prefix    int  // receives for all addresses with so many leading bits of addr; 0: for addr
	untag     bool // a priority tag is removed; only of a trunk
	queue     chan []byte
	dropped   atomic.Int64
	closed    chan struct{}
	closeOnce sync.Once
}

var _ datapath.Port = (*Port)(nil)

// accepts reports whether a frame is for the port, as the filter of a packet socket does.
func (p *Port) accepts(dst, src wire.Addr, etherType uint16, tags vlan.Stack) bool {
	return p.etherType == etherType && (p.trunk || p.tags == tags) && !p.owns(src) && (p.owns(dst) || dst == wire.Broadcast)
}

// owns reports whether an address is one of the port's.
func (p *Port) owns(a wire.Addr) bool {
	if p.prefix == 0 {
		return a == p.addr
	}
	number := func(a wire.Addr) uint64 {
		return uint64(binary.BigEndian.Uint32(a[:]))<<16 | uint64(binary.BigEndian.Uint16(a[4:]))
	}
	return (number(a)^number(p.addr))>>(len(a)*8-p.prefix) == 0
}

// enqueue queues a frame, without the port's tags.
func (p *Port) enqueue(frame []byte) {
	if p.tags != (vlan.Stack{}) || p.untag && isPriorityTagged(frame) {
		_, frame, _ = vlan.Strip(slices.Clone(frame)) // other ports have the same frame
	}
	select {
	case p.queue <- frame:
	default:
		p.dropped.Add(1)
	}
}

// isPriorityTagged reports whether a frame's only tag belongs to no VLAN.
func isPriorityTagged(frame []byte) bool {
	tags, _, _ := vlan.Split(frame)
	return tags == (vlan.Stack{{TPID: vlan.CTag}})
}

// Dropped is the number of frames that were lost because the queue was full.
func (p *Port) Dropped() int64 { return p.dropped.Load() }

// ReadBatch waits for a frame, and returns it with those that are queued after it.
func (p *Port) ReadBatch(frames []datapath.Frame) (n int, err error) {
	for n == 0 && len(frames) > 0 {
		if p.isClosed() {
			return 0, net.ErrClosed // even if frames are queued
		}
		select {
		case <-p.closed:
		case frame := <-p.queue:
			n = put(frames, 0, frame)
		}
		for n < len(frames) && len(p.queue) > 0 {
			n = put(frames, n, <-p.queue)
		}
	}
	return n, nil
}

// put stores a frame after the first n, unless it is longer than its buffer, and returns the new
// number.
func put(frames []datapath.Frame, n int, frame []byte) int {
	if len(frame) > cap(frames[n].Data) {
		return n
	}
	frames[n] = datapath.Frame{Data: append(frames[n].Data[:0], frame...)}
	return n + 1
}

// WriteBatch sends frames.
func (p *Port) WriteBatch(frames [][]byte) (int, error) {
	for i, frame := range frames {
		if p.isClosed() {
			return i, net.ErrClosed
		}
		p.segment.Send(p.tags.Insert(frame, 0))
	}
	return len(frames), nil
}

func (p *Port) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

// Addr is the station's address.
func (p *Port) Addr() wire.Addr { return p.addr }

// MTU is that of the segment, and for a trunk includes room for the tags.
func (p *Port) MTU() int {
	if p.trunk {
		return p.segment.cfg.MTU + vlan.MaxDepth*vlan.TagLen
	}
	return p.segment.cfg.MTU
}

// Close removes the port from the segment.
func (p *Port) Close() error {
	p.closeOnce.Do(func() {
		p.segment.leave(p)
		close(p.closed)
	})
	return nil
}
