package pppoe

import "upppoe/pppoe/wire"

// A Line is one session as the world around it knows it. Its fields do not
// change once the session has begun, but for User and Device.
type SessionInfo struct {
	Interface   string // of the port
	SessionID   uint16
	Local, Peer wire.Addr
	ACName      string // as the concentrator calls itself: escape it before printing
	Service     string // the Service-Name asked for: likewise
	User        string // the peer's name, once it is authenticated: likewise
	Device      string // the network device's name, once there is one
}
