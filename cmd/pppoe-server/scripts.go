package main

import (
	"sync"

	"upppoe/internal/scripts"
	"upppoe/pppoe"
	"upppoe/tun"
)

// scripted runs pppd's scripts for each session, as pppd does under rp-pppoe's server.
// Those that are waited for hold up other sessions of the interface that begin or end.
type scripted struct {
	pppoe.Host
	cfg scripts.Config

	mu       sync.Mutex
	sessions map[uint16]*scripts.Scripts
	live     map[*scripts.Scripts]bool // those, and of sessions whose device is being made
	hurried  bool
	ending   sync.WaitGroup
}

func newScripted(h pppoe.Host, cfg scripts.Config) *scripted {
	return &scripted{Host: h, cfg: cfg, sessions: make(map[uint16]*scripts.Scripts), live: make(map[*scripts.Scripts]bool)}
}

var _ pppoe.Host = (*scripted)(nil)

// of are the scripts of a session; nil: it has none yet, or no more.
func (s *scripted) of(l pppoe.Line) *scripts.Scripts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[l.SessionID]
}

// Open makes the device of a line.
func (s *scripted) Open(l pppoe.Line) (tun.Device, error) {
	cfg := s.cfg
	cfg.Device = l.Interface
	its := scripts.New(cfg)
	s.begin(its)
	d, err := its.Around(s.Host).Open(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		delete(s.live, its)
		return nil, err
	}
	s.sessions[l.SessionID] = its
	return d, nil
}

func (s *scripted) begin(its *scripts.Scripts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[its] = true
	if s.hurried {
		its.Hurry()
	}
}

// hurry bounds the scripts that are waited for, since the server has to end.
func (s *scripted) hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurried = true
	for its := range s.live {
		its.Hurry()
	}
}

// Configure changes the network of a line.
func (s *scripted) Configure(l pppoe.Line, have, want pppoe.Addressing) error {
	return s.of(l).Around(s.Host).Configure(l, have, want)
}

// preUp is called in the course of Configure.
func (s *scripted) preUp(l pppoe.Line, want pppoe.Addressing) { s.of(l).PreUp(l, want) }

// Close takes back what Configure has done.
func (s *scripted) Close(l pppoe.Line, have pppoe.Addressing) {
	s.of(l).Around(s.Host).Close(l, have)
}

// notify is told what happens to sessions.
func (s *scripted) notify(l pppoe.Line, e pppoe.Event) {
	its := s.of(l)
	if its == nil {
		return
	}
	its.Notify(l, e)
	if _, over := e.(pppoe.Ended); over {
		s.mu.Lock()
		delete(s.sessions, l.SessionID)
		delete(s.live, its)
		s.mu.Unlock()
		s.ending.Go(its.Close) // which waits for scripts
	}
}

// wait waits for the scripts of sessions that have ended.
func (s *scripted) wait() { s.ending.Wait() }
