package pppoe

import (
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// sessionIdentity is the SessionInfo of a sessionState. Names that sessions have in common are kept once.
type sessionIdentity struct {
	*sessionNames
	SessionID   uint16
	Local, Peer wire.Addr
	vlan        vlan.Stack
	Generation  uint64
	Unit        int
	AccessLine  *wire.AccessLine
	User        string
	Device      string
}

// sessionNames are names in a SessionInfo that do not change. Sessions share them.
type sessionNames struct{ Interface, ACName, Service string }

// identityOf returns the identity of a session. It shares the names like if they are the same; nil: none.
func identityOf(i *SessionInfo, like *sessionNames) sessionIdentity {
	if names := (sessionNames{i.Interface, i.ACName, i.Service}); like == nil || *like != names {
		like = &names
	}
	return sessionIdentity{like, i.SessionID, i.Local, i.Peer, i.vlan, i.Generation, i.Unit, i.AccessLine, i.User, i.Device}
}

// info returns the SessionInfo.
func (s *sessionIdentity) info() SessionInfo {
	return SessionInfo{
		Interface: s.Interface, SessionID: s.SessionID, Local: s.Local, Peer: s.Peer, Generation: s.Generation, Unit: s.Unit,
		ACName: s.ACName, Service: s.Service, vlan: s.vlan, AccessLine: s.AccessLine, User: s.User, Device: s.Device,
	}
}

// key returns the session's key.
func (s *sessionIdentity) key() SessionKey {
	return SessionKey{s.Interface, s.Peer, s.SessionID, s.Generation, s.vlan}
}

// frameKey returns the key by which the session's frames are found.
func (s *sessionIdentity) frameKey() datapath.Key {
	return datapath.Key{VLAN: s.vlan, Local: s.Local, Peer: s.Peer, SessionID: s.SessionID}
}
