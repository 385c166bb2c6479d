// Package ethertest is an Ethernet segment in memory, for tests: ports that hear
// each other, with loss, duplication, delay and reordering as wanted, and a look
// at every frame. It blocks only on channels and timers, so that testing/synctest
// can move time.
package ethertest

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Config is how a segment treats frames. The zero value delivers all, at once, on
// plain Ethernet.
type Config struct {
	Seed      uint64        // of what chance decides
	Loss      float64       // share of frames that are lost, 0 to 1
	Duplicate float64       // share that comes twice, 0 to 1
	Delay     time.Duration // the longest: each frame has its own, and so they overtake each other
	MTU       int           // longest payload of a frame, in octets; 0: 1500. What is longer is lost
	// Watch is told every frame that is sent, before chance decides. It must not
	// keep the frame. It may be called concurrently.
	Watch func(frame []byte)
}

// Segment is an Ethernet segment. Its methods may be called concurrently.
type Segment struct {
	cfg       Config
	mu        sync.Mutex
	rand      *rand.Rand
	ports     []*Port
	unplugged map[wire.Addr]bool // stations whose cable is out
}

// New makes a segment without stations.
func New(cfg Config) *Segment {
	if cfg.MTU == 0 {
		cfg.MTU = 1500
	}
	return &Segment{cfg: cfg, rand: rand.New(rand.NewPCG(cfg.Seed, 1)), unplugged: make(map[wire.Addr]bool)}
}

// Port joins a station that hears frames of one ethertype for its address, and
// those for all.
func (s *Segment) Port(addr wire.Addr, etherType uint16) *Port {
	return s.join(&Port{addr: addr, etherType: etherType})
}

// Tagged joins a station that hears frames of one VLAN, and knows nothing of their tags.
func (s *Segment) Tagged(addr wire.Addr, etherType uint16, tags vlan.Stack) *Port {
	return s.join(&Port{addr: addr, etherType: etherType, tags: tags})
}

// Trunk joins a station that hears frames of any VLAN, and has the tags in them.
func (s *Segment) Trunk(addr wire.Addr, etherType uint16) *Port {
	return s.join(&Port{addr: addr, etherType: etherType, trunk: true})
}

func (s *Segment) join(p *Port) *Port {
	p.segment, p.queue, p.closed = s, make(chan []byte, backlog), make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ports = append(s.ports, p)
	return p
}

// Ports joins a station with both of PPPoE's ports.
func (s *Segment) Ports(addr wire.Addr) pppoe.Ports {
	return pppoe.Ports{
		Discovery: s.Port(addr, wire.EtherTypeDiscovery),
		Session:   s.Port(addr, wire.EtherTypeSession),
	}
}

// header is Ethernet's: two addresses and the ethertype. Tags between them do not count
// towards the MTU.
const header = 14

// Send puts a frame on the segment, as any station could.
func (s *Segment) Send(frame []byte) {
	tags, _, ok := vlan.Split(frame)
	if !ok || len(frame) > header+tags.Depth()*vlan.TagLen+s.cfg.MTU {
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
	tags, etherType, _ := vlan.Split(frame)
	s.mu.Lock()
	defer s.mu.Unlock()
	dst, src := wire.Addr(frame[:6]), wire.Addr(frame[6:12])
	if s.unplugged[src] {
		return
	}
	for _, p := range s.ports {
		if !s.unplugged[p.addr] && p.accepts(dst, src, etherType, tags) {
			p.enqueue(frame)
		}
	}
}

// Unplug takes a station's cable out: it hears nothing, and nobody hears it.
func (s *Segment) Unplug(addr wire.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unplugged[addr] = true
}

// Plug puts a station's cable back.
func (s *Segment) Plug(addr wire.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.unplugged, addr)
}

func (s *Segment) leave(p *Port) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ports = slices.DeleteFunc(s.ports, func(other *Port) bool { return other == p })
}
