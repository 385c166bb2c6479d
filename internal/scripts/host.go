package scripts

import (
	"upppoe/pppoe"
	"upppoe/tun"
)

// host runs those scripts around a pppoe.Host that pppd waits for.
type host struct {
	pppoe.Host
	scripts *Scripts
}

// Around has net-init and net-pre-up run, and waited for, before the host's network is
// changed, and net-down after it.
func (s *Scripts) Around(h pppoe.Host) pppoe.Host { return &host{h, s} }

func (h *host) Open(l pppoe.Line) (tun.Device, error) {
	d, err := h.Host.Open(l)
	if err == nil {
		h.scripts.known.forget()
		l.Device = d.Name()
		h.scripts.await(NetInit, h.scripts.netCall(l))
		if l.User != "" { // a server has its device once it knows the peer
			h.scripts.auth.up(h.scripts.authCall(l, l.User))
		}
	}
	return d, err
}

func (h *host) Configure(l pppoe.Line, have, want pppoe.Addressing) error {
	if have == (pppoe.Addressing{}) {
		h.scripts.await(NetPreUp, h.scripts.netCall(l))
	}
	h.scripts.known.learn(want) // before ip-pre-up
	return h.Host.Configure(l, have, want)
}

func (h *host) Close(l pppoe.Line, have pppoe.Addressing) {
	h.Host.Close(l, have)
	h.scripts.await(NetDown, h.scripts.netCall(l))
}

// PreUp runs ip-pre-up, and waits for it. A host calls it when the device has its
// addresses, and is yet to be brought up.
func (s *Scripts) PreUp(l pppoe.Line, want pppoe.Addressing) { s.await(IPPreUp, s.ipCall(l, want)) }
