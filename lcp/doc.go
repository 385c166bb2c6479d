// Package lcp implements the Link Control Protocol of PPP (RFC 1661 sections 5 and 6,
// RFC 1570) as PPP over Ethernet restricts it (RFC 2516 section 7): options, echo, loop
// detection and Protocol-Reject. It negotiates authentication methods, but does not
// authenticate: that is in packages chap, ppp/pap and ppp/eap.
//
// Values of this package are not safe for concurrent use. They read no clock and do no
// I/O.
package lcp
