package shared

import (
	"context"
	"math/rand/v2"
	"time"

	"upppoe/internal/ipv6/packet6"
	"upppoe/internal/ipv6/radv"
	"upppoe/internal/random"
	"upppoe/internal/ratelimit"
	"upppoe/ppp/ipv6cp"
)

// Service serves the sessions of a server. Its methods may be called concurrently, and do not
// block, except for Run.
type Service[K comparable] struct {
	inbox     *inbox[K]
	responder *responder[K] // of the goroutine of Run
	counters  *counters
	final     radv.Message // to all peers
}

// exhaustedPeriod is the time between two warnings that a pool is exhausted.
const exhaustedPeriod = time.Minute

// New makes a service without sessions. The error is assign.ErrConfig or radv.ErrConfig (wrapped), or
// ErrFunctions.
func New[K comparable](cfg Config[K]) (*Service[K], error) {
	c := &counters{}
	seed := [32]byte(random.Fill(nil, make([]byte, 32)))
	jitter := rand.New(rand.NewChaCha8(seed))
	r, err := newResponder(time.Now(), cfg, c, jitter)
	if err != nil {
		return nil, err
	}
	limit := ratelimit.New(1, exhaustedPeriod)
	r.warn = func(now time.Time, err error) {
		if ok, _ := limit.Allow(now); ok {
			cfg.Log.Warn("IPv6 on the shared device: " + err.Error())
		}
	}
	final, err := radv.NewAdvertiser(time.Now(), cfg.Advertiser(jitter))
	if err != nil {
		return nil, err
	}
	return &Service[K]{newInbox[K](), r, c, final.Final(time.Now())}, nil
}

// Up adds a session, or changes its link after a renegotiation or for a new policy. A session of the
// same subscriber and with the same Fixed keeps what it has. Else its peer is told at once of
// another network, and of another lease when it renews its lease. The error is ErrLink (wrapped).
func (s *Service[K]) Up(key K, link Link) error {
	if err := link.check(&s.responder.cfg.Config); err != nil {
		return err
	}
	s.inbox.change(key, &link)
	return nil
}

// Down removes a session, and frees what its peer has. The caller must have stopped routing it to the
// session, as other sessions may get it.
func (s *Service[K]) Down(key K) { s.inbox.change(key, nil) }

// Final returns the last packet to the peer of a session, to be sent before its IPv6CP closes: a
// router advertisement with a lifetime of 0 (RFC 4861 section 6.2.5), after which the peer has no
// default route through us. local is Link.Local.
func (s *Service[K]) Final(local ipv6cp.ID) []byte {
	p := packet6.Packet{Source: local.LinkLocal(), Destination: s.final.To, NextHeader: packet6.ICMPv6, HopLimit: 255, Payload: s.final.Data}
	return p.AppendTo(nil)
}

// Receive queues a copy of an untrusted packet from a session's peer, or drops and counts it.
func (s *Service[K]) Receive(key K, packet []byte) { s.counters.drop(s.inbox.put(key, packet)) }

// Stats returns the counters.
func (s *Service[K]) Stats() Stats { return s.counters.read() }

// Run serves until the context ends. It must be called once.
func (s *Service[K]) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s.handle(s.inbox.take())
		timer.Reset(s.responder.advance(time.Now()))
		select {
		case <-ctx.Done():
			return
		case <-s.inbox.wake:
		case <-timer.C:
		}
	}
}

// handle handles changes first: what a session sends after Up is received after it.
func (s *Service[K]) handle(w work[K]) {
	for _, key := range w.keys {
		if link := w.changes[key]; link != nil {
			s.responder.up(time.Now(), key, link)
		} else {
			s.responder.down(key)
		}
	}
	for _, p := range w.packets {
		s.counters.drop(s.responder.receive(time.Now(), p.key, p.packet))
	}
}
