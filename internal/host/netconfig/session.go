package netconfig

import (
	"net/netip"
	"sync"

	"github.com/vishvananda/netns"

	"upppoe/pppoe"
)

// session is what is configured for one session.
type session struct {
	namespace netns.NsHandle // of its device; not open: the program's own
	// What has been changed for the device itself, and for each family.
	linkChanges, ipv4Changes, ipv6Changes appliedSteps
	framedChanges                         appliedSteps // see SetFramedRoutes
	vrfChanges                            appliedSteps
	deviceName                            string        // guarded by Configurer.mu
	in                                    namespaceID   // of its device, for index
	index                                 int           // of the device; 0: unknown
	number                                int           // of the device's name, from Configurer.names; -1: none
	mtu                                   int           // that was set; 0: none
	vrf                                   string        // of which it is a device
	isUp                                  bool          // the device was brought up
	linkLocal                             [2]netip.Addr // IPv6 addresses of both ends; invalid: it has had none
	preexisting                           bool          // the device existed before: see tun.IsPersistent
	adopted                               bool          // an earlier program has left the device, configured
	unmanaged                             bool          // its configuration is left to the administrator; guarded by Configurer.mu

	dnsMu              sync.Mutex // guards what follows, as IPv6 name servers come at any time
	dnsChanges         appliedSteps
	servers4, servers6 []netip.Addr
}

// newSession returns a session in its namespace.
func (h *Configurer) newSession() (*session, error) {
	p := &session{namespace: netns.None(), number: -1}
	if h.Namespace == "" {
		return p, nil
	}
	var err error
	p.namespace, err = openNamespace(h.Namespace)
	return p, err
}

func (h *Configurer) addSession(l pppoe.SessionInfo, p *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions == nil {
		h.sessions = make(map[pppoe.SessionKey]*session)
	}
	h.sessions[l.Key()] = p
}

// session finds the session that Open has added.
func (h *Configurer) session(l pppoe.SessionInfo) (*session, error) {
	h.mu.Lock()
	p := h.sessions[l.Key()]
	h.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := h.newSession()
	if err == nil {
		h.addSession(l, p)
	}
	return p, err
}

// removeSession removes and returns a session; nil: there is none.
func (h *Configurer) removeSession(l pppoe.SessionInfo) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.sessions[l.Key()]
	delete(h.sessions, l.Key())
	return p
}
