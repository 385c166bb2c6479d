// Package ipcp implements the Internet Protocol Control Protocol of PPP (RFC 1332) with
// the name server options of RFC 1877, for both sides: the one that requests an address and
// the one that assigns it. It negotiates addresses; it does not configure them.
//
// Values of this package are not safe for concurrent use. They read no clock and do no
// I/O.
package ipcp
