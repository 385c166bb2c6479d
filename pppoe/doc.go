// Package pppoe implements PPP over Ethernet (RFC 2516, and RFC 4638 for payloads above 1492
// octets) in user space: a client (RFC 2516's Host), an access concentrator, and discovery.
//
//   - [Client] dials one session, carries its packets and redials.
//   - [Server] is an access concentrator on one or more interfaces or VLANs.
//   - [Probe] lists the concentrators on one Ethernet segment.
//   - [Scan] lists them on many VLANs.
//
// The file example_test.go is a complete client and a complete server for Linux.
//
// # How they fit together
//
// A Client opens its [Ports] by calling ClientConfig.OpenPorts; a Server gets one set per
// [Listener]. Both need a [session.Config] (PPP) and a [HostNetwork], which opens a network device
// per session and configures its addresses and routes. If the peer must authenticate, an
// [Authenticator] decides, and a Server enforces the [SessionPolicy] that it returns. Everything
// that happens is reported to Notify as an [Event].
//
//	discovery frames ──> loop ──> package discovery
//	control frames   ──> loop ──> package ppp/session ──> reconciler ──> HostNetwork
//	IP packets       <──────────> package datapath    <──────────────> network device
//
// IP packets never enter the loop. On Linux, package pppoe/linux provides the HostNetwork and opens
// Ports whose packets are forwarded in the kernel where possible.
//
// # Concurrency
//
// Client.Run, Server.Run, Probe and Scan block until they are done or the context ends. All other
// methods may be called concurrently with Run; Server.SetInterfaceState only from one goroutine per
// interface. Notify is called by one goroutine for each Client or Listener and must not block. The methods
// of Authenticator and HostNetwork may block: control frames are handled meanwhile. Do not modify a
// configuration after passing it.
//
// # Packages
//
//   - pppoe/wire: discovery packets and tags, the session header, Ethernet addresses
//   - pppoe/discovery: the Discovery stage of both sides, AC-Cookies
//   - pppoe/limit: which clients a server answers, PADIs and PADRs a second, numbers of sessions
//   - pppoe/datapath: IP packets of open sessions, rates, source filters, MSS, counters
//   - pppoe/linux: the network of a Linux machine, ports with the kernel data path
//   - pppoe/afpacket: ports on a Linux packet socket; pppoe/vlan: 802.1Q tags
//   - pppoe/ethertest: an Ethernet segment in memory, for tests
//   - ppp/session, lcp, ipcp, ppp/ipv6cp, chap, ppp/pap, ppp/eap: PPP
//   - tun: network devices
//
// # Glossary
//
// Terms of RFC 2516 and RFC 1661 (Host, access concentrator or AC, PADI, peer, ...) have their
// meaning there. The other terms of the API are:
//
//   - attachment: an Ethernet interface, or a VLAN (stack of tags) on it, where sessions are carried
//   - port: where frames of one ethertype are read and written, such as a packet socket
//   - trunk: the ports of many VLANs of an interface, at whose methods frames have their tags
//   - listener: an attachment, or the VLANs of a trunk, on which a server answers, and its ports
//   - fanout: several ports for the session frames of one attachment, which are spread by flow
//   - flow: IP packets with the same addresses and ports
//   - session: one PPP connection, identified by attachment, session ID and both Ethernet addresses
//   - attached session: a session that another program has discovered (ClientConfig.Attach)
//   - stale session: a session that ended without its concentrator being notified
//   - unknown session: a session that does not exist here, named in a received frame
//   - half-open session: a session that has not reached its network phase
//   - online: packets of some address family can flow, from the first Configured on
//   - slot: one of a server's session IDs; slot n has session ID n
//   - eviction: ending a dead or half-open session of a client that requests a new one
//   - control frame: a session frame that carries no IP packet: LCP, authentication, IPCP, IPv6CP
//   - host network: the devices, addresses and routes of this machine that belong to sessions
//   - placeholder address: the peer's address on the device if it has negotiated none
//     (RemoteDefaulted)
//   - authenticator: in package ppp the role of RFC 1994, the side that verifies the peer's
//     response; pppoe.Authenticator is the AAA service that decides
//   - policy: what a server enforces on a session: rates, and a source filter
//   - source filter: the prefixes from which a peer may send (BCP 38 ingress filter)
//   - access line: the subscriber's line as an access node or relay agent describes it in PADI and
//     PADR (TR-101): circuit ID, remote ID, rates
//   - to drain: to open no more sessions, while those that are open go on
//   - framed route: a prefix behind a peer, as in RADIUS Framed-Route; a policy only allows it as a
//     source
//   - dynamic prefix: a prefix that was advertised, leased or delegated to a peer in its session
//   - data path: what carries IP packets between ports and network devices, without the loop
//   - engine: a data path in user space: plain (packet by packet) or GSO (GSO packets and batches)
//   - offload: the kernel's data path (eBPF), which carries sessions in place of the engine
//   - GSO packet: a TCP or UDP packet longer than the MTU, to be segmented (generic segmentation
//     offload)
//   - pending checksum: a transport checksum that the sender, on this machine, left to hardware
//   - admission: the check of each IP packet against the source filter and the rates of its session
//   - spoofed, exceeded: dropped by admission, because of the source filter and of a rate, respectively
//   - path limit: the longest packet that the path carries, if less than what LCP has negotiated
//   - fast retry: a PADI about once a second, for two minutes after the loss of a session
//   - back-off: the growing pause between failed dials
//   - unmatched: a concentrator whose PADO does not match what the client requires
//
// The code also has these internal terms:
//
//   - loop: the goroutine that owns the sessions of one attachment or trunk, and does their I/O and
//     timers
//   - dial, dialer: discovery, one session, and its end
//   - reconciler: the worker goroutines that bring the host network to the desired state
//   - desired, actual: what a session needs of the host network, and what it has
//   - start queue, device queue: frames that wait for PPP to begin, or for the device to be ready
//   - pool index: an index into a server's addresses; exchanged between slots so that a client keeps
//     its address
//   - address memory: which pool index a client had last, so that it gets the same address again
//   - address claim: the exclusive assignment of an IPv4 address to the peer of a server's session
//   - to check a peer: to send an Echo-Request that shows whether the peer still exists
//   - to close a session: to end it with a Terminate-Request, and wait for the Terminate-Ack; to
//     terminate it: with a PADT only; to drop it: without a packet; to defer its PADT: to send that
//     later
//   - PADT grace: the pause between the PADT of a stale session and the PADI
//   - deferred PADT: a PADT of a session that ended while no frame could be sent
//   - late PADT: a deferred PADT that a server repeats, because a bridge may not forward at once
package pppoe
