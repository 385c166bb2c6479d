// Package chap implements the Challenge-Handshake Authentication Protocol of PPP
// (RFC 1994) with the algorithms MD5 and MS-CHAPv2 (RFC 2759), for both roles: the
// authenticator, which sends Challenges, and the peer, which sends Responses.
// MS-CHAPv1 (RFC 2433) is implemented for the peer only. The owner of an exchange
// looks up secrets and verifies Responses.
//
// Values of this package are not safe for concurrent use unless they say so. They
// read no clock and do no I/O.
package chap
