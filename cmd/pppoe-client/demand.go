package main

import (
	"upppoe/internal/config/pppd"
	"upppoe/internal/host/dialondemand"
	"upppoe/pppoe"
)

// placeholderMTU is the MTU of a device without a session.
const placeholderMTU = 1492

// demandDevice is the device of a client that dials on demand; nil if it does not.
type demandDevice struct{ host *dialondemand.Network }

// onDemand opens the device before there is a session, with option demand, and configures the client to
// wait for traffic on it.
func onDemand(s *pppd.Settings, cfg *pppoe.ClientConfig) (*demandDevice, error) {
	if !s.Demand {
		return nil, nil
	}
	mtu := placeholderMTU
	if s.MTU > 0 {
		mtu = s.MTU
	}
	host, err := dialondemand.New(cfg.Network, pppoe.SessionInfo{Interface: cfg.Interface}, dialondemand.PlaceholderAddressing(s.Local, s.Remote, mtu))
	if err != nil {
		return nil, err
	}
	cfg.Network, cfg.AwaitTraffic = host, host.Wait
	return &demandDevice{host}, nil
}

// name returns the name of the device; empty if there is none.
func (w *demandDevice) name() string {
	if w == nil {
		return ""
	}
	return w.host.Device()
}

func (w *demandDevice) notify(l pppoe.SessionInfo, e pppoe.Event) {
	if w != nil {
		w.host.Notify(l, e)
	}
}

func (w *demandDevice) close() {
	if w != nil {
		w.host.RemoveDevice()
	}
}
