package netconfig

import (
	"net/netip"
	"sync"

	"github.com/vishvananda/netns"

	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// session is what is configured for one session.
type session struct {
	namespace netns.NsHandle // of its device; not open: the program's own
	// What has been changed for the device itself, and for each family.
	linkChanges, ipv4Changes, ipv6Changes appliedSteps
	deviceName                            string // guarded by Configurer.mu
	preexisting                           bool   // the device existed before: see tun.IsPersistent
	unmanaged                             bool   // its configuration is left to the administrator; guarded by Configurer.mu

	dnsMu              sync.Mutex // guards what follows, as IPv6 name servers come at any time
	dnsChanges         appliedSteps
	servers4, servers6 []netip.Addr
}

// sessionKey identifies a session from Open to Close.
type sessionKey struct {
	iface string
	id    uint16
	peer  wire.Addr
}

func keyOf(l pppoe.SessionInfo) sessionKey { return sessionKey{l.Interface, l.SessionID, l.Peer} }

// newSession returns a session in its namespace.
func (h *Configurer) newSession() (*session, error) {
	p := &session{namespace: netns.None()}
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
		h.sessions = make(map[sessionKey]*session)
	}
	h.sessions[keyOf(l)] = p
}

// session finds the session that Open has added.
func (h *Configurer) session(l pppoe.SessionInfo) (*session, error) {
	h.mu.Lock()
	p := h.sessions[keyOf(l)]
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
	p := h.sessions[keyOf(l)]
	delete(h.sessions, keyOf(l))
	return p
}
