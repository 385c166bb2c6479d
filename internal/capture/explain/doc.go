// Package explain explains the PPPoE sessions of a capture (RFC 2516, RFC 1661): who took part, each
// packet in words, what was agreed, and what went wrong first, with the section of the RFC and what to do.
// It renders text and JSON; package ladderpage draws a page. Memory is bounded whatever is captured.
package explain
