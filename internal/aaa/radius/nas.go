package radius

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"

	"upppoe/pppoe"
)

// NAS is what servers are sent about this access concentrator and its sessions. It must not change
// while it is used.
type NAS struct {
	Identifier string     // NAS-Identifier; empty: none
	IPv4, IPv6 netip.Addr // NAS-IP-Address, NAS-IPv6-Address; invalid: none
	// PPPoEPortType makes NAS-Port-Type one of RFC 4603: PPPoEoE, PPPoEoVLAN or PPPoEoQinQ; otherwise
	// it is Ethernet.
	PPPoEPortType bool
	// Started makes session identifiers differ from those of an earlier run.
	Started time.Time
}

// Values of NAS-Port-Type (RFC 4603).
const portTypePPPoEoE = 32 // 33: over a VLAN; 34: over QinQ

// AddTo adds the attributes that identify the access concentrator.
func (n *NAS) AddTo(p *radius.Packet) {
	if n.Identifier != "" {
		rfc2865.NASIdentifier_SetString(p, n.Identifier)
	}
	if n.IPv4.Is4() {
		rfc2865.NASIPAddress_Set(p, n.IPv4.AsSlice())
	}
	if n.IPv6.Is6() {
		rfc3162.NASIPv6Address_Set(p, n.IPv6.AsSlice())
	}
}

// AddSession adds the attributes of a session: where it is, who its client is.
func (n *NAS) AddSession(p *radius.Packet, s pppoe.SessionInfo) {
	n.AddTo(p)
	rfc2865.NASPort_Set(p, rfc2865.NASPort(s.Unit))
	rfc2865.NASPortType_Set(p, n.portType(s))
	rfc2869.NASPortID_SetString(p, clip(PortID(s)))
	rfc2865.CallingStationID_SetString(p, StationID(s))
	rfc2865.CalledStationID_SetString(p, clip(CalledStation(s)))
	rfc2865.ServiceType_Set(p, rfc2865.ServiceType_Value_FramedUser)
	rfc2865.FramedProtocol_Set(p, rfc2865.FramedProtocol_Value_PPP)
	rfc2866.AcctSessionID_SetString(p, n.SessionID(s.Generation))
	addAccessLine(p, s)
}

func (n *NAS) portType(s pppoe.SessionInfo) rfc2865.NASPortType {
	if !n.PPPoEPortType {
		return rfc2865.NASPortType_Value_Ethernet
	}
	return rfc2865.NASPortType(portTypePPPoEoE + s.VLAN().Depth())
}

// PortID returns the NAS-Port-Id of a session: the interface, with the VLAN tags of its frames as in
// eth1.100.7.
func PortID(s pppoe.SessionInfo) string { return s.Interface }

// StationID returns the Calling-Station-Id of a session: the Ethernet address as RFC 3580 section 3.21
// writes it.
func StationID(s pppoe.SessionInfo) string {
	return strings.ToUpper(strings.ReplaceAll(s.Peer.String(), ":", "-"))
}

// CalledStation returns the Called-Station-Id: the AC-Name, and the Service-Name if one was requested.
func CalledStation(s pppoe.SessionInfo) string {
	if s.Service == "" {
		return s.ACName
	}
	return s.ACName + ":" + s.Service
}

// SessionID returns the Acct-Session-Id of the session with a generation.
func (n *NAS) SessionID(generation uint64) string {
	return fmt.Sprintf("%08x%08x", uint32(n.Started.Unix()), generation)
}

// GenerationOf returns the generation of the session with an Acct-Session-Id; false: it is not of this
// run.
func (n *NAS) GenerationOf(sessionID string) (uint64, bool) {
	if len(sessionID) < 16 {
		return 0, false
	}
	g, err := strconv.ParseUint(sessionID[8:], 16, 64)
	return g, err == nil && n.SessionID(g) == sessionID
}

// maxText is the longest text of an attribute, in octets.
const maxText = 253

// clip shortens a text to what an attribute can have.
func clip(text string) string { return text[:min(len(text), maxText)] }
