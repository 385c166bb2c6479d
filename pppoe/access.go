package pppoe

import (
	"errors"
	"sync"
	"time"

	"upppoe/pppoe/limit"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// access decides which PADIs and PADRs a server handles. It may be used concurrently: the loops of
// a server share it.
type access struct {
	mu      sync.Mutex
	clients limit.Clients
	padis   *limit.Rates
	padrs   *limit.Rates
}

func newAccess(cfg AccessConfig, interfaces int) *access {
	return &access{
		clients: cfg.Clients,
		padis:   limit.NewRates(limit.PADIs, cfg.PADIs, interfaces, nil),
		padrs:   limit.NewRates(limit.PADRs, cfg.PADRs, interfaces, nil),
	}
}

// configure replaces all lists and limits.
func (a *access) configure(cfg AccessConfig) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clients = cfg.Clients
	a.padis.SetLimits(cfg.PADIs)
	a.padrs.SetLimits(cfg.PADRs)
}

// admit reports whether a PADI or PADR may be queued for a loop; the error is the reason for dropping
// it. busy: PADIs arrive faster than the loop answers them.
func (a *access) admit(now time.Time, code wire.Code, o limit.Origin, busy bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.clients.Admit(o.Client); err != nil || code == wire.PADR {
		return err
	}
	return a.padis.Allow(now, o, busy)
}

// admitPADR reports whether a PADR with a valid cookie is handled. Those without one do not count:
// forged addresses must not use up what is for others.
func (a *access) admitPADR(now time.Time, o limit.Origin) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.padis.Remember(now, o)
	return a.padrs.Allow(now, o, false)
}

// ErrVLAN is the reason for dropping discovery packets of VLANs that a Listener does not serve.
var ErrVLAN = errors.New("pppoe: VLAN is not served")

// admitFrame returns the inbox in which a frame of the discovery port is queued for the loop; the
// error is the reason for dropping it. It drops a flood before that costs places in the queue. The
// goroutine that reads the port calls it.
func (l *serverLoop) admitFrame(now time.Time, frame []byte) (to *inbox, err error) {
	code, in, ok := discoveryCode(frame)
	to = l.loop.discovery
	switch {
	case !ok:
		return to, nil // handleDiscovery drops it
	case !l.listener.serves(in):
		return nil, ErrVLAN
	case code == wire.PADI:
		to = l.loop.padis
	case code != wire.PADR:
		return to, nil
	}
	return to, l.server.access.admit(now, code, limit.Origin{Interface: l.index, VLAN: in, Client: wire.Addr(frame[6:])}, l.loop.padis.isBusy())
}

// discoveryCode returns the CODE of a discovery packet (RFC 2516 section 4), and the tags of its
// frame.
func discoveryCode(frame []byte) (code wire.Code, in vlan.Stack, ok bool) {
	in, etherType, ok := vlan.Split(frame)
	at := 2*len(wire.Addr{}) + in.Depth()*vlan.TagLen + 2
	if !ok || etherType != wire.EtherTypeDiscovery || len(frame) < at+wire.HeaderLen {
		return 0, in, false
	}
	return wire.Code(frame[at+1]), in.WithoutPriorityTag(), true
}
