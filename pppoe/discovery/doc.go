// Package discovery implements the Discovery stage of PPPoE (RFC 2516 section 5) for both sides:
// Client finds an access concentrator and requests a session, Concentrator offers and confirms
// sessions, with stateless AC-Cookies.
//
// Both are state machines: they are given packets and the time, and append packets to a wire.Queue.
// They do no I/O, start no goroutine and are not safe for concurrent use; package pppoe drives
// them. Session frames and PPP are not part of it.
package discovery
