package shared

import (
	"errors"

	"upppoe/internal/ipv6/packet6"
)

// Reasons for which a packet is dropped. Others are those of packages packet6, radv and dhcp6.
var (
	ErrDestination = errors.New("destination address is not ours")
	ErrProtocol    = errors.New("neither ICMPv6 nor UDP follows the IPv6 header")
	ErrPort        = errors.New("UDP port is not that of a DHCPv6 server")
	ErrType        = errors.New("ICMPv6 type that is not answered")
	ErrNoSession   = errors.New("session is not up")
	ErrNoDHCPv6    = errors.New("DHCPv6 is not configured")
	ErrRate        = errors.New("rate limit of answers exceeded")
	// ErrReplyTooLarge reports a reply that is larger than the session's MTU.
	ErrReplyTooLarge = errors.New("reply is larger than the MTU")
)

// IsLinkScope reports whether an untrusted IPv6 packet is for nobody beyond its link, and must not
// be forwarded: its destination is a link-local address or a multicast group of at most link-local
// scope (RFC 4291 sections 2.5.6 and 2.7). It does not allocate.
func IsLinkScope(b []byte) bool {
	if len(b) < packet6.HeaderLen || b[0]>>4 != 6 {
		return false
	}
	return b[24] == 0xfe && b[25]&0xc0 == 0x80 || b[24] == 0xff && b[25]&0x0f <= 2
}
