package wire

import (
	"encoding/binary"
	"errors"
	"iter"

	"upppoe/pppoe/vlan"
)

// HeaderLen is the length of the PPPoE header: VER and TYPE, CODE, SESSION_ID,
// LENGTH (RFC 2516 section 4).
const HeaderLen = 6

// verType is VER 1 and TYPE 1, the only values defined.
const verType = 0x11

// Errors of ParseDiscovery and ParseSession: such packets are dropped.
var (
	ErrShort     = errors.New("wire: packet shorter than its header")
	ErrVersion   = errors.New("wire: VER and TYPE are not 1")
	ErrLength    = errors.New("wire: LENGTH reaches beyond the frame")
	ErrTag       = errors.New("wire: tag reaches beyond the packet")
	ErrEndOfList = errors.New("wire: End-Of-List tag has a length")
	ErrRepeated  = errors.New("wire: tag that may appear only once is repeated")
	ErrCode      = errors.New("wire: CODE is not valid under this ethertype")
)

// Discovery is a discovery packet, without the Ethernet header.
type Discovery struct {
	Code      Code
	SessionID uint16
	Tags      Tags
}

// parseHeader returns the fields of a header and the payload of LENGTH octets. Octets beyond are
// padding.
func parseHeader(b []byte) (code Code, id uint16, payload []byte, err error) {
	switch {
	case len(b) < HeaderLen:
		return 0, 0, nil, ErrShort
	case b[0] != verType:
		return 0, 0, nil, ErrVersion
	}
	n := HeaderLen + int(binary.BigEndian.Uint16(b[4:]))
	if n > len(b) {
		return 0, 0, nil, ErrLength
	}
	return Code(b[1]), binary.BigEndian.Uint16(b[2:]), b[HeaderLen:n:n], nil
}

// ParseDiscovery parses a discovery packet. Its tags alias b.
func ParseDiscovery(b []byte) (Discovery, error) {
	code, id, payload, err := parseHeader(b)
	if err != nil {
		return Discovery{}, err
	}
	if code == CodeSession {
		return Discovery{}, ErrCode
	}
	tags, err := ParseTags(payload)
	return Discovery{code, id, tags}, err
}

// AppendTo appends the packet. Tags must not exceed 65,535 octets, the limit of LENGTH, which
// Tags.Append enforces.
func (d Discovery) AppendTo(b []byte) []byte {
	b = appendHeader(b, d.Code, d.SessionID, len(d.Tags))
	return append(b, d.Tags...)
}

func appendHeader(b []byte, code Code, id uint16, length int) []byte {
	b = append(b, verType, byte(code))
	b = binary.BigEndian.AppendUint16(b, id)
	return binary.BigEndian.AppendUint16(b, uint16(length))
}

// ParseSession parses a session packet: its SESSION_ID, and the PPP frame from its Protocol field
// on, without padding. The frame aliases b.
func ParseSession(b []byte) (id uint16, frame []byte, err error) {
	code, id, frame, err := parseHeader(b)
	if err == nil && code != CodeSession {
		err = ErrCode
	}
	return id, frame, err
}

// AppendSessionFrame appends a whole Ethernet frame that carries a PPP frame.
func AppendSessionFrame(b []byte, dst, src Addr, id uint16, frame []byte) []byte {
	return AppendTaggedSession(b, dst, src, vlan.Stack{}, id, frame)
}

// AppendTaggedSession is AppendSessionFrame with VLAN tags, without priority.
func AppendTaggedSession(b []byte, dst, src Addr, tags vlan.Stack, id uint16, frame []byte) []byte {
	b = appendEthernet(b, dst, src, tags, EtherTypeSession)
	b = appendHeader(b, CodeSession, id, len(frame))
	return append(b, frame...)
}

// Tag is one tag of a discovery packet (RFC 2516 section 5).
type Tag struct {
	Type  TagType
	Value []byte
}

// Tags is a list of tags as encoded in a packet. Build it with ParseTags or Append only: All relies
// on its lengths.
type Tags []byte

const tagHeader = 4

// ParseTags checks a list of tags. The result aliases b.
func ParseTags(b []byte) (Tags, error) {
	var seen [5]TagType
	held := 0
	for rest := b; len(rest) > 0; {
		if len(rest) < tagHeader {
			return nil, ErrTag
		}
		typ, n := TagType(binary.BigEndian.Uint16(rest)), int(binary.BigEndian.Uint16(rest[2:]))
		if tagHeader+n > len(rest) {
			return nil, ErrTag
		}
		if typ == TagEndOfList {
			if n != 0 {
				return nil, ErrEndOfList
			}
			break // the rest is ignored (RFC 2516 appendix A)
		}
		if typ.single() {
			for _, t := range seen[:held] {
				if t == typ {
					return nil, ErrRepeated
				}
			}
			seen[held] = typ
			held++
		}
		rest = rest[tagHeader+n:]
	}
	return Tags(b), nil
}

// All yields the tags in order, up to an End-Of-List. Their values alias the list.
func (l Tags) All() iter.Seq[Tag] {
	return func(yield func(Tag) bool) {
		for b := []byte(l); len(b) > 0; {
			t := TagType(binary.BigEndian.Uint16(b))
			n := tagHeader + int(binary.BigEndian.Uint16(b[2:]))
			if t == TagEndOfList || !yield(Tag{t, b[tagHeader:n:n]}) {
				return
			}
			b = b[n:]
		}
	}
}

// Find returns the value of the first tag of a type.
func (l Tags) Find(typ TagType) (value []byte, ok bool) {
	for t := range l.All() {
		if t.Type == typ {
			return t.Value, true
		}
	}
	return nil, false
}

// Append appends a tag, unless the list would exceed LENGTH.
func (l Tags) Append(typ TagType, value []byte) Tags {
	if len(l)+tagHeader+len(value) > 0xffff {
		return l
	}
	l = binary.BigEndian.AppendUint16(l, uint16(typ))
	l = binary.BigEndian.AppendUint16(l, uint16(len(value)))
	return append(l, value...)
}

// Echo appends the first tag of each type that another packet has, octet for octet (RFC 2516
// appendix A: Host-Uniq, AC-Cookie, Relay-Session-Id).
func (l Tags) Echo(from Tags, types ...TagType) Tags {
	for _, typ := range types {
		if value, ok := from.Find(typ); ok {
			l = l.Append(typ, value)
		}
	}
	return l
}

// Error is an error tag.
type Error struct {
	Tag  TagType
	Text string // untrusted: escape it before printing
}

// FindError returns the first error tag.
func (l Tags) FindError() (Error, bool) {
	for t := range l.All() {
		if t.Type.IsError() {
			return Error{t.Type, string(t.Value)}, true
		}
	}
	return Error{}, false
}

// MaxPayload returns the value of PPP-Max-Payload, in octets (RFC 4638 section 4); 0: there is
// none, or its length is wrong.
func (l Tags) MaxPayload() int {
	v, _ := l.Find(TagMaxPayload)
	if len(v) != 2 {
		return 0
	}
	return int(binary.BigEndian.Uint16(v))
}
