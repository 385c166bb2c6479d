// Package tun exchanges IP packets with the host's network stack through TUN devices. Plain reads
// and writes one packet at a time (github.com/songgao/water). GSO moves GSO packets: whole
// sequences of TCP segments or UDP datagrams in one call, with the virtio-net header of Virtual I/O
// Device 1.2 section 5.1.6. A Segmenter segments them, a Coalescer coalesces segments into them, and
// CompleteChecksum completes checksums that a sender on this machine has left to hardware. It
// configures no addresses or routes.
package tun
