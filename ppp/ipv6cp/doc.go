// Package ipv6cp is the IPv6 Control Protocol of PPP (RFC 5072): it agrees on
// the two interface identifiers that make the link's link-local addresses.
// Global addresses are not its business (RFC 5072 section 5).
//
// Values of this package are not safe for concurrent use, read no clock and do
// no I/O.
package ipv6cp

// Option types (RFC 5072 section 4).
const (
	OptInterfaceID = 1 // Interface-Identifier, eight octets
	OptCompression = 2 // IPv6-Compression-Protocol
)
