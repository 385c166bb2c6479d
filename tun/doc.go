// Package tun moves IP packets between the program and the host's network stack:
// what a Device is, the plain device, which reads and writes one packet at a
// time through github.com/songgao/water, and the checksums that a sender on this
// very machine may have left open.
package tun
