package scripts

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"slices"

	"upppoe/pppoe"
	"upppoe/tun"
)

// network runs the scripts that pppd waits for around a pppoe.HostNetwork, of one session at a
// time.
type network struct {
	pppoe.HostNetwork
	scripts *Runner
	adopted bool // the session is adopted, and has not been configured since
}

// WrapNetwork returns a network that runs net-init and net-pre-up, and waits for them, before the
// host's network is changed, and net-down after it.
func (s *Runner) WrapNetwork(h pppoe.HostNetwork) pppoe.HostNetwork {
	return &network{HostNetwork: h, scripts: s}
}

func (h *network) Open(l pppoe.SessionInfo) (tun.Device, error) {
	h.adopted = l.Device != ""
	d, err := h.HostNetwork.Open(l)
	if err == nil {
		h.scripts.sessionEnv.reset()
		l.Device = d.Name()
		if h.adopted { // its scripts ran when it began
			return d, nil
		}
		h.scripts.runAndWait(NetInit, h.scripts.netCall(l))
		if l.User != "" { // a server opens the device after authentication
			h.scripts.auth.up(h.scripts.authCall(l, l.User))
		}
	}
	return d, err
}

func (h *network) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	if have == (pppoe.Addressing{}) && !h.adopted {
		h.scripts.runAndWait(NetPreUp, h.scripts.netCall(l))
	}
	h.adopted = false
	h.scripts.sessionEnv.update(want) // before ip-pre-up
	return h.HostNetwork.Configure(l, have, want)
}

// MayPreUp reports whether a script must run before the device is up.
func (s *Runner) MayPreUp() bool {
	return slices.ContainsFunc([]string{NetPreUp, IPPreUp}, func(name string) bool {
		_, err := os.Stat(s.cfg.path(name))
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// SetFramedRoutes calls the method of the wrapped network, if it has one.
func (h *network) SetFramedRoutes(l pppoe.SessionInfo, have, want []netip.Prefix) error {
	return SetFramedRoutes(h.HostNetwork, l, have, want)
}

// SetFramedRoutes calls the method of that name of a network, if it has one.
func SetFramedRoutes(h pppoe.HostNetwork, l pppoe.SessionInfo, have, want []netip.Prefix) error {
	router, ok := h.(interface {
		SetFramedRoutes(l pppoe.SessionInfo, have, want []netip.Prefix) error
	})
	if !ok {
		return nil
	}
	return router.SetFramedRoutes(l, have, want)
}

func (h *network) Close(l pppoe.SessionInfo, have pppoe.Addressing) {
	h.HostNetwork.Close(l, have)
	h.scripts.runAndWait(NetDown, h.scripts.netCall(l))
}

// PreUp runs ip-pre-up, and waits for it. It must be called when the device has its addresses and
// is not up yet.
func (s *Runner) PreUp(l pppoe.SessionInfo, want pppoe.Addressing) {
	s.runAndWait(IPPreUp, s.ipCall(l, want))
}
