// Package ppp contains what the protocols of the Point-to-Point Protocol (RFC 1661)
// share: protocol numbers, control packets, configuration options, the option
// negotiation automaton, and the interfaces of authentication methods. The protocols
// themselves are in packages of their own, such as lcp, ipcp and chap; a whole session is
// in ppp/session.
//
// Nothing here reads a clock, starts a goroutine, takes a lock or does I/O. Values
// receive the time and packets as arguments, and append the packets to be sent to a
// Queue; their owner does the rest. No value is safe for concurrent use unless its
// documentation says so.
package ppp
