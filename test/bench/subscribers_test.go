package bench

import (
	"bytes"
	"errors"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// subscribers are PPPoE clients in one station: they dial one after the other, negotiate IPv4 and
// IPv6, and answer what the concentrator sends, but carry no packets.
type subscribers struct {
	ports  pppoe.Ports
	frames chan []byte // received, of both ports
	closed chan struct{}
	ac     wire.Addr
	all    map[uint16]*subscriber
}

type subscriber struct {
	*session.Session
	out session.Output
}

func newSubscribers(ports pppoe.Ports) *subscribers {
	s := &subscribers{ports: ports, frames: make(chan []byte), closed: make(chan struct{}), all: map[uint16]*subscriber{}}
	for _, port := range []datapath.Port{ports.Discovery, ports.Session} {
		// Ends when the port is closed.
		go datapath.ReadFrames(port, datapath.BatchSize, s.receive)
	}
	return s
}

func (s *subscribers) receive(frames []datapath.Frame) {
	for _, f := range frames {
		select {
		case s.frames <- bytes.Clone(f.Data):
		case <-s.closed:
		}
	}
}

func (s *subscribers) close() {
	close(s.closed)
	s.ports.Close()
}

var errNoConcentrator = errors.New("no answer from the concentrator")

// dial opens a session, while it serves the others.
func (s *subscribers) dial() error {
	client, queue := discovery.NewClient(s.ports.Discovery.Addr(), discovery.ClientConfig{Timeout: time.Second}), wire.Queue{}
	client.Start(time.Now(), &queue)
	for {
		for _, f := range queue.All() {
			s.ports.Discovery.WriteBatch([][]byte{f.AppendTo(nil)})
		}
		queue.Reset()
		result := discovery.Result{}
		select {
		case frame := <-s.frames:
			if f, err := wire.ParseDiscoveryFrame(frame); err == nil {
				result, _ = client.Receive(time.Now(), f, &queue)
			} else {
				s.receiveSession(frame)
			}
		case <-time.After(time.Until(client.Deadline())):
			result = client.Advance(time.Now(), &queue)
		}
		if result.Grant != nil {
			s.start(result.Grant)
			return nil
		}
		if result.TimedOut != 0 || result.Rejection != nil {
			return errNoConcentrator
		}
	}
}

func (s *subscribers) start(g *discovery.Grant) {
	s.ac = g.AC
	p := &subscriber{Session: session.New(&session.Config{IPv4: &ipcp.Config{}, IPv6: &ipv6cp.Config{}}, session.Peer{})}
	s.all[g.SessionID] = p
	p.Up(time.Now(), &p.out)
	s.send(g.SessionID, p)
}

func (s *subscribers) receiveSession(frame []byte) {
	id, packet, err := wire.ParseSession(frame[14:])
	if p := s.all[id]; err == nil && p != nil {
		p.Receive(time.Now(), packet, &p.out)
		s.send(id, p)
	}
}

func (s *subscribers) send(id uint16, p *subscriber) {
	for frame, event := range p.out.All() {
		if event == nil {
			s.ports.Session.WriteBatch([][]byte{wire.AppendSessionFrame(nil, s.ac, s.ports.Session.Addr(), id, frame)})
		}
	}
	p.out.Reset()
}

// serveUntil serves the sessions until a channel is closed. Each second it repeats what may have
// been lost.
func (s *subscribers) serveUntil(done <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case frame := <-s.frames:
			if _, err := wire.ParseDiscoveryFrame(frame); err != nil {
				s.receiveSession(frame)
			}
		case now := <-tick.C:
			for id, p := range s.all {
				if at := p.Deadline(); !at.IsZero() && !at.After(now) {
					p.Advance(now, &p.out)
					s.send(id, p)
				}
			}
		}
	}
}
