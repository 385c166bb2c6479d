// Package ppp holds what every protocol of the Point-to-Point Protocol
// (RFC 1661) shares: protocol numbers, control packets, configuration options,
// the option negotiation automaton, and what an authentication method is.
//
// Nothing here reads a clock, starts a goroutine, takes a lock or does I/O.
// Values are told the time and a packet, and append the packets they want sent
// to a Queue; their owner does the rest. No value is safe for concurrent use
// unless it says so.
package ppp
