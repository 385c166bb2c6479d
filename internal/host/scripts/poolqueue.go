package scripts

import (
	"container/list"
	"fmt"
	"slices"
	"strings"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// Pairs of scripts, one for the begin and one for the end of something.
const (
	pairAuth = iota
	pairIP
	pairIPv6
	pairs
)

// pairNames are the names of their scripts.
var pairNames = [pairs]struct{ up, down string }{{AuthUp, AuthDown}, {IPUp, IPDown}, {IPv6Up, IPv6Down}}

// traffic is what a session has transferred, for the scripts of an end.
type traffic struct {
	online time.Duration
	datapath.Counters
}

// begin is what the scripts for a begin and for its end get.
type begin struct {
	*pppoe.Configured // nil: of authentication
	user              string
}

// pooled is a session with scripts.
type pooled struct {
	cfg        *PoolConfig
	info       pppoe.SessionInfo
	addressing pppoe.Addressing // the last one
	pairs      [pairs]pair
}

// pair is the state of a pair of scripts: upDown in the queue of a Pool.
type pair struct {
	of      *pooled
	which   int
	desired *begin // nil: down
	current *begin // with which the script for the begin has last run; nil: down
	traffic *traffic
	queued  *list.Element // nil: not queued
	busy    bool          // a script runs
}

// update adds a session's addressing, as sessionEnv does.
func (s *pooled) update(a pppoe.Addressing) {
	if a.HasIPv4() {
		s.addressing.IPv4 = a.IPv4
	}
	if a.HasIPv6() {
		s.addressing.IPv6 = a.IPv6
	}
}

// concerns reports whether there is a script, or was one, for a session.
func (p *Pool) concerns(l pppoe.SessionInfo) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[l.Key()] != nil || !p.present.none(time.Now())
}

func (p *Pool) configured(l pppoe.SessionInfo, e pppoe.Configured) {
	p.change(l, func(s *pooled) {
		s.update(e.Addressing)
		if e.HasIPv4() && e.IPv4 != e.Previous.IPv4 {
			p.up(s, pairIP, &e)
		}
		if e.HasIPv6() && e.IPv6 != e.Previous.IPv6 {
			p.up(s, pairIPv6, &e)
		}
	})
}

// adopted records that an earlier program has run the scripts for the begin of a session, where there is one
// for its end. The lock is held.
func (p *Pool) adopted(s *pooled, e pppoe.Adopted) {
	s.update(e.Addressing)
	with := &pppoe.Configured{Addressing: e.Addressing, Policy: e.Policy}
	for which, is := range [pairs]bool{pairAuth: s.info.User != "", pairIP: e.HasIPv4(), pairIPv6: e.HasIPv6()} {
		if is && p.present.may(pairNames[which].down, time.Now()) {
			begun := &begin{with, s.info.User}
			s.pairs[which].desired, s.pairs[which].current = begun, begun
		}
	}
}

// change changes a session by an event, and forgets it when nothing is left to be run.
func (p *Pool) change(l pppoe.SessionInfo, by func(*pooled)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sessions[l.Key()]
	if s == nil && p.present.none(time.Now()) {
		return
	}
	if s == nil {
		s = &pooled{cfg: p.cfg}
		for i := range s.pairs {
			s.pairs[i].of, s.pairs[i].which = s, i
		}
	}
	l.Device = p.cfg.SharedDevice
	s.info = l
	by(s)
	p.keep(s)
}

// keep keeps a session only while there is something to be run. The lock is held.
func (p *Pool) keep(s *pooled) {
	rests := func(q pair) bool { return q.desired == nil && q.current == nil && q.queued == nil && !q.busy }
	if i := slices.IndexFunc(s.pairs[:], func(q pair) bool { return !rests(q) }); i >= 0 {
		p.sessions[s.info.Key()] = s
		return
	}
	delete(p.sessions, s.info.Key())
}

// up begins something. The lock is held.
func (p *Pool) up(s *pooled, which int, e *pppoe.Configured) {
	q, with := &s.pairs[which], &begin{e, s.info.User}
	names, now := pairNames[which], time.Now()
	if q.current == nil && q.queued == nil && !q.busy && !p.present.may(names.up, now) {
		if p.present.may(names.down, now) {
			q.desired, q.current = with, with
		}
		return
	}
	q.desired = with
	p.settle(q)
}

// down ends something. The lock is held.
func (p *Pool) down(s *pooled, which int, after *traffic) {
	q := &s.pairs[which]
	q.desired, q.traffic = nil, after
	p.settle(q)
}

// settle queues a pair whose state is not the desired one, and takes one out that is. The lock is
// held.
func (p *Pool) settle(q *pair) {
	if !q.busy && q.desired == nil && !p.present.may(pairNames[q.which].down, time.Now()) {
		q.current = nil
	}
	switch {
	case q.busy: // done settles it
	case q.current == q.desired && q.queued != nil:
		p.queue.Remove(q.queued)
		q.queued = nil
	case q.current == q.desired || q.queued != nil:
	case p.queue.Len() >= p.limit || p.ctx.Err() != nil:
		p.drop(q)
	default:
		q.queued = p.queue.PushBack(q)
		if p.running < p.workers {
			p.running++
			// Ends when the queue is empty, or after Close.
			go p.work()
		}
	}
}

// drop gives up a pair of scripts: neither is run. The lock is held.
func (p *Pool) drop(q *pair) {
	p.dropped++
	q.desired, q.current = nil, nil
	if ok, _ := p.reports.Allow(time.Now()); ok {
		q.of.cfg.Log.Warn(fmt.Sprintf("%d scripts of sessions were not run, as %d wait: they are too slow for the sessions that begin and end", p.reports.TakeSuppressed()+1, p.limit))
	}
}

// work runs the scripts that are queued.
func (p *Pool) work() {
	for {
		q, todo := p.next()
		if q == nil {
			return
		}
		p.present.refresh(&todo.caller.cfg, time.Now())
		p.run(p.ctx, &todo.caller, todo.name, todo.call())
		p.done(q)
	}
}

// todo is a script that is to be run: a copy of what it needs.
type todo struct {
	caller
	name  string
	which int
	info  pppoe.SessionInfo
	with  begin
	after *traffic // of the script for an end
}

// next takes a pair of scripts from the queue, and what is to be run of it; nil: there is none.
func (p *Pool) next() (*pair, *todo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	front := p.queue.Front()
	if front == nil || p.ctx.Err() != nil {
		p.running--
		p.idle.Broadcast()
		return nil, nil
	}
	q := p.queue.Remove(front).(*pair)
	q.queued, q.busy = nil, true
	p.busy++
	t := &todo{caller: caller{cfg: q.of.cfg.Config}, which: q.which, info: q.of.info}
	t.cfg.Device, t.cfg.Unit = q.of.info.Interface, q.of.info.Unit
	t.sessionEnv.addressing = q.of.addressing
	if q.current != nil {
		t.name, t.with, t.after = pairNames[q.which].down, *q.current, q.traffic
		q.current, q.traffic = nil, nil
	} else {
		t.name, t.with = pairNames[q.which].up, *q.desired
		q.current = q.desired
	}
	t.info.User = t.with.user
	return q, t
}

// done handles the end of a script.
func (p *Pool) done(q *pair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	q.busy = false
	p.settle(q)
	p.keep(q.of)
}

// call returns the script's arguments and environment.
func (t *todo) call() *call {
	var c *call
	switch t.which {
	case pairAuth:
		c = t.authCall(t.info, t.info.User)
	case pairIP:
		c = t.ipUpCall(t.info, *t.with.Configured)
	default:
		c = t.ipv6Call(t.info, t.with.Addressing)
	}
	if t.after != nil {
		c.env = append(c.env, trafficEnv(t.after.online, t.after.Counters)...)
	}
	// The name of a shared device has no number.
	c.env = slices.DeleteFunc(c.env, func(word string) bool { return strings.HasPrefix(word, "UNIT=") })
	c.env = append(c.env, fmt.Sprintf("UNIT=%d", t.info.Unit))
	return c
}
