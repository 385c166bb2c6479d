// Package pap is the Password Authentication Protocol of PPP (RFC 1334), for
// both roles: the peer, who sends name and password in the clear, and the
// authenticator, who has them judged.
//
// Values of this package are not safe for concurrent use unless they say so,
// read no clock and do no I/O.
package pap
