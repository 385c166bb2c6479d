package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"upppoe/internal/config/pppd"
	"upppoe/internal/host/netconfig"
	"upppoe/internal/host/undolog"
	"upppoe/internal/mgmt/sessionstore"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// Reasons why the session of a client that was killed is not adopted.
var (
	errNoAdopt        = errors.New("option no-adopt is given")
	errNotRecorded    = errors.New("it was not online")
	errOtherBoot      = errors.New("the system was started again since")
	errOtherUser      = errors.New("its user was another")
	errOtherService   = errors.New("its Service-Name was another")
	errOtherNamespace = errors.New("its device is in another network namespace")
	errOtherDevice    = errors.New("its device had another name")
	errDemand         = errors.New("options \"demand\" and \"attach\" begin with a device or a session of their own")
)

// adopt configures the client to continue the session of a client that was killed, if it can, and to end what
// else was left.
func (p *program) adopt(cfg *pppoe.ClientConfig) {
	cfg.Stale, cfg.Previous = p.records.staleSessions()
	if p.records.slot == nil {
		return
	}
	left := p.records.slot.Left()
	a, err := p.records.adoptable()
	if err != nil {
		switch {
		case left.ID != 0:
			p.log.Info(fmt.Sprintf("Session %d at %s, of a client that was killed, is not continued: %v", left.ID, left.AC, err))
		case p.records.slot.Damaged():
			p.log.Warn("The record of the last session is damaged: if a client was killed, its session is neither continued nor ended")
		}
		leftDevices := &netconfig.Configurer{Owner: p.records.deviceOwner(), Namespace: p.settings.Namespace, Log: p.log}
		leftDevices.Sweep()
		return
	}
	p.log.Info(fmt.Sprintf("Session %d at %v was left by a client that was killed: asking whether it continues", a.SessionID, a.AC))
	cfg.Adopt = a
	cfg.Stale = slices.DeleteFunc(cfg.Stale, func(s pppoe.StaleSession) bool { return s.SessionID == a.SessionID && s.AC == a.AC })
}

// adopts reports whether a client of these settings can adopt a session, and can leave one to be adopted.
func adopts(s *pppd.Settings) bool {
	_, _, attached := s.Attached()
	return !s.Demand && !attached && !s.NoAdopt
}

// owner returns the name under which the device outlives this client; empty: it does not.
func (f *records) owner() string {
	if f.slot == nil || !adopts(f.settings) {
		return ""
	}
	return f.deviceOwner()
}

// deviceOwner returns the name under which devices outlive clients with our slot.
func (f *records) deviceOwner() string { return "client:" + filepath.Base(f.slot.SiblingPath("")) }

// adoptable returns the session of the client that had our slot before; the error is why it cannot be
// adopted.
func (f *records) adoptable() (*pppoe.AdoptableSession, error) {
	if f.settings.NoAdopt {
		return nil, errNoAdopt
	}
	if !adopts(f.settings) {
		return nil, errDemand
	}
	left := f.slot.Left()
	if _, ok := left.Stale(); !ok || left.Adoptable == nil || left.OwnMAC != ownAddress(f.settings) {
		return nil, errNotRecorded
	}
	if err := f.checkSettings(left.Adoptable); err != nil {
		return nil, err
	}
	ac, _ := wire.ParseAddr(left.AC)
	local, err := wire.ParseAddr(left.OwnMAC)
	r := left.Adoptable
	return &pppoe.AdoptableSession{
		SessionID: left.ID, AC: ac, Local: local, ACName: r.ACName, Service: r.Service, User: r.Peer,
		PADTTags: r.PADTTags, Device: r.Device, PPP: r.PPP, Opened: r.Opened,
	}, err
}

// checkSettings returns why a client of these settings must not adopt a session.
func (f *records) checkSettings(r *sessionstore.Adoptable) error {
	boot, err := undolog.BootID()
	switch s := f.settings; {
	case err != nil:
		return err
	case r.BootID != boot:
		return errOtherBoot
	case r.User != s.User:
		return errOtherUser
	case r.RequestedService != s.Service:
		return errOtherService
	case r.Namespace != s.Namespace:
		return errOtherNamespace
	case deviceName(s) != "" && deviceName(s) != r.Device:
		return errOtherDevice
	}
	return nil
}

// record keeps what the next client needs to continue the session; nil: it cannot.
func (f *records) record(a *pppoe.AdoptableSession) {
	f.current.Adoptable = nil
	if boot, err := undolog.BootID(); a != nil && err == nil && f.owner() != "" {
		s := f.settings
		f.current.Adoptable = &sessionstore.Adoptable{
			BootID: boot, User: s.User, RequestedService: s.Service, Namespace: s.Namespace,
			ACName: a.ACName, Service: a.Service, Peer: a.User, PADTTags: a.PADTTags, Device: a.Device, PPP: a.PPP, Opened: a.Opened,
		}
	}
	f.remember()
}
