package pppoe

import (
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// SessionInfo describes a session in events and to the HostNetwork and the Authenticator. Its
// fields do not change while the session exists, except User and Device.
type SessionInfo struct {
	Interface   string // on which the session runs, with its VLAN tags if any
	SessionID   uint16
	Local, Peer wire.Addr
	// Generation is different for each session of a Server or a Client, from 1: a session ID is used
	// again by later sessions.
	Generation uint64
	// Unit is a number from 0 that no other session of a Server has at a time.
	Unit    int
	ACName  string     // the concentrator's AC-Name; untrusted: escape it before printing
	Service string     // the Service-Name requested; untrusted
	vlan    vlan.Stack // in the frames of a port that has tags in band
	// AccessLine is the client's access line, from its PADR or else its PADI; nil: neither says it.
	// It is untrusted.
	AccessLine *wire.AccessLine
	User       string // the peer's name, once it is authenticated; untrusted
	Device     string // the network device's name, once there is one
}

// SessionKey identifies a session of a Server or a Client: by its attachment (the interface with its
// VLAN tags), its peer and its session ID, and by its generation, so that it never stands for a later
// session with the same ID. It is comparable; SessionInfo.Key makes it.
type SessionKey struct {
	Interface  string
	Peer       wire.Addr
	SessionID  uint16
	Generation uint64
	vlan       vlan.Stack // as in SessionInfo
}

// VLAN returns the tags of the session's frames, of a port that has tags in band.
func (s SessionInfo) VLAN() vlan.Stack { return s.vlan }

// Key returns the session's key.
func (s SessionInfo) Key() SessionKey {
	return SessionKey{s.Interface, s.Peer, s.SessionID, s.Generation, s.vlan}
}

// frameKey returns the key by which the frames of the session are found, whose local address is given.
func (k SessionKey) frameKey(local wire.Addr) datapath.Key {
	return datapath.Key{VLAN: k.vlan, Local: local, Peer: k.Peer, SessionID: k.SessionID}
}

// KeyOf returns the key of the session that a data path knows by its configuration.
func KeyOf(c datapath.SessionConfig) SessionKey {
	return SessionKey{c.Attachment, c.Peer, c.SessionID, c.Generation, c.VLAN}
}

// pathConfig returns the data path's configuration of the session, with a device of its own or a
// shared one.
func (s *SessionInfo) pathConfig(d tun.Device, shared *datapath.SharedDevice) datapath.SessionConfig {
	return datapath.SessionConfig{Key: s.Key().frameKey(s.Local), Attachment: s.Interface, Generation: s.Generation, Device: d, Shared: shared}
}
