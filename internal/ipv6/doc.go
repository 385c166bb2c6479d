// Package ipv6 is the client side of IPv6 on a PPP session: addresses and default routers from
// router advertisements (RFC 4861, RFC 4862), an address and a delegated prefix by DHCPv6 (RFC
// 8415), router advertisements on LANs (RFC 7084, RFC 9096), and the addresses and routes of this
// machine that follow from them. IPv6CP itself is in package ppp/ipv6cp, the server side in package
// server.
//
// IPv6CP negotiates link-local addresses only (RFC 5072), and the kernel configures nothing else on
// such a device.
package ipv6
