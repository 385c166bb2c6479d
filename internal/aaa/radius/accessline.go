package radius

import (
	"encoding/binary"

	"layeh.com/radius"
	"layeh.com/radius/rfc4679"

	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// vendorADSLForum is the enterprise number of the attributes of RFC 4679.
const vendorADSLForum = 3561

// addAccessLine adds what the access node has said about the session's line (RFC 4679): the numbers of
// attributes are those of TR-101's sub-options.
func addAccessLine(p *radius.Packet, s pppoe.SessionInfo) {
	if s.AccessLine == nil {
		return
	}
	if id := s.AccessLine.CircuitID; id != "" {
		rfc4679.ADSLAgentCircuitID_SetString(p, id)
	}
	if id := s.AccessLine.RemoteID; id != "" {
		rfc4679.ADSLAgentRemoteID_SetString(p, id)
	}
	for kind, v := range s.AccessLine.Attributes() {
		value := lineValue(kind, v)
		b := binary.BigEndian.AppendUint32(nil, vendorADSLForum)
		p.Add(vendorSpecific, append(append(b, byte(kind), byte(2+len(value))), value...))
	}
}

// lineValue returns the value of an attribute. TR-101's rates are in kbit/s, those of RFC 4679 in bit/s.
func lineValue(kind wire.LineAttribute, v uint32) []byte {
	switch {
	case kind == wire.IWFSession:
		return nil
	case kind == wire.AccessLoopEncapsulation:
		return []byte{byte(v >> 16), byte(v >> 8), byte(v)}
	case kind >= wire.ActualRateUp && kind < wire.MaxDelayUp:
		v = uint32(min(uint64(v)*1000, 1<<32-1))
	}
	return binary.BigEndian.AppendUint32(nil, v)
}
