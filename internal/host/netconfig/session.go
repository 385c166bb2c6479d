package netconfig

import (
	"net/netip"
	"sync"

	"github.com/vishvananda/netns"

	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// place is what a line has of this machine's network.
type place struct {
	namespace netns.NsHandle // of its device; not open: the program's own
	// What has been changed for the device as such, and for each family.
	device, ipv4, ipv6 changes
	name               string // the device's; guarded by Host.mu
	made               bool   // by somebody else: see tun.IsPersistent
	othersSet          bool   // what there is to be set at it; guarded by Host.mu

	naming             sync.Mutex // guards what follows: IPv6's name servers come by themselves
	names              changes
	servers4, servers6 []netip.Addr
}

// lineKey is what tells lines apart from Open to Close.
type lineKey struct {
	iface string
	id    uint16
	peer  wire.Addr
}

func keyOf(l pppoe.SessionInfo) lineKey { return lineKey{l.Interface, l.SessionID, l.Peer} }

// newPlace makes a line's place.
func (h *Configurer) newPlace() (*place, error) {
	p := &place{namespace: netns.None()}
	if h.Namespace == "" {
		return p, nil
	}
	var err error
	p.namespace, err = openNamespace(h.Namespace)
	return p, err
}

func (h *Configurer) put(l pppoe.SessionInfo, p *place) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.places == nil {
		h.places = make(map[lineKey]*place)
	}
	h.places[keyOf(l)] = p
}

// place finds the line's place, which Open has made.
func (h *Configurer) place(l pppoe.SessionInfo) (*place, error) {
	h.mu.Lock()
	p := h.places[keyOf(l)]
	h.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := h.newPlace()
	if err == nil {
		h.put(l, p)
	}
	return p, err
}

// leave forgets the line's place, which it returns; nil: there is none.
func (h *Configurer) leave(l pppoe.SessionInfo) *place {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.places[keyOf(l)]
	delete(h.places, keyOf(l))
	return p
}
