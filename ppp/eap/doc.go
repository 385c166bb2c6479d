// Package eap implements the Extensible Authentication Protocol (RFC 3748) on PPP with
// the one method that every implementation must have, MD5-Challenge, for both roles:
// the authenticator and the peer. It does not carry other methods, and does not pass
// EAP packets through to a server.
//
// Values of this package are not safe for concurrent use unless they say so. They
// read no clock and do no I/O.
package eap
