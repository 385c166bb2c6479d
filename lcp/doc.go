// Package lcp is the Link Control Protocol of PPP (RFC 1661 sections 5 and 6,
// RFC 1570) as PPP over Ethernet narrows it (RFC 2516 section 7): the options,
// echo and loop detection, and the rejection of what a link does not speak.
//
// Values of this package are not safe for concurrent use, read no clock and do
// no I/O.
package lcp
