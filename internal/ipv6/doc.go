// Package ipv6 is IPv6 on a line whose PPP session is up, for its client: addresses and
// routers from router advertisements, an address and a delegated prefix by DHCPv6, and
// what follows from them for the machine's addresses and routes.
//
// The session gives no more than a link-local address to either end (RFC 5072); the
// kernel does nothing of this by itself on such a device.
package ipv6
