// Package discovery is the Discovery stage of PPPoE (RFC 2516 section 5) for both sides: Client
// finds an access concentrator and asks it for a session, Concentrator offers and confirms
// sessions, by cookies that need no memory.
//
// Both are state machines: they are given packets and the time, and append their answers to a
// Queue. They do no I/O, start no goroutine and are not safe for concurrent use. Package pppoe
// drives them.
package discovery
