package accounting

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
	"layeh.com/radius/rfc4818"
	"layeh.com/radius/rfc6911"
)

// kind is the kind of a record: the value of Acct-Status-Type.
type kind uint8

const (
	kindStart   kind = 1
	kindStop    kind = 2
	kindInterim kind = 3
	kindOn      kind = 7
	kindOff     kind = 8
)

// isBarrier reports whether a record is sent alone, as it concerns all sessions.
func (k kind) isBarrier() bool { return k == kindOn || k == kindOff }

// record is what a server is to be sent. Records of one session are sent in order.
type record struct {
	kind       kind
	session    string // Acct-Session-Id
	at         time.Time
	attributes []byte // encoded, without Acct-Delay-Time
	stored     uint64 // number in the spool; 0: it is not in it
	sent       time.Time
	refusals   int // how often it was not answered, and others were
}

// newRecord makes a record of attributes. Those that are too many for a packet are cut off.
func newRecord(k kind, session string, at time.Time, p *layeh.Packet) record {
	rfc2866.AcctStatusType_Set(p, rfc2866.AcctStatusType(k))
	rfc2869.EventTimestamp_Set(p, at)
	var b []byte
	for _, a := range p.Attributes {
		if len(b)+2+len(a.Attribute) > maxAttributes || len(a.Attribute) > 253 {
			continue
		}
		b = append(append(b, byte(a.Type), byte(2+len(a.Attribute))), a.Attribute...)
	}
	return record{kind: k, session: session, at: at, attributes: b}
}

// maxAttributes leaves room for a header and Acct-Delay-Time.
const maxAttributes = layeh.MaxPacketLength - 20 - 6

// packet returns the request for the record. Acct-Delay-Time is that of the first transmission to a
// server: a retransmission is the same packet.
func (r *record) packet(secret []byte, now time.Time) (*layeh.Packet, error) {
	attributes, err := layeh.ParseAttributes(r.attributes)
	if err != nil {
		return nil, err
	}
	p := &layeh.Packet{Code: layeh.CodeAccountingRequest, Secret: secret, Attributes: attributes}
	rfc2866.AcctDelayTime_Set(p, rfc2866.AcctDelayTime(max(now.Sub(r.at), 0)/time.Second))
	return p, nil
}

// recordHeader is the length of an encoded record without its session and attributes.
const recordHeader = 1 + 8 + 1

var errRecord = errors.New("a record of the spool is damaged")

// appendTo encodes the record for the spool.
func (r *record) appendTo(b []byte) []byte {
	b = append(b, byte(r.kind))
	b = binary.BigEndian.AppendUint64(b, uint64(r.at.UnixNano()))
	b = append(b, byte(len(r.session)))
	b = append(b, r.session...)
	return append(b, r.attributes...)
}

// parseRecord is the inverse of appendTo.
func parseRecord(b []byte) (record, error) {
	if len(b) < recordHeader || len(b) < recordHeader+int(b[9]) || len(b) > recordHeader+255+maxAttributes {
		return record{}, errRecord
	}
	n := recordHeader + int(b[9])
	r := record{kind: kind(b[0]), at: time.Unix(0, int64(binary.BigEndian.Uint64(b[1:]))), session: string(b[recordHeader:n]), attributes: append([]byte(nil), b[n:]...)}
	if _, err := layeh.ParseAttributes(r.attributes); err != nil {
		return record{}, errRecord
	}
	return r, nil
}

// addUsage adds octets and packets, in the direction of the peer's view in RFC 2866: input is from the
// peer.
func addUsage(p *layeh.Packet, u usage) {
	rfc2866.AcctInputOctets_Set(p, rfc2866.AcctInputOctets(u.input))
	rfc2866.AcctOutputOctets_Set(p, rfc2866.AcctOutputOctets(u.output))
	rfc2869.AcctInputGigawords_Set(p, rfc2869.AcctInputGigawords(u.input>>32))
	rfc2869.AcctOutputGigawords_Set(p, rfc2869.AcctOutputGigawords(u.output>>32))
	rfc2866.AcctInputPackets_Set(p, rfc2866.AcctInputPackets(u.inputPackets))
	rfc2866.AcctOutputPackets_Set(p, rfc2866.AcctOutputPackets(u.outputPackets))
	rfc2866.AcctSessionTime_Set(p, rfc2866.AcctSessionTime(max(u.duration, 0)/time.Second))
}

// addAddresses adds what the peer has: its IPv4 address, interface identifier, and prefixes by their
// kind: a network, an address, or a delegated prefix.
func addAddresses(p *layeh.Packet, a addresses) {
	if a.ipv4.Is4() && !a.ipv4.IsUnspecified() {
		rfc2865.FramedIPAddress_Set(p, a.ipv4.AsSlice())
	}
	if a.interfaceID != [8]byte{} {
		rfc3162.FramedInterfaceID_Set(p, a.interfaceID[:])
	}
	for _, prefix := range a.prefixes {
		switch n := prefix.Bits(); {
		case n == 128:
			rfc6911.FramedIPv6Address_Add(p, prefix.Addr().AsSlice())
		case n == 64:
			rfc3162.FramedIPv6Prefix_Add(p, ipNet(prefix))
		default:
			rfc4818.DelegatedIPv6Prefix_Add(p, ipNet(prefix))
		}
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
