// Package session implements one PPP session (RFC 1661 section 3): it moves the link
// through its phases, passes every packet to the protocol that it belongs to, and
// reports which layers are up. It does not carry IP packets, and knows nothing of PPPoE.
//
// A Session is not safe for concurrent use. It starts no goroutine, reads no clock and
// does no I/O. Its owner passes packets, authentication results and the time to it,
// and then handles its Output in order: it sends the frames and handles the events.
package session
