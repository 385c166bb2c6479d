// Package ipv6cp implements the IPv6 Control Protocol of PPP (RFC 5072): it negotiates the
// interface identifiers of both sides, from which their link-local addresses are formed. It
// does not assign global addresses (RFC 5072 section 5).
//
// Values of this package are not safe for concurrent use. They read no clock and do no
// I/O.
package ipv6cp

// Option types (RFC 5072 section 4).
const (
	OptInterfaceID = 1 // Interface-Identifier, eight octets
	OptCompression = 2 // IPv6-Compression-Protocol
)
