package pppoe

import "upppoe/pppoe/wire"

// SessionInfo describes a session in events and to the HostNetwork and the Authenticator. Its
// fields do not change while the session exists, except User and Device.
type SessionInfo struct {
	Interface   string // on which the session runs, with its VLAN tags if any
	SessionID   uint16
	Local, Peer wire.Addr
	ACName      string // the concentrator's AC-Name; untrusted: escape it before printing
	Service     string // the Service-Name requested; untrusted
	User        string // the peer's name, once it is authenticated; untrusted
	Device      string // the network device's name, once there is one
}
