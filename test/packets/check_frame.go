package packets

import (
	"encoding/binary"
	"errors"
	"fmt"

	"upppoe/pppoe/datapath"
)

// minFrameLen is the minimum length of an Ethernet frame, without its frame check sequence.
const minFrameLen = 60

// CheckFrame checks an untagged frame of a PPPoE session: LENGTH, the lengths in the IP header, and
// checksums. For protocols other than IP it checks LENGTH only.
func CheckFrame(frame []byte) error {
	if len(frame) < datapath.HeadersLen {
		return fmt.Errorf("a frame of %d octets is too short", len(frame))
	}
	end := 20 + int(binary.BigEndian.Uint16(frame[18:]))
	if end < datapath.HeadersLen || end > len(frame) || end < len(frame) && len(frame) > minFrameLen {
		return fmt.Errorf("LENGTH is %d in a frame of %d octets", end-20, len(frame))
	}
	switch packet := frame[datapath.HeadersLen:end]; binary.BigEndian.Uint16(frame[20:]) {
	case 0x21:
		return checkIPv4(packet)
	case 0x57:
		return checkIPv6(packet)
	}
	return nil
}

func checkIPv4(p []byte) error {
	if len(p) < 20 || len(p) < int(p[0]&15)*4 {
		return fmt.Errorf("IPv4 in %d octets", len(p))
	}
	header := int(p[0]&15) * 4
	if total := int(binary.BigEndian.Uint16(p[2:])); total != len(p) {
		return fmt.Errorf("IPv4's length is %d, not %d", total, len(p))
	}
	if Sum(0, p[:header]) != 0xffff {
		return errors.New("IPv4 header checksum")
	}
	if binary.BigEndian.Uint16(p[6:])&0x3fff != 0 {
		return nil // a fragment has no complete transport checksum
	}
	return checkTransport(p[9], p[12:20], p[header:])
}

func checkIPv6(p []byte) error {
	if len(p) < 40 {
		return fmt.Errorf("IPv6 in %d octets", len(p))
	}
	if payload := int(binary.BigEndian.Uint16(p[4:])); payload != len(p)-40 {
		return fmt.Errorf("IPv6's length is %d, not %d", payload, len(p)-40)
	}
	return checkTransport(p[6], p[8:40], p[40:])
}

func checkTransport(protocol byte, pseudo, b []byte) error {
	start := uint32(protocol) + uint32(len(b))
	switch {
	case protocol == 1:
		start, pseudo = 0, nil // no pseudo-header in ICMP
	case protocol != 6 && protocol != 17 && protocol != 58:
		return nil
	case protocol == 17 && len(pseudo) == 8 && len(b) > 7 && binary.BigEndian.Uint16(b[6:]) == 0:
		return nil // no checksum (RFC 768)
	}
	if Sum(uint32(Sum(start, pseudo)), b) != 0xffff {
		return fmt.Errorf("checksum of protocol %d", protocol)
	}
	return nil
}

// Sum returns the ones' complement sum of the Internet checksum (RFC 1071), not inverted.
func Sum(start uint32, b []byte) uint16 {
	total := uint64(start)
	for ; len(b) > 1; b = b[2:] {
		total += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		total += uint64(b[0]) << 8
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}
