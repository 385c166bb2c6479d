// Package vlan has the VLAN tags of frames (IEEE 802.1Q): a stack of one tag, or of two (802.1ad,
// "QinQ"). It parses and formats stacks and lists of stacks, and inserts tags into frames and
// removes them. It opens no devices.
package vlan

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Ethertypes of tags (IEEE 802.1Q table 9-1).
const (
	CTag uint16 = 0x8100 // C-VLAN tag: the only tag, or the inner one
	STag uint16 = 0x88a8 // S-VLAN tag: the outer one of two
)

const (
	// MaxVID is the highest VLAN identifier: 4095 is reserved (IEEE 802.1Q table 9-2).
	MaxVID = 4094
	// MaxDepth is the maximum number of tags in a frame.
	MaxDepth = 2
	// TagLen is the length of a tag, in octets.
	TagLen = 4
)

// Tag is a VLAN tag without its priority, which may differ from frame to frame. The zero value is
// no tag.
type Tag struct {
	TPID uint16 // ethertype of the tag
	VID  uint16 // VLAN identifier, 0 to MaxVID; 0: a priority tag, which belongs to no VLAN
}

// Stack is the tags of a frame, the outermost first. The zero value is that of an untagged frame.
// It is comparable, and can be a map key.
type Stack [MaxDepth]Tag

// Errors of Parse and ParseList, wrapped together with the invalid text.
var (
	ErrVID    = errors.New("a VLAN identifier is a number from 0 to 4094 (4095 is reserved; 0 is a priority tag)")
	ErrTPID   = errors.New("a tag's ethertype is 0x0600 to 0xffff, like 0x8100 or 0x88a8, and none of PPPoE's")
	ErrDepth  = errors.New("a frame has two VLAN tags at most: OUTER.INNER")
	ErrEmpty  = errors.New("no VLAN given: write one like 50, or OUTER.INNER like 50.100")
	ErrRange  = errors.New("a range is LOW-HIGH, like 1-4094")
	ErrTooBig = fmt.Errorf("more than %d VLANs", MaxList)
)

// Parse parses tags, the outermost first, separated by a dot: "50", "50.100". Each may be preceded
// by its ethertype in hexadecimal: "0x88a8:50", "0x8100:50.0x8100:100". The default ethertype is
// CTag for the only or inner tag, and STag for the outer one. The error wraps one of the errors
// above and quotes the invalid text.
func Parse(text string) (Stack, error) {
	p, err := parsePattern(text)
	if err != nil {
		return Stack{}, err
	}
	for _, r := range p {
		if r.low != r.high {
			return Stack{}, fmt.Errorf("VLAN %q: %w", text, ErrVID)
		}
	}
	return p.first(), nil
}

// Depth is the number of tags.
func (s Stack) Depth() int {
	for i, t := range s {
		if t.TPID == 0 {
			return i
		}
	}
	return len(s)
}

// WithoutPriorityTag returns the stack that identifies the VLAN of a frame: an only tag with VLAN
// identifier 0 carries a priority and belongs to no VLAN (IEEE 802.1Q section 6.9.1).
func (s Stack) WithoutPriorityTag() Stack {
	if s.Depth() == 1 && s[0].VID == 0 {
		return Stack{}
	}
	return s
}

// Tags returns the tags. The result aliases the stack.
func (s *Stack) Tags() []Tag { return s[:s.Depth()] }

// String is the stack as Parse reads it; "untagged" if it is empty.
func (s Stack) String() string {
	if s.Depth() == 0 {
		return untagged
	}
	var b strings.Builder
	usual := s.isDefault()
	for i, t := range s.Tags() {
		if i > 0 {
			b.WriteByte('.')
		}
		if !usual {
			fmt.Fprintf(&b, "%#04x:", t.TPID)
		}
		b.WriteString(strconv.Itoa(int(t.VID)))
	}
	return b.String()
}

// isDefault reports whether all ethertypes are the defaults of Parse.
func (s Stack) isDefault() bool {
	n := s.Depth()
	for i, t := range s.Tags() {
		if t.TPID != defaultTPID(i, n) {
			return false
		}
	}
	return true
}

func defaultTPID(i, depth int) uint16 {
	if i < depth-1 {
		return STag
	}
	return CTag
}

// Append appends the tags as they are encoded after a frame's addresses, all with the same priority
// code point, 0 to 7 (IEEE 802.1Q section 9.6).
func (s Stack) Append(b []byte, priority uint8) []byte {
	for _, t := range s.Tags() {
		b = binary.BigEndian.AppendUint16(b, t.TPID)
		b = binary.BigEndian.AppendUint16(b, uint16(priority)<<13|t.VID)
	}
	return b
}

// addressesLen is the length of a frame's addresses, which precede its tags, in octets.
const addressesLen = 12

// Insert returns a copy of a frame, which begins with its destination address, with the tags
// inserted before any that it has, all with the same priority code point.
func (s Stack) Insert(frame []byte, priority uint8) []byte {
	at := min(addressesLen, len(frame))
	tagged := append(make([]byte, 0, len(frame)+len(s)*TagLen), frame[:at]...)
	return append(s.Append(tagged, priority), frame[at:]...)
}

// Split returns the tags and the ethertype of a frame, which begins with its destination address.
// It recognizes the ethertypes in TPIDs. It returns false for a frame that is truncated, or has
// more than MaxDepth tags.
func Split(frame []byte) (s Stack, etherType uint16, ok bool) {
	for i := 0; ; i++ {
		at := addressesLen + i*TagLen
		if len(frame) < at+2 {
			return Stack{}, 0, false
		}
		etherType = binary.BigEndian.Uint16(frame[at:])
		if !IsTPID(etherType) {
			return s, etherType, true
		}
		if i == len(s) || len(frame) < at+TagLen {
			return Stack{}, 0, false
		}
		s[i] = Tag{etherType, binary.BigEndian.Uint16(frame[at+2:]) & 0xfff}
	}
}

// Strip removes the tags of a frame in place: rest aliases frame. It returns false where Split
// does.
func Strip(frame []byte) (s Stack, rest []byte, ok bool) {
	s, _, ok = Split(frame)
	if !ok {
		return s, nil, false
	}
	n := s.Depth() * TagLen
	copy(frame[n:], frame[:addressesLen])
	return s, frame[n:], true
}

// TPIDs are the ethertypes of tags that Split recognizes: those of the standard, and three that
// predate it.
var TPIDs = []uint16{CTag, STag, 0x9100, 0x9200, 0x9300}

// IsTPID reports whether an ethertype is one of TPIDs.
func IsTPID(etherType uint16) bool {
	for _, t := range TPIDs {
		if t == etherType {
			return true
		}
	}
	return false
}
