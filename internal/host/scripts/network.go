package scripts

import (
	"upppoe/pppoe"
	"upppoe/tun"
)

// host runs those scripts around a pppoe.HostNetwork that pppd waits for.
type host struct {
	pppoe.HostNetwork
	scripts *Runner
}

// WrapNetwork has net-init and net-pre-up run, and waited for, before the host's network is
// changed, and net-down after it.
func (s *Runner) WrapNetwork(h pppoe.HostNetwork) pppoe.HostNetwork { return &host{h, s} }

func (h *host) Open(l pppoe.SessionInfo) (tun.Device, error) {
	d, err := h.HostNetwork.Open(l)
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

func (h *host) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	if have == (pppoe.Addressing{}) {
		h.scripts.await(NetPreUp, h.scripts.netCall(l))
	}
	h.scripts.known.learn(want) // before ip-pre-up
	return h.HostNetwork.Configure(l, have, want)
}

func (h *host) Close(l pppoe.SessionInfo, have pppoe.Addressing) {
	h.HostNetwork.Close(l, have)
	h.scripts.await(NetDown, h.scripts.netCall(l))
}

// PreUp runs ip-pre-up, and waits for it. A host calls it when the device has its
// addresses, and is yet to be brought up.
func (s *Runner) PreUp(l pppoe.SessionInfo, want pppoe.Addressing) {
	s.await(IPPreUp, s.ipCall(l, want))
}
