// Package netif connects the IPv6 client and server of a session to this machine: sockets that are
// bound to one interface, addresses, routes and rules by rtnetlink, and the loop that calls a
// session when something is received or due. It implements no protocol: see packages radv and
// dhcp6.
//
// Everything is opened in the network namespace of the calling thread, and remains in it whichever
// thread uses it later.
package netif
