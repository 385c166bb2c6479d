// Package eap implements the Extensible Authentication Protocol (RFC 3748) on PPP with
// the one method that every implementation must have, MD5-Challenge, for both roles:
// the authenticator and the peer. PassThrough relays all other methods between a peer and a server (RFC
// 3579).
//
// Values of this package are not safe for concurrent use unless they say so. They
// read no clock and do no I/O.
package eap
