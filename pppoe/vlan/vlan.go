// Package vlan names the VLANs of IEEE 802.1Q that a frame can belong to: one tag, or
// two (802.1ad, "QinQ"), and lists of them to be searched.
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
	CTag uint16 = 0x8100 // customer's: also the only tag there is
	STag uint16 = 0x88a8 // service provider's: the outer of two
)

const (
	// MaxVID is the highest VLAN identifier: 4095 is reserved (IEEE 802.1Q table 9-2).
	MaxVID = 4094
	// MaxDepth is how many tags a frame can have.
	MaxDepth = 2
	// TagLen is how many octets a tag adds to a frame.
	TagLen = 4
)

// Tag is one tag, without the priority that each frame has of its own. The zero value
// is no tag.
type Tag struct {
	TPID uint16 // its ethertype
	VID  uint16 // 0 to MaxVID; 0: no VLAN, the tag only has a priority
}

// Stack are the tags of a frame, the outermost first. The zero value is an untagged
// frame's. It is a value: comparable, and fit to be a map's key.
type Stack [MaxDepth]Tag

// Errors of Parse and ParseList, wrapped with the text that is meant.
var (
	ErrVID    = errors.New("a VLAN identifier is a number from 0 to 4094 (4095 is reserved; 0 is a priority tag)")
	ErrTPID   = errors.New("a tag's ethertype is 0x0600 to 0xffff, like 0x8100 or 0x88a8, and none of PPPoE's")
	ErrDepth  = errors.New("a frame has two VLAN tags at most: OUTER.INNER")
	ErrEmpty  = errors.New("no VLAN given: write one like 50, or OUTER.INNER like 50.100")
	ErrRange  = errors.New("a range is LOW-HIGH, like 1-4094")
	ErrTooBig = fmt.Errorf("more than %d VLANs", MaxList)
)

// Parse reads tags, the outermost first, parted by a dot: "50", "50.100". Each may have
// its ethertype, in hexadecimal, in front of it: "0x88a8:50", "0x8100:50.0x8100:100".
// Without, a tag that is alone, or within another, is a CTag, and one about another
// an STag. The error names the text that is wrong.
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

// Tags are the tags that there are.
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

// isDefault reports whether all ethertypes are those that need not be written.
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

// Append appends the tags as they stand in a frame behind its addresses, each with the
// same priority code point, 0 to 7 (IEEE 802.1Q section 9.6).
func (s Stack) Append(b []byte, priority uint8) []byte {
	for _, t := range s.Tags() {
		b = binary.BigEndian.AppendUint16(b, t.TPID)
		b = binary.BigEndian.AppendUint16(b, uint16(priority)<<13|t.VID)
	}
	return b
}

// addressesLen are the octets of a frame in front of its tags.
const addressesLen = 12

// Insert returns a copy of a frame, which begins with its destination address, with the
// tags in front of those that it may have, all with that priority.
func (s Stack) Insert(frame []byte, priority uint8) []byte {
	at := min(addressesLen, len(frame))
	tagged := append(make([]byte, 0, len(frame)+len(s)*TagLen), frame[:at]...)
	return append(s.Append(tagged, priority), frame[at:]...)
}

// Split parts a frame, which begins with its destination address, into its tags and
// its ethertype. Ethertypes of tags are those of the standard, and the three of
// equipment from before it. It says no to a frame that is cut short, or has more tags
// than a stack holds.
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

// Strip takes the tags off a frame, in its own memory. It says no where Split does.
func Strip(frame []byte) (s Stack, rest []byte, ok bool) {
	s, _, ok = Split(frame)
	if !ok {
		return s, nil, false
	}
	n := s.Depth() * TagLen
	copy(frame[n:], frame[:addressesLen])
	return s, frame[n:], true
}

// TPIDs are the ethertypes that Split takes for a tag's.
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
