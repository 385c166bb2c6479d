package vlan

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxList is the maximum number of stacks that ParseList returns.
const MaxList = 1 << 16

// untagged is ParseList's and String's name for a frame without tags.
const untagged = "untagged"

// ParseList parses a list of stacks, separated by commas, each as for Parse, but with ranges of
// VLAN identifiers: "1-4094", "50.1-4094", "10-12.100-200", "untagged,1-100". Duplicates are
// removed; the order is that of the list. The error wraps one of the errors above and quotes the
// invalid text.
func ParseList(text string) (list []Stack, err error) {
	seen := make(map[Stack]bool)
	for _, item := range strings.Split(text, ",") {
		p, err := parseItem(item)
		if err != nil {
			return nil, err
		}
		if p.size() > MaxList {
			return nil, fmt.Errorf("VLAN %q: %w", item, ErrTooBig)
		}
		p.each(func(s Stack) {
			if !seen[s] {
				seen[s] = true
				list = append(list, s)
			}
		})
		if len(list) > MaxList {
			return nil, fmt.Errorf("VLAN %q: %w", text, ErrTooBig)
		}
	}
	return list, nil
}

// pattern is a stack with a range for each tag; an empty one stands for an untagged frame.
type pattern []tagRange

type tagRange struct{ tpid, low, high uint16 }

func parsePattern(text string) (pattern, error) {
	if text == "" {
		return nil, ErrEmpty
	}
	parts := strings.Split(text, ".")
	if len(parts) > MaxDepth {
		return nil, fmt.Errorf("VLAN %q: %w", text, ErrDepth)
	}
	p := make(pattern, len(parts))
	for i, part := range parts {
		var err error
		if p[i], err = parseRange(part, defaultTPID(i, len(parts))); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func parseRange(text string, usual uint16) (r tagRange, err error) {
	r.tpid = usual
	vids := text
	if tpid, rest, found := strings.Cut(text, ":"); found {
		vids = rest
		if r.tpid, err = parseTPID(tpid); err != nil {
			return r, err
		}
	}
	low, high, isRange := strings.Cut(vids, "-")
	if !isRange {
		high = low
	}
	var valid [2]bool
	r.low, valid[0] = parseVID(low)
	r.high, valid[1] = parseVID(high)
	if valid != [2]bool{true, true} {
		return r, fmt.Errorf("VLAN %q: %w", vids, ErrVID)
	}
	if r.low > r.high {
		return r, fmt.Errorf("VLAN %q: %w", vids, ErrRange)
	}
	return r, nil
}

func parseVID(text string) (vid uint16, ok bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return uint16(n), err == nil && n <= MaxVID
}

// Smaller values are lengths, not ethertypes (IEEE 802.3 section 3.2.6).
const minEtherType = 0x0600

func parseTPID(text string) (uint16, error) {
	digits, hex := strings.CutPrefix(strings.ToLower(text), "0x")
	n, err := strconv.ParseUint(digits, 16, 16)
	if err != nil || !hex || n < minEtherType || n == 0x8863 || n == 0x8864 {
		return 0, fmt.Errorf("VLAN ethertype %q: %w", text, ErrTPID)
	}
	return uint16(n), nil
}

// first returns the stack with the lowest VLAN identifiers.
func (p pattern) first() (s Stack) {
	for i, r := range p {
		s[i] = Tag{r.tpid, r.low}
	}
	return s
}

func (p pattern) size() int {
	n := 1
	for _, r := range p {
		n *= int(r.high-r.low) + 1
	}
	return n
}

// each calls yield with the pattern's stacks; the innermost tag changes fastest.
func (p pattern) each(yield func(Stack)) { p.count(p.first(), 0, yield) }

func (p pattern) count(s Stack, at int, yield func(Stack)) {
	if at == len(p) {
		yield(s)
		return
	}
	for vid := p[at].low; vid <= p[at].high; vid++ {
		s[at].VID = vid
		p.count(s, at+1, yield)
	}
}
