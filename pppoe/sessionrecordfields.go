package pppoe

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"upppoe/internal/tlv"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Fields of a SessionRecord that identify the session. They are the same in all versions, but 1 had another
// encoding of the generation, under another number.
const (
	recordListener byte = 2 + iota
	recordVLAN
	recordStation // addresses of the peer and the concentrator, and the session ID
	recordGeneration
)

// Other fields of a SessionRecord. The numbers do not change.
const (
	recordOpen byte = 16 + iota
	recordUnit
	recordACName
	recordService
	recordRequestKey
	recordAccessLine
	recordUser
	recordDevice
	recordPPP
	recordMTU
	recordIPv4Local
	recordIPv4Remote
	recordIPv6Local
	recordIPv6Remote
	recordAssigned
	recordLeased
	recordPrefixes
	recordPolicy
	recordOwnPolicy
	recordOpened
	recordLimitsSince
	recordBaseline
)

// recordEncoding writes a SessionRecord, or reads one.
type recordEncoding struct {
	*SessionRecord
	policy   []byte // the fields of the policy, to write
	policies parsedPolicies
}

func (e *recordEncoding) appendTo(b []byte) []byte {
	return tlv.AppendVersion(b, sessionRecordVersion, func(c *tlv.Codec) {
		e.keyFields(c)
		e.stateFields(c)
	})
}

func (e *recordEncoding) keyFields(c *tlv.Codec) {
	c.OmitZero()
	tlv.Bytes(c, recordListener, &e.Listener)
	tlv.Value(c, recordVLAN, &e.vlan, func(s vlan.Stack) bool { return s.Depth() > 0 }, appendTags, parseTags)
	var station [2*len(wire.Addr{}) + 2]byte
	peer, local, id := station[:len(e.Peer)], station[len(e.Peer):2*len(e.Peer)], station[2*len(e.Peer):]
	copy(peer, e.Peer[:])
	copy(local, e.Local[:])
	binary.BigEndian.PutUint16(id, e.SessionID)
	c.Octets(recordStation, station[:])
	e.Peer, e.Local, e.SessionID = wire.Addr(peer), wire.Addr(local), binary.BigEndian.Uint16(id)
	tlv.Uint(c, recordGeneration, &e.Generation)
}

func appendTags(b []byte, s vlan.Stack) []byte { return s.Append(b, 0) }

// parseTags parses a stack of VLAN tags.
func parseTags(b []byte) (s vlan.Stack, err error) {
	err = errors.New("not VLAN tags")
	if len(b) > len(s)*vlan.TagLen || len(b)%vlan.TagLen != 0 {
		return s, err
	}
	for i := range len(b) / vlan.TagLen {
		tag := b[i*vlan.TagLen:]
		s[i] = vlan.Tag{TPID: binary.BigEndian.Uint16(tag), VID: binary.BigEndian.Uint16(tag[2:])}
		if s[i].TPID == 0 || s[i].VID > vlan.MaxVID {
			return vlan.Stack{}, err
		}
	}
	return s, nil
}

func (e *recordEncoding) stateFields(c *tlv.Codec) {
	c.OmitZero()
	if c.Bool(recordOpen, &e.Open); !e.Open {
		return
	}
	uintField(c, recordUnit, &e.Unit, MaxSlots-1)
	tlv.Bytes(c, recordACName, &e.ACName)
	tlv.Bytes(c, recordService, &e.Service)
	c.Octets(recordRequestKey, e.RequestKey[:])
	e.accessLine(c)
	tlv.Bytes(c, recordUser, &e.User)
	tlv.Bytes(c, recordDevice, &e.Device)
	tlv.Bytes(c, recordPPP, &e.PPP)
	e.addressing(c)
	e.policyFields(c)
	c.Time(recordOpened, &e.Opened)
	c.Time(recordLimitsSince, &e.LimitsSince)
	counterFields(c, recordBaseline, &e.Baseline)
}

// uintField is a field with a number from 0 to max.
func uintField(c *tlv.Codec, tag byte, v *int, limit uint64) {
	n := uint64(*v)
	if tlv.Uint(c, tag, &n); n > limit {
		c.Fail("field %d: %d is more than %d", tag, n, limit)
		n = 0
	}
	*v = int(n)
}

func (e *recordEncoding) addressing(c *tlv.Codec) {
	uintField(c, recordMTU, &e.MTU, maxMTU)
	c.Addr(recordIPv4Local, &e.IPv4.Local)
	c.Addr(recordIPv4Remote, &e.IPv4.Remote)
	c.Octets(recordIPv6Local, e.IPv6.Local[:])
	c.Octets(recordIPv6Remote, e.IPv6.Remote[:])
	c.Addrs(recordAssigned, &e.Assigned)
	c.Bool(recordLeased, &e.Leased)
	c.Prefixes(recordPrefixes, &e.Prefixes)
	for _, a := range append([]netip.Addr{e.IPv4.Local, e.IPv4.Remote}, e.Assigned...) {
		if a.IsValid() && !a.Is4() {
			c.Fail("%v is not an IPv4 address", a)
		}
	}
}

func (e *recordEncoding) policyFields(c *tlv.Codec) {
	if c.Optional(recordPolicy, len(e.policy) > 0) {
		c.Part(recordPolicy, "policy",
			func(b []byte) []byte { return append(b, e.policy...) },
			func(b []byte) (err error) { e.Policy, err = e.policies.parse(b); return err })
	}
	if c.Reading() {
		if e.Policy == nil {
			e.Policy = &noPolicy
		}
		e.VRF = e.Policy.VRF
	}
	c.Bool(recordOwnPolicy, &e.OwnPolicy)
}

// Fields of a wire.AccessLine in a record. The numbers do not change.
const (
	lineCircuitID byte = 1 + iota
	lineRemoteID
	lineRelaySessionID
	lineAttributes
)

func (e *recordEncoding) accessLine(c *tlv.Codec) {
	if !c.Optional(recordAccessLine, e.AccessLine != nil) {
		return
	}
	if c.Reading() {
		e.AccessLine = new(wire.AccessLine)
	}
	fields := func(c *tlv.Codec) { accessLineFields(c, e.AccessLine) }
	c.Part(recordAccessLine, "access line",
		func(b []byte) []byte { return tlv.Append(b, fields) },
		func(b []byte) error { return tlv.Parse(b, fields) })
}

func accessLineFields(c *tlv.Codec, a *wire.AccessLine) {
	c.OmitZero()
	tlv.Bytes(c, lineCircuitID, &a.CircuitID)
	tlv.Bytes(c, lineRemoteID, &a.RemoteID)
	tlv.Bytes(c, lineRelaySessionID, &a.RelaySessionID)
	var all []lineAttribute
	for k, value := range a.Attributes() {
		all = append(all, lineAttribute{k, value})
	}
	tlv.List(c, lineAttributes, &all, appendLineAttribute, parseLineAttribute)
	for _, one := range all {
		a.SetAttribute(one.kind, one.value)
	}
}

type lineAttribute struct {
	kind  wire.LineAttribute
	value uint32
}

func appendLineAttribute(b []byte, a lineAttribute) []byte {
	return binary.BigEndian.AppendUint32(append(b, byte(a.kind)), a.value)
}

func parseLineAttribute(b []byte) (a lineAttribute, err error) {
	if len(b) != 5 {
		return a, errors.New("not an attribute of an access line")
	}
	return lineAttribute{wire.LineAttribute(b[0]), binary.BigEndian.Uint32(b[1:])}, nil
}
