package main

import (
	"sync"

	"upppoe/internal/host/scripts"
	"upppoe/pppoe"
	"upppoe/tun"
)

// sessionScripts runs pppd's scripts for each session, as pppd does under rp-pppoe's server.
// Those that are waited for hold up other sessions of the interface that begin or end.
type sessionScripts struct {
	mu       sync.Mutex
	host     pppoe.HostNetwork // of sessions that begin now
	cfg      scripts.Config    // likewise
	sessions map[uint16]*running
	live     map[*scripts.Runner]bool // those, and of sessions whose device is being made
	hurried  bool
	ending   sync.WaitGroup
}

// running is one session: its scripts, and the host that they are run around, which stay those
// that it began with.
type running struct {
	*scripts.Runner
	pppoe.HostNetwork
}

// newSessionScripts makes one that must be told what to use before a session begins.
func newSessionScripts() *sessionScripts {
	return &sessionScripts{sessions: make(map[uint16]*running), live: make(map[*scripts.Runner]bool)}
}

var _ pppoe.HostNetwork = (*sessionScripts)(nil)

// use sets the host and the scripts of sessions that begin from now on.
func (s *sessionScripts) use(h pppoe.HostNetwork, cfg scripts.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.host, s.cfg = h, cfg
}

// of is a session; nil: it is not there yet, or no more.
func (s *sessionScripts) of(l pppoe.SessionInfo) *running {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[l.SessionID]
}

// Open makes the device of a line.
func (s *sessionScripts) Open(l pppoe.SessionInfo) (tun.Device, error) {
	its := s.begin(l)
	d, err := its.Open(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		delete(s.live, its.Runner)
		return nil, err
	}
	s.sessions[l.SessionID] = its
	return d, nil
}

func (s *sessionScripts) begin(l pppoe.SessionInfo) *running {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg := s.cfg
	cfg.Device = l.Interface
	its := scripts.New(cfg)
	s.live[its] = true
	if s.hurried {
		its.LimitWaits()
	}
	return &running{its, its.WrapNetwork(s.host)}
}

// hurry bounds the scripts that are waited for, since the server has to end.
func (s *sessionScripts) hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurried = true
	for its := range s.live {
		its.LimitWaits()
	}
}

// Configure changes the network of a line.
func (s *sessionScripts) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	return s.of(l).Configure(l, have, want)
}

// preUp is called in the course of Configure.
func (s *sessionScripts) preUp(l pppoe.SessionInfo, want pppoe.Addressing) { s.of(l).PreUp(l, want) }

// Close takes back what Configure has done.
func (s *sessionScripts) Close(l pppoe.SessionInfo, have pppoe.Addressing) {
	s.of(l).HostNetwork.Close(l, have)
}

// notify is told what happens to sessions.
func (s *sessionScripts) notify(l pppoe.SessionInfo, e pppoe.Event) {
	its := s.of(l)
	if its == nil {
		return
	}
	its.Notify(l, e)
	if _, over := e.(pppoe.Ended); over {
		s.mu.Lock()
		delete(s.sessions, l.SessionID)
		delete(s.live, its.Runner)
		s.mu.Unlock()
		s.ending.Go(its.Runner.Close) // which waits for scripts
	}
}

// wait waits for the scripts of sessions that have ended.
func (s *sessionScripts) wait() { s.ending.Wait() }
