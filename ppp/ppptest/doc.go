// Package ppptest tests control protocols (RFC 1661): it connects two ends by a link in
// memory and in virtual time, which may lose, duplicate and delay frames, and runs
// transcripts on it: commands, each followed by its effects in pppd's words. It also has
// helpers for authentication exchanges (ppp.AuthExchange).
//
// It is for tests only. Nothing in it is safe for concurrent use.
package ppptest
