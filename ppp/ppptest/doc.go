// Package ppptest joins two ends of a control protocol (RFC 1661) by a line in memory and in
// virtual time, which may lose, double and delay packets, and runs transcripts on
// it: commands, each followed by all that came of it, in pppd's words. Exchanges of
// authentication (ppp.AuthExchange) are led packet by packet.
//
// It is for tests. Nothing in it is safe for concurrent use.
package ppptest
