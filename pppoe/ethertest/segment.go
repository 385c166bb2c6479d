// Package ethertest is an Ethernet segment in memory, for tests: ports that hear
// each other, with loss, duplication, delay and reordering as wanted, and a look
// at every frame. It blocks only on channels and timers, so that testing/synctest
// can move time.
package ethertest

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"upppoe/pppoe"
)

// Config is how a segment treats frames. The zero value delivers all, at once.
type Config struct {
	Seed      uint64        // of what chance decides
	Loss      float64       // share of frames that are lost
	Duplicate float64       // share that comes twice
	Delay     time.Duration // the longest: each frame has its own, and so they overtake each other
	// Watch is told every frame that is sent, before chance decides. It must not
	// keep the frame.
	Watch func(frame []byte)
}

// Segment is an Ethernet segment. Its methods may be called concurrently.
type Segment struct {
	cfg   Config
	mu    sync.Mutex
	rand  *rand.Rand
	ports []*Port
}

// New makes a segment without stations.
func New(cfg Config) *Segment {
	return &Segment{cfg: cfg, rand: rand.New(rand.NewPCG(cfg.Seed, 1))}
}

// Port joins a station that hears frames of one ethertype for its address, and
// those for all.
func (s *Segment) Port(addr pppoe.Addr, etherType uint16) *Port {
	p := &Port{
		segment: s, addr: addr, etherType: etherType,
		in: make(chan []byte, backlog), closed: make(chan struct{}),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ports = append(s.ports, p)
	return p
}

// Ports joins a station with both of PPPoE's ports.
func (s *Segment) Ports(addr pppoe.Addr) pppoe.Ports {
	return pppoe.Ports{
		Discovery: s.Port(addr, pppoe.EtherTypeDiscovery),
		Session:   s.Port(addr, pppoe.EtherTypeSession),
	}
}

// Send puts a frame on the segment, as any station could.
func (s *Segment) Send(frame []byte) {
	if len(frame) < 14 {
		return
	}
	if s.cfg.Watch != nil {
		s.cfg.Watch(frame)
	}
	for range s.copies() {
		s.deliver(append([]byte(nil), frame...))
	}
}

// copies is how often a frame arrives.
func (s *Segment) copies() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.rand.Float64() < s.cfg.Loss:
		return 0
	case s.rand.Float64() < s.cfg.Duplicate:
		return 2
	}
	return 1
}

func (s *Segment) deliver(frame []byte) {
	if s.cfg.Delay <= 0 {
		s.arrive(frame)
		return
	}
	s.mu.Lock()
	delay := time.Duration(s.rand.Int64N(int64(s.cfg.Delay)))
	s.mu.Unlock()
	time.AfterFunc(delay, func() { s.arrive(frame) })
}

func (s *Segment) arrive(frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dst, src := pppoe.Addr(frame[:6]), pppoe.Addr(frame[6:12])
	for _, p := range s.ports {
		if p.etherType == binary.BigEndian.Uint16(frame[12:]) && src != p.addr && (dst == p.addr || dst == pppoe.Broadcast) {
			p.take(frame)
		}
	}
}

// backlog is how many frames wait at a port; what comes beyond is lost.
const backlog = 1024

// Port is a pppoe.Port on a segment.
type Port struct {
	segment   *Segment
	addr      pppoe.Addr
	etherType uint16
	in        chan []byte
	closed    chan struct{}
	closeOne  sync.Once
}

var _ pppoe.Port = (*Port)(nil)

func (p *Port) take(frame []byte) {
	select {
	case p.in <- frame:
	default:
	}
}

// ReadBatch waits for a frame.
func (p *Port) ReadBatch(frames []pppoe.Frame) (int, error) {
	select {
	case frame := <-p.in:
		frames[0] = pppoe.Frame{Data: append(frames[0].Data[:0], frame...)}
		return 1, nil
	case <-p.closed:
		return 0, net.ErrClosed
	}
}

// WriteBatch sends frames.
func (p *Port) WriteBatch(frames [][]byte) (int, error) {
	for i, frame := range frames {
		select {
		case <-p.closed:
			return i, net.ErrClosed
		default:
			p.segment.Send(frame)
		}
	}
	return len(frames), nil
}

// Addr is the station's address.
func (p *Port) Addr() pppoe.Addr { return p.addr }

// MTU is that of plain Ethernet.
func (p *Port) MTU() int { return 1500 }

// Close takes the station off the segment.
func (p *Port) Close() error {
	p.closeOne.Do(func() {
		p.segment.leave(p)
		close(p.closed)
	})
	return nil
}

func (s *Segment) leave(p *Port) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.ports {
		if s.ports[i] == p {
			s.ports = append(s.ports[:i], s.ports[i+1:]...)
			return
		}
	}
}
