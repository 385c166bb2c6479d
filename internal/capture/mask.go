package capture

import (
	"encoding/binary"

	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// masked is what a password is replaced with, whatever its length.
var masked = []byte("********")

// maskPasswords returns a control frame with passwords masked; the frame itself if it has none.
// Only PAP sends passwords (RFC 1334 section 2.2.1), and a peer without PAP sends the beginning of the frame
// back in an LCP Protocol-Reject (RFC 1661 section 5.7).
func maskPasswords(frame []byte) []byte {
	at, ok := sessionHeader(frame)
	if !ok {
		return frame
	}
	body := at + wire.HeaderLen
	inner := frame[body:]
	if _, parsed, err := wire.ParseSession(frame[at:]); err == nil {
		inner = parsed
	}
	changed := maskPPP(inner)
	if changed == nil {
		return frame
	}
	whole := append(append([]byte(nil), frame[:body]...), changed...)
	binary.BigEndian.PutUint16(whole[body-2:], uint16(len(changed)))
	return whole
}

// sessionHeader returns where the PPPoE header of a session frame begins; false: it is another frame.
func sessionHeader(frame []byte) (at int, ok bool) {
	tags, etherType, ok := vlan.Split(frame)
	at = 14 + 4*tags.Depth()
	return at, ok && etherType == wire.EtherTypeSession && len(frame) >= at+wire.HeaderLen
}

// maskPPP returns a PPP frame with the password masked; nil: it has none.
func maskPPP(frame []byte) []byte {
	p, body, err := ppp.ParseFrame(frame)
	if err != nil {
		return nil
	}
	switch p {
	case ppp.PAP:
		if changed := maskPAP(body); changed != nil {
			return appendProtocol(p, changed)
		}
	case ppp.LCP:
		c, err := ppp.ParseControl(body)
		if err != nil || c.Code != ppp.ProtocolReject {
			return nil
		}
		rejected, rest, err := ppp.ParseFrame(c.Data)
		if err != nil || rejected != ppp.PAP {
			return nil
		}
		if changed := maskPAP(rest); changed != nil {
			c.Data = appendProtocol(rejected, changed)
			return c.AppendTo(appendProtocol(p, nil))
		}
	}
	return nil
}

func appendProtocol(p ppp.Protocol, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(p)), body...)
}

// maskPAP returns a PAP packet with the password masked; nil: it has none. In a packet that cannot be parsed
// all but its header is masked.
func maskPAP(packet []byte) []byte {
	const header = 4
	if len(packet) <= header || ppp.Code(packet[0]) != pap.AuthenticateRequest {
		return nil
	}
	c, err := ppp.ParseControl(packet)
	if err != nil {
		return append(append([]byte(nil), packet[:header]...), masked...)
	}
	r, err := pap.ParseRequest(c.Data)
	if err != nil {
		c.Data = masked
		return c.AppendTo(nil)
	}
	r.Password = masked
	c.Data = r.AppendTo(nil)
	return c.AppendTo(nil)
}
