// Package dhcp6 implements DHCPv6 (RFC 8415) between the two ends of a point-to-point link: a
// Client that obtains, renews and releases an address (IA_NA) and a delegated prefix (IA_PD), and a
// Server that assigns at most one of each. It has no sockets and no timers: messages and the time
// are arguments.
//
// Client and Server are not safe for concurrent use. The caller sends the client's messages to
// AllRelayAgentsAndServers (ff02::1:2) and the server's to the client's address.
package dhcp6
