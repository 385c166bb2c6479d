// Package tun moves IP packets between the program and the host's network stack:
// what a Device is; the plain device, which reads and writes one packet at a
// time through github.com/songgao/water; the offloading device, which moves whole
// sequences of TCP segments and UDP datagrams in one go (GSO packets, with the
// virtio-net header of Virtual I/O Device 1.2 section 5.1.6); how those are cut
// (Segments) and joined (Merger); and the checksums that a sender on this very
// machine may have left open.
package tun
