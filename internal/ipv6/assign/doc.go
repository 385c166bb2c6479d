// Package assign is what an IPv6 server assigns to the peers of its sessions, whichever way it serves
// them: pools of prefixes, lifetimes, and the router advertisements and DHCPv6 servers that
// announce them. Only Pool is safe for concurrent use.
package assign
