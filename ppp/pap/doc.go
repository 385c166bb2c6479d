// Package pap implements the Password Authentication Protocol of PPP (RFC 1334),
// for both roles: the peer, which sends name and password in clear text, and the
// authenticator. Credentials are verified by the owner of an exchange.
//
// Values of this package are not safe for concurrent use unless they say so. They
// read no clock and do no I/O.
package pap
