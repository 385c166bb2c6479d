// Package limit bounds what the clients of an access concentrator can make it do: which clients it
// answers, how many PADIs and PADRs it handles in a second, and how many sessions and half-open
// sessions it has. Each bound holds for one of four scopes: a client, a VLAN, an Ethernet
// interface, or the whole server.
//
// Forged addresses cost no memory: rates are kept in tables of a fixed size, and numbers only for
// sessions that exist. The types are given the time, and are not safe for concurrent use.
package limit
