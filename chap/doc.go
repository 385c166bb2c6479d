// Package chap is the Challenge-Handshake Authentication Protocol of PPP
// (RFC 1994), with MD5 and with MS-CHAPv2 (RFC 2759), for both roles: the
// examiner, who challenges, and the peer, who answers.
//
// Values of this package are not safe for concurrent use unless they say so,
// read no clock and do no I/O.
package chap
