package shared

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/packet6"
	"upppoe/internal/ipv6/radv"
)

// responder serves all sessions. It is given packets and the time, and is not safe for concurrent
// use.
type responder[K comparable] struct {
	cfg      Config[K]
	origin   origin
	router   *radv.Advertiser    // of one session at a time
	dhcp     *dhcp6.ServerConfig // likewise
	sessions map[K]*session[K]
	timers   deadlines.Compact[*session[K]]
	counters *counters
	jitter   *rand.Rand
	out      []byte // the last packet sent
	// warn is called when nothing could be assigned.
	warn func(now time.Time, err error)
}

func newResponder[K comparable](now time.Time, cfg Config[K], c *counters, r *rand.Rand) (*responder[K], error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	router, err := radv.NewAdvertiser(now, cfg.Advertiser(r))
	if err != nil {
		return nil, err
	}
	return &responder[K]{
		cfg: cfg, origin: origin{now.Add(-time.Second)}, router: router, dhcp: cfg.Server(), sessions: map[K]*session[K]{}, counters: c, jitter: r,
		warn: func(time.Time, error) {},
	}, nil
}

// up adds a session, or changes its link.
func (r *responder[K]) up(now time.Time, key K, link *Link) {
	s, before := r.sessions[key], assign.State{}
	if s != nil {
		before = s.state()
	}
	if subscriber := assign.Hash(link.Subscriber); s == nil || s.subscriber != subscriber || s.fixed() != link.fixed() || s.choice() != link.Choice {
		r.remove(s)
		s = &session[K]{key: key, subscriber: subscriber}
		if link.Fixed != nil || link.Choice != (assign.Choice{}) {
			s.extra = &extra{fixed: link.fixed(), choice: link.Choice}
		}
		r.sessions[key] = s
		r.counters.update(func(c *Stats) { c.Sessions = len(r.sessions) })
	}
	s.local, s.remote, s.mtu = link.Local, link.Remote, uint16(link.MTU)
	if before != (assign.State{}) || !r.restore(now, s, link.Restored) {
		s.setSchedule(r.origin, now, radv.Schedule{Next: now})
	}
	r.allocateNetwork(now, s)
	if had := before.Network; had.IsValid() && had != s.prefixes().Network {
		s.replaceNetwork(had, lifetime.Deadline(now, r.cfg.Valid))
	}
	r.report(s, before)
	r.run(now, s)
}

// down removes a session.
func (r *responder[K]) down(key K) {
	r.remove(r.sessions[key])
	delete(r.sessions, key)
	r.counters.update(func(c *Stats) { c.Sessions = len(r.sessions) })
}

// remove frees what a session has; nil: nothing.
func (r *responder[K]) remove(s *session[K]) {
	if s == nil {
		return
	}
	r.timers.Remove(s)
	p := s.prefixes()
	r.free(assign.Networks, p.Network)
	r.free(assign.Addresses, p.Address)
	r.free(assign.Prefixes, p.Delegated)
}

// report calls Config.Assigned, and keep.
func (r *responder[K]) report(s *session[K], before assign.State) {
	r.keep(s)
	if r.cfg.Assigned != nil {
		r.cfg.Assigned(s.key, s.state(), before)
	}
}

// maxTimers bounds how many sessions advance handles before packets have their turn.
const maxTimers = 256

// noTimer is longer than any wait.
const noTimer = time.Hour

// advance processes the timers that are due, and returns how long to wait for the next one.
func (r *responder[K]) advance(now time.Time) time.Duration {
	due := time.Duration(r.origin.pack(now))
	for range maxTimers {
		s, ok := r.timers.Pop(due)
		if !ok {
			break
		}
		r.run(now, s)
	}
	next, ok := r.timers.Next()
	if !ok {
		return noTimer
	}
	return max(next-due, 0)
}

// run does what is due for a session, and sets its timer.
func (r *responder[K]) run(now time.Time, s *session[K]) {
	server := dhcp6.ResumeServer(r.dhcp, s.leases(r.origin))
	if lifetime.Reached(now, server.Next()) {
		before := s.state()
		server.Advance(now)
		s.setLeases(r.origin, server.State())
		r.report(s, before)
	}
	r.advertise(now, s)
	next := lifetime.Earliest(r.origin.unpack(s.next), r.origin.unpack(s.replyAt), server.Next())
	r.timers.Set(s, time.Duration(r.origin.pack(next)))
}

// advertise sends the advertisements that are due.
func (r *responder[K]) advertise(now time.Time, s *session[K]) {
	r.switchTo(s)
	if !lifetime.Reached(now, r.router.Next()) {
		return
	}
	if !s.hasNetwork && s.sent > 0 { // what was in use may be free
		before := s.state()
		if r.allocateNetwork(now, s); s.hasNetwork {
			r.report(s, before)
			r.switchTo(s)
		}
	}
	for m := r.router.Advance(now); m.Data != nil; m = r.router.Advance(now) {
		r.sendND(s, m)
	}
	s.setSchedule(r.origin, now, r.router.Schedule())
}

func (r *responder[K]) switchTo(s *session[K]) {
	set, _ := r.cfg.Choose(s.choice())
	r.router.SwitchLink(s.link(r.origin, set.Addresses != nil))
}

// receive handles an untrusted packet from a session's peer. The error is the reason for dropping it.
func (r *responder[K]) receive(now time.Time, key K, b []byte) error {
	s := r.sessions[key]
	if s == nil {
		return ErrNoSession
	}
	r.counters.update(func(c *Stats) { c.Received++ })
	p, err := packet6.Parse(b)
	if err != nil {
		return err
	}
	switch p.NextHeader {
	case packet6.ICMPv6:
		return r.receiveICMP(now, s, &p)
	case packet6.UDP:
		return r.receiveUDP(now, s, &p)
	}
	return ErrProtocol
}

// send sends a packet from our link-local address.
func (r *responder[K]) send(s *session[K], to netip.Addr, next, hopLimit byte, payload []byte) error {
	if len(payload) > max(int(s.mtu), minMTU)-packet6.HeaderLen {
		return ErrReplyTooLarge
	}
	p := packet6.Packet{Source: s.local.LinkLocal(), Destination: to, NextHeader: next, HopLimit: hopLimit, Payload: payload}
	r.out = p.AppendTo(r.out[:0])
	r.counters.update(func(c *Stats) { c.Sent++ })
	r.cfg.Send(s.key, r.out)
	return nil
}
