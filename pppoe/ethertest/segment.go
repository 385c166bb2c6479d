// Package ethertest is an Ethernet segment in memory, for tests: the ports on it receive each
// other's frames, with configurable loss, duplication, delay and reordering, and a tap for every
// frame. It blocks only on channels and timers, so that it works with testing/synctest.
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

// Config is the behaviour of a Segment. The zero value delivers all frames at once, with the MTU of
// Ethernet.
type Config struct {
	Seed      uint64        // of the random decisions
	Loss      float64       // probability that a frame is lost, 0 to 1
	Duplicate float64       // probability that a frame is duplicated, 0 to 1
	Delay     time.Duration // maximum; each frame has a random delay, so that frames are reordered
	MTU       int           // maximum payload of a frame, in octets; 0: 1500. Longer frames are lost
	// Watch is called with every frame that is sent, before random loss. It must not keep the
	// frame, and may be called concurrently. Nil: not called.
	Watch func(frame []byte)
}

// Segment is an Ethernet segment. Its methods may be called concurrently.
type Segment struct {
	cfg       Config
	mu        sync.Mutex
	rand      *rand.Rand
	ports     []*Port
	unplugged map[wire.Addr]bool // stations that are disconnected
}

// New returns a segment without ports.
func New(cfg Config) *Segment {
	if cfg.MTU == 0 {
		cfg.MTU = 1500
	}
	return &Segment{cfg: cfg, rand: rand.New(rand.NewPCG(cfg.Seed, 1)), unplugged: make(map[wire.Addr]bool)}
}

// Port adds a port that receives untagged frames of one ethertype for its address, and broadcasts.
func (s *Segment) Port(addr wire.Addr, etherType uint16) *Port {
	return s.join(&Port{addr: addr, etherType: etherType})
}

// Tagged adds a port in one VLAN. Frames have no tags at its methods.
func (s *Segment) Tagged(addr wire.Addr, etherType uint16, tags vlan.Stack) *Port {
	return s.join(&Port{addr: addr, etherType: etherType, tags: tags})
}

// Trunk adds a port that receives frames of all VLANs, with their tags.
func (s *Segment) Trunk(addr wire.Addr, etherType uint16) *Port {
	return s.join(&Port{addr: addr, etherType: etherType, trunk: true})
}

// Stations adds the ports of many stations, which have all addresses with the first prefix bits of
// addr. They receive frames of all VLANs, with their tags.
func (s *Segment) Stations(addr wire.Addr, prefix int) pppoe.Ports {
	port := func(etherType uint16) *Port {
		return s.join(&Port{addr: addr, etherType: etherType, trunk: true, prefix: prefix})
	}
	return pppoe.Ports{Discovery: port(wire.EtherTypeDiscovery), Session: port(wire.EtherTypeSession)}
}

func (s *Segment) join(p *Port) *Port {
	p.segment, p.queue, p.closed = s, make(chan []byte, backlog), make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ports = append(s.ports, p)
	return p
}

// Ports adds a station with a discovery port and a session port.
func (s *Segment) Ports(addr wire.Addr) pppoe.Ports {
	return pppoe.Ports{
		Discovery: s.Port(addr, wire.EtherTypeDiscovery),
		Session:   s.Port(addr, wire.EtherTypeSession),
	}
}

// TrunkPorts adds a station whose ports receive frames of all VLANs, with their tags except a
// priority tag, like those of afpacket.OpenTrunkQueues.
func (s *Segment) TrunkPorts(addr wire.Addr) pppoe.Ports {
	return pppoe.Ports{
		Discovery:  s.join(&Port{addr: addr, etherType: wire.EtherTypeDiscovery, trunk: true, untag: true}),
		Session:    s.join(&Port{addr: addr, etherType: wire.EtherTypeSession, trunk: true, untag: true}),
		PayloadMTU: func(vlan.Stack) int { return s.cfg.MTU },
	}
}

// header is the length of the Ethernet header: two addresses and the ethertype. Tags between them
// do not count towards the MTU.
const header = 14

// Send sends a frame on the segment, from any source address.
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

// copies draws how often a frame arrives.
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

// Unplug disconnects a station: its frames are not delivered, and none are delivered to it.
func (s *Segment) Unplug(addr wire.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unplugged[addr] = true
}

// Plug reconnects a station.
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
