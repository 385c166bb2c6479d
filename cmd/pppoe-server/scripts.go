package main

import (
	"net/netip"
	"os"
	"sync"
	"syscall"

	"upppoe/internal/host/scripts"
	"upppoe/internal/process/passfd"
	"upppoe/pppoe"
	"upppoe/tun"
)

// sessionScripts runs pppd's scripts for each session, as pppd does under rp-pppoe's server. A script
// that is waited for delays other sessions of the interface that begin or end.
type sessionScripts struct {
	mu       sync.Mutex
	host     hostNetwork    // for new sessions
	cfg      scripts.Config // for new sessions
	sessions map[pppoe.SessionKey]*running
	live     map[*scripts.Runner]bool // of sessions, and of those whose device is being opened
	hurried  bool
	ending   sync.WaitGroup
}

// hostNetwork is this machine's network, which has VRFs.
type hostNetwork interface {
	pppoe.HostNetwork
	pppoe.VRFNetwork
}

// running has the scripts and host network with which a session began. A reload does not change them.
type running struct {
	*scripts.Runner
	pppoe.HostNetwork
	host   pppoe.HostNetwork // without scripts
	device tun.Device
}

// newSessionScripts returns a value without a configuration: use must be called before a session begins.
func newSessionScripts() *sessionScripts {
	return &sessionScripts{sessions: make(map[pppoe.SessionKey]*running), live: make(map[*scripts.Runner]bool)}
}

var _ hostNetwork = (*sessionScripts)(nil)

// use sets the host network and scripts of new sessions.
func (s *sessionScripts) use(h hostNetwork, cfg scripts.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.host, s.cfg = h, cfg
}

// of returns a session; nil if it does not exist.
func (s *sessionScripts) of(l pppoe.SessionInfo) *running {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[l.Key()]
}

// Open opens the device of a session.
func (s *sessionScripts) Open(l pppoe.SessionInfo) (tun.Device, error) {
	its := s.begin(l)
	d, err := its.Open(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		delete(s.live, its.Runner)
		return nil, err
	}
	its.device = d
	s.sessions[l.Key()] = its
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
	return &running{its, its.WrapNetwork(s.host), s.host, nil}
}

// descriptors returns other descriptors of the devices of all sessions.
func (s *sessionScripts) descriptors() (all []*os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, its := range s.sessions {
		d, ok := its.device.(interface{ Descriptors() []syscall.Conn })
		if !ok {
			continue
		}
		for _, c := range d.Descriptors() {
			if f, err := passfd.Duplicate(c, fileDevice); err == nil { // else the session has just ended
				all = append(all, f)
			}
		}
	}
	return all
}

// hurry limits the time for scripts that are waited for, as the server is terminating.
func (s *sessionScripts) hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurried = true
	for its := range s.live {
		its.LimitWaits()
	}
}

// Prepare prepares the device of a session.
func (s *sessionScripts) Prepare(l pppoe.SessionInfo, want pppoe.Addressing) {
	if p, ok := s.of(l).host.(pppoe.DevicePreparer); ok {
		p.Prepare(l, want)
	}
}

// CheckVRF returns an error if this machine has no VRF of a name.
func (s *sessionScripts) CheckVRF(name string) error {
	s.mu.Lock()
	host := s.host
	s.mu.Unlock()
	return host.CheckVRF(name)
}

// Retire prepares the removal of the device of a session.
func (s *sessionScripts) Retire(l pppoe.SessionInfo) {
	if r, ok := s.of(l).host.(pppoe.DeviceRetirer); ok {
		r.Retire(l)
	}
}

// mayPreUp is called by Prepare and Configure.
func (s *sessionScripts) mayPreUp(l pppoe.SessionInfo) bool { return s.of(l).MayPreUp() }

// Configure changes the addresses and routes of a session.
func (s *sessionScripts) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	return s.of(l).Configure(l, have, want)
}

// SetFramedRoutes changes the framed routes of a session.
func (s *sessionScripts) SetFramedRoutes(l pppoe.SessionInfo, have, want []netip.Prefix) error {
	return scripts.SetFramedRoutes(s.of(l).HostNetwork, l, have, want)
}

// preUp is called by Configure.
func (s *sessionScripts) preUp(l pppoe.SessionInfo, want pppoe.Addressing) { s.of(l).PreUp(l, want) }

// Close reverts Configure.
func (s *sessionScripts) Close(l pppoe.SessionInfo, have pppoe.Addressing) {
	s.of(l).HostNetwork.Close(l, have)
}

// notify handles events of sessions.
func (s *sessionScripts) notify(l pppoe.SessionInfo, e pppoe.Event) {
	its := s.of(l)
	if its == nil {
		return
	}
	its.Notify(l, e)
	if _, over := e.(pppoe.Ended); over {
		s.mu.Lock()
		delete(s.sessions, l.Key())
		delete(s.live, its.Runner)
		s.mu.Unlock()
		s.ending.Go(its.Runner.Close) // waits for scripts
	}
}

// wait waits for the scripts of sessions that have ended.
func (s *sessionScripts) wait() { s.ending.Wait() }
