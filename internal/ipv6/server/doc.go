// Package server is the server side of IPv6 on a PPP session: router advertisements (RFC 4861), an
// address and a delegated prefix by DHCPv6 (RFC 8415), the routes to them, and the pools they come
// from. IPv6CP itself is in package ppp/ipv6cp, the client side in package ipv6. Sessions that
// share a device are served by package shared.
package server
