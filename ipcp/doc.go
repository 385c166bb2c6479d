// Package ipcp is the Internet Protocol Control Protocol of PPP (RFC 1332) with
// the name server options of RFC 1877: the side that asks for an address and
// the side that assigns one, which are the same code with other wishes.
//
// Values of this package are not safe for concurrent use, read no clock and do
// no I/O.
package ipcp
