// Package session is one PPP session (RFC 1661 section 3): it moves a link
// through its phases, hands every packet to the protocol that it belongs to, and
// tells what is up.
//
// A Session is not safe for concurrent use, starts no goroutine, reads no clock
// and does no I/O. Its owner tells it packets, decisions and the time, and does
// what comes out: it sends the frames and heeds the events, in order.
package session
