// Package ebpf is the PPPoE data path inside the kernel (RFC 2516 section 6): eBPF programs,
// assembled here instruction by instruction, that remove and add the PPPoE header between Ethernet
// interfaces and the TUN devices of sessions. It negotiates nothing and owns no session: package
// datapath decides which sessions it carries.
//
// From the wire, a frame enters at TC ingress of an Ethernet interface (program receive, or
// receiveXDP before it) and is redirected to the TUN of its session. GRO coalesces packets after
// receiveXDP, but before receive it finds PPPoE, which it does not know: under load, receive sends
// long TCP packets through the coalescing device pair, where they are coalesced. To the wire, a packet enters
// at TC egress of the TUN (program transmit), before it would reach the program that reads the TUN,
// and is redirected to the Ethernet interface. A GSO packet is redirected to the segmentation
// device pair instead, which segments it so that each segment gets a LENGTH of its own. The pairs
// exist only under load; without the latter GSO packets are left to user space.
//
// One Engine holds the maps of a process. A session has a slot there: its value, counters and token
// buckets. Frames are found by peer, session ID and tags; packets to the peer by the TUN or, if
// sessions share it (program transmitShared), by the longest prefix of the destination. The longest
// prefix of the source must be the session's, too (BCP 38). A shared TUN serves sessions of all
// Ethernet interfaces, and a session of it is added and removed by writing to maps.
//
// Of packets of open address families these are left to user space, which can handle everything:
// TCP segments with SYN (whose MSS may have to be clamped), IPv6 extension headers, packets whose
// lengths disagree, GSO packets that are long for a token bucket, and on a shared TUN packets that
// must not leave the link, that are longer than the session's MTU, or that are for no session. So
// are control frames and frames of unknown sessions. Package test/stages has the table. Both take
// tokens from the same buckets.
//
// Packets that are carried here are not visible everywhere. The counters of the TUN do not include
// them; those of Link do. On the TUN, tcpdump sees received packets but not sent ones; on the
// Ethernet interface it sees PPPoE frames with TC, and IP packets with XDP. Queueing disciplines
// and filters at the egress of the TUN would be bypassed: where there are any, user space sends.
//
// A GSO packet gets one PPPoE header, which is repeated on each segment, so the LENGTH of a shorter
// last segment would be wrong. If all segments have the same length and the kernel segments for the
// Ethernet interface (software GSO), the packet is sent to that interface directly. All others pass
// the segmentation device pair, and become complete frames that any network card can send.
//
// It needs Linux 6.1 and CAP_BPF with CAP_NET_ADMIN; after Open, only CAP_NET_ADMIN; for the
// segmentation device pair, TAP and macvlan devices; for the coalescing one, veth. Without pins,
// everything that is attached or created goes away with the process, however that ends, except the
// coalescing device pair: after a kill it stays, without a program, until the next process removes it.
// Before Linux 6.6, which added TCX, a killed process leaves a filter behind that has no effect
// (filter_linux.go). Offload settings of an exclusive interface stay changed after a kill until Restore
// undoes them.
//
// With Config.Pin maps, programs and device pairs stay, and packets pass while no process runs: sources
// are checked, rates limited and octets counted as before. What is left to user space is lost then: of
// packets the SYN segments, so that no TCP connection begins, IPv6 packets with extension headers, GSO
// packets that are long for a token bucket, and errors for packets that are too long; and all control
// frames. The next process opens the maps and replaces the programs, in place, by its own. Sessions that
// it adds again are as they were; Sweep removes the others. A process of another layout (pinLayout), or
// with another maximum number of sessions, begins anew. TUN devices stay if they have an owner
// (tun.Config): without a process they have no carrier, which does not matter to packets that the
// programs redirect, nor to routes, unless net.ipv4.conf.*.ignore_routes_with_linkdown or that of IPv6
// is set. Pins need TCX: a filter of clsact ends with its process.
//
// SetDeadline fences all of that: from a time on the programs drop the packets of sessions, whether a
// process runs or not. An EgressFence does so for frames that user space sends.
package ebpf
