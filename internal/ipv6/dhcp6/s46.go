package dhcp6

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
)

// Options within a container of softwire parameters (RFC 7598 section 4).
const (
	s46Rule       = 89
	s46BR         = 90
	s46DMR        = 91
	s46Bind       = 92
	s46PortParams = 93
)

const (
	maxRules     = 8    // per container
	maxContainer = 1024 // octets of a container that is reported in hexadecimal
	s46FlagFMR   = 0x01 // flag of a Forwarding Mapping Rule
)

// s46Rules formats the rules of a container: the rule's or binding's own parameters, then those of
// the whole container. Invalid rules are ignored.
func s46Rules(kind string, container []byte) (list []string) {
	var shared []string
	for code, value := range suboptions(container) {
		switch code {
		case s46BR:
			if a, ok := netip.AddrFromSlice(value); ok && a.Is6() {
				shared = append(shared, "br="+a.String())
			}
		case s46DMR:
			if p, _, ok := parsePrefix6(value); ok {
				shared = append(shared, "dmr="+p.String())
			}
		}
	}
	if len(shared) > maxRules {
		shared = shared[:maxRules]
	}
	for code, value := range suboptions(container) {
		var fields []string
		switch code {
		case s46Rule:
			fields = parseS46Rule(value)
		case s46Bind:
			fields = parseS46Bind(value)
		}
		if fields != nil && len(list) < maxRules {
			fields = append([]string{"type=" + kind}, append(fields, shared...)...)
			list = append(list, strings.Join(fields, ","))
		}
	}
	return list
}

// parseS46Rule parses S46_RULE (RFC 7598 section 4.1); nil: invalid.
func parseS46Rule(b []byte) (fields []string) {
	const fixed = 1 + 1 + 1 + 4
	if len(b) < fixed+1 {
		return nil
	}
	flags, eaLength, length4 := b[0], b[1], b[2]
	p6, rest, ok := parsePrefix6(b[fixed:])
	if !ok || eaLength > 48 || length4 > 32 {
		return nil
	}
	if flags&s46FlagFMR != 0 {
		fields = append(fields, "fmr")
	}
	fields = append(fields, fmt.Sprintf("ealen=%d,prefix4len=%d,prefix6len=%d,ipv4prefix=%v,ipv6prefix=%v",
		eaLength, length4, p6.Bits(), netip.PrefixFrom(netip.AddrFrom4([4]byte(b[3:fixed])), int(length4)).Masked().Addr(), p6.Addr()))
	return append(fields, parseS46PortParams(rest)...)
}

// parseS46Bind parses S46_V4V6BIND (RFC 7598 section 4.4); nil: invalid.
func parseS46Bind(b []byte) []string {
	if len(b) < 4+1 {
		return nil
	}
	p6, rest, ok := parsePrefix6(b[4:])
	if !ok {
		return nil
	}
	own := fmt.Sprintf("ipv4address=%v,prefix6len=%d,ipv6prefix=%v", netip.AddrFrom4([4]byte(b[:4])), p6.Bits(), p6.Addr())
	return append([]string{own}, parseS46PortParams(rest)...)
}

// parseS46PortParams parses an optional S46_PORTPARAMS (RFC 7598 section 4.5). The PSID is in the
// leftmost bits of its field.
func parseS46PortParams(options []byte) []string {
	for code, b := range suboptions(options) {
		if code != s46PortParams || len(b) != 4 || b[0] > 15 || b[1] > 16 {
			continue
		}
		psid := uint32(binary.BigEndian.Uint16(b[2:])) >> (16 - b[1])
		return []string{fmt.Sprintf("offset=%d,psidlen=%d,psid=%d", b[0], b[1], psid)}
	}
	return nil
}

// parsePrefix6 parses a prefix length and the octets that it needs, and returns the rest.
func parsePrefix6(b []byte) (p netip.Prefix, rest []byte, ok bool) {
	if len(b) == 0 || b[0] > 128 {
		return p, nil, false
	}
	bits := int(b[0])
	n := (bits + 7) / 8
	if len(b) < 1+n {
		return p, nil, false
	}
	var a [16]byte
	copy(a[:], b[1:1+n])
	return netip.PrefixFrom(netip.AddrFrom16(a), bits).Masked(), b[1+n:], true
}

// hexContainer returns a container in hexadecimal; empty if it is too long.
func hexContainer(b []byte) string {
	if len(b) > maxContainer {
		return ""
	}
	return hex.EncodeToString(b)
}
