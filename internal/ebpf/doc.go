// Package ebpf is PPPoE's data path inside the kernel (RFC 2516 section 6): eBPF
// programs, assembled here instruction by instruction, that take the PPPoE header off and
// put it on between an Ethernet interface and the TUN devices of sessions.
//
// A packet's way from the wire: TC ingress of the Ethernet interface (program receive, or
// receiveXDP before it), and from there onto the session's TUN. To the wire: TC egress of
// the TUN (program transmit), which runs before the packet would go to the program that
// holds the TUN; from there to the Ethernet interface, or, if it is yet to be cut into
// segments, through the detour: a pair of devices that cuts it, so that each segment gets a
// LENGTH of its own. The detour is there under load; else such packets are left.
//
// Only packets of open families go that way. Whatever else there is, or is in doubt, is
// left to user space, where all of it can be done: control frames, frames of strangers, TCP
// segments with SYN (their MSS may have to be lowered), IPv6 extension headers, packets
// whose lengths disagree.
//
// What is moved here is not to be seen everywhere. The TUN's own counters do not count
// it: a Line's do. On the TUN, tcpdump sees what comes in, and not what leaves; on the Ethernet
// interface it sees PPPoE's frames with TC, and IP packets with XDP. Queueing disciplines and
// filters at the TUN's egress would see nothing: where there are such, user space sends.
//
// A packet that the kernel has yet to cut into segments (GSO) gets one header, which is
// repeated on each; so the LENGTH of a shorter last one would be wrong. If all are of one length,
// and the Ethernet interface has the kernel cut them, such a packet goes there as it is. All
// others take the detour, and end up as whole frames that any network card can send.
//
// It needs Linux 6.1 and CAP_BPF with CAP_NET_ADMIN; after Open, CAP_NET_ADMIN; for the
// detour, TAP and macvlan devices. All that is attached or made goes when the process does,
// however that ends. Before Linux 6.6, where there is no TCX, a killed process leaves a
// filter, which does nothing any more (filter_linux.go). Features of an interface that serves
// PPPoE alone it leaves as it has switched them.
package ebpf
