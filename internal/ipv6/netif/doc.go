// Package netif is how IPv6's side of a line touches the machine: sockets that are
// bound to one interface, addresses and routes through rtnetlink, and the loop that calls
// a line when something is received or due.
//
// Everything is opened in the network namespace of the calling thread, and stays in it
// whichever thread uses it later.
package netif
