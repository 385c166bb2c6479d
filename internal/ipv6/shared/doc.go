// Package shared is the server side of IPv6 on PPP sessions that share one network device: router
// advertisements (RFC 4861), an address and a delegated prefix by DHCPv6 (RFC 8415), and answers to
// what a session's peer sends to the router's link-local address (RFC 4861 section 7.2.4, RFC 4443
// section 4.2). One Service serves all sessions without a socket, a goroutine or a timer for
// each. Package ipv6/server does the same for sessions with devices of their own, where the kernel
// is the link-local neighbor.
//
// The data path passes to Service.Receive the packets for which IsLinkScope returns true, and sends
// what the Service sends. All packets are IPv6 packets, from their header on.
package shared
