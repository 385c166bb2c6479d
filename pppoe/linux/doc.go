// Package linux connects the Client and Server of package pppoe to a Linux machine. NewNetwork
// returns the machine's network, as a pppoe.HostNetwork: a TUN device per session, addresses,
// routes and name servers. NewSharedNetwork makes one TUN device for all sessions of a Server. An Opener opens ports on an Ethernet interface (package afpacket)
// together with the data path: the kernel, by eBPF, where the kernel supports it and the process
// has the capabilities, or else user space. IPv6 beyond IPv6CP (Router Advertisements, DHCPv6) is
// not part of it. Neither is a link monitor: the importer must call SetInterfaceState of the
// Client or Server when the state of an interface changes.
//
// The default, datapath.KindAuto, does not change the settings of the Ethernet interface.
// datapath.KindKernel dedicates the interface to PPPoE and changes its settings for speed.
//
// With Opener.Pin, and an Owner of the network, the kernel goes on with the packets of open sessions
// while no process runs. The next process opens both with the same values, adds the sessions again
// (Server.Adopt), and calls Sweep of both; a normal end calls Close, an end with a successor Leave.
package linux
