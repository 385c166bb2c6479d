// Package dhcp6 is DHCPv6 (RFC 8415) between the two ends of a point-to-point link: a
// Client that gets an address and a delegated prefix, keeps them, and gives them back;
// and a Server that has at most one of each to give.
//
// Both are plain values that are told messages and the time; neither has a socket or a
// timer. They are not safe for concurrent use. Client and server both send to
// ff02::1:2 or to the other's link-local address; which is the caller's.
package dhcp6
