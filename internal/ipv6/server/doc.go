// Package server is IPv6 on a line whose PPP session is up, for its server: router
// advertisements, an address and a delegated prefix by DHCPv6, and the routes to them.
package server
