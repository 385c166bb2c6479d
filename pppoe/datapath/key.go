package datapath

import (
	"encoding/binary"

	"upppoe/ppp"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// Key identifies a session among those of an Ethernet interface: by session ID and both Ethernet
// addresses (RFC 2516 section 4), in the VLAN of its frames. It is comparable.
type Key struct {
	// VLAN has the tags that the port's frames have in band. It is empty for a port that adds and
	// removes the tags itself.
	VLAN        vlan.Stack
	Local, Peer wire.Addr
	SessionID   uint16
}

// SessionConfig is what the data path must know of a PPPoE session.
type SessionConfig struct {
	Key
	// Priority is the priority code point, 0 to 7, in the tags of frames to the peer.
	Priority uint8
	// Held leaves packets from the host in the Device until SetFamilies first opens a family: of an adopted
	// session, whose Device is configured.
	Held bool
	// Attachment is the name of the interface with its VLAN tags, for callbacks.
	Attachment string
	// Generation distinguishes sessions that have the same Key one after the other.
	Generation uint64
	// Device is the network device that the session's packets are written to and read from.
	Device tun.Device
	// Shared is the device, in place of Device, if sessions share it.
	Shared *SharedDevice
}

// FrameKey returns the key of the session that a received frame belongs to, and the offset of its
// PPPoE header. ok is false if it is not a frame with a PPPoE session header. An only tag with VLAN
// identifier 0 belongs to no VLAN (IEEE 802.1Q section 6.9.1).
func FrameKey(frame []byte) (k Key, at int, ok bool) {
	if len(frame) < HeadersLen {
		return k, 0, false
	}
	copy(k.Local[:], frame)
	copy(k.Peer[:], frame[6:])
	at = 14
	if etherType := binary.BigEndian.Uint16(frame[12:]); etherType != wire.EtherTypeSession {
		k.VLAN, etherType, ok = vlan.Split(frame)
		at += vlan.TagLen * k.VLAN.Depth()
		if !ok || etherType != wire.EtherTypeSession || len(frame) < at+wire.HeaderLen {
			return k, 0, false
		}
		k.VLAN = k.VLAN.WithoutPriorityTag()
	}
	k.SessionID = binary.BigEndian.Uint16(frame[at+2:])
	return k, at, true
}

// IsPacket reports whether a received frame carries an IP packet. All others are for the control plane.
func IsPacket(frame []byte) bool {
	_, at, ok := FrameKey(frame)
	return ok && len(frame) >= at+wire.HeaderLen+2 && isIP(protocolAt(frame, at))
}

// protocolAt returns the Protocol of a session frame whose PPPoE header begins at an offset.
func protocolAt(frame []byte, at int) ppp.Protocol {
	return ppp.Protocol(binary.BigEndian.Uint16(frame[at+wire.HeaderLen:]))
}

func isIP(p ppp.Protocol) bool { return p == ppp.IPv4 || p == ppp.IPv6 }

// maxTaggedLen is the length of the headers in front of an IP packet with all tags.
const maxTaggedLen = HeadersLen + vlan.MaxDepth*vlan.TagLen

// headers are the headers of a session's frames, right-aligned, with LENGTH and Protocol zero.
type headers struct {
	bytes [maxTaggedLen]byte
	start uint8 // where they begin
}

func newHeaders(c *SessionConfig) (h headers) {
	b := append(make([]byte, 0, maxTaggedLen), c.Peer[:]...)
	b = append(b, c.Local[:]...)
	b = c.VLAN.Append(b, c.Priority)
	b = binary.BigEndian.AppendUint16(b, wire.EtherTypeSession)
	b = append(b, 0x11, 0) // VER, TYPE and CODE (RFC 2516 section 4)
	b = binary.BigEndian.AppendUint16(b, c.SessionID)
	h.start = uint8(len(h.bytes) - len(b) - 4)
	copy(h.bytes[h.start:], b)
	return h
}
