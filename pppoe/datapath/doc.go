// Package datapath carries the IP packets of open sessions between Ethernet ports and network
// devices. It enforces what a session is granted (rates, source addresses), clamps the MSS of TCP
// and counts packets. It does not negotiate: packets that are not IP go to its caller.
//
// There are two engines in user space: the plain engine moves one packet at a time, the GSO engine
// moves GSO packets and batches. A session has a network device of its own, or is one of many on a
// SharedDevice, which finds it by the longest prefix of an inner address. An Offload, such as the
// kernel's (package pppoe/linux), may carry sessions in addition to the engines. The tests of package
// test/stages say what becomes of each kind of packet in each stage.
//
// Sources: RFC 2516 section 4, RFC 1661 section 2, BCP 38 (source filter), RFC 9293 section 3.7.1
// and RFC 6691 (MSS), RFC 1812 section 4.3, RFC 1191 and RFC 4443 (ICMP errors), RFC 791 section 3.2
// (fragments).
package datapath
