// Package datapath carries the IP packets of open sessions between Ethernet ports and network
// devices. It enforces what a session is granted (rates, source addresses), clamps the MSS of TCP
// and counts packets. It does not negotiate: packets that are not IP go to its caller.
//
// There are two engines in user space: the plain engine moves one packet at a time, the GSO engine
// moves GSO packets and batches. An Offload, such as the kernel's (package pppoe/linux), may carry
// sessions in addition to them.
//
// Sources: RFC 2516 section 4, RFC 1661 section 2, BCP 38 (source filter), RFC 9293 section 3.7.1
// and RFC 6691 (MSS).
package datapath
