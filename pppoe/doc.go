// Package pppoe is PPP over Ethernet (RFC 2516, and RFC 4638 for payloads above 1492 octets) in user
// space: an access client, an access concentrator and discovery.
//
//   - [Client] dials one session, carries its packets and redials.
//   - [Server] is an access concentrator on one or more interfaces.
//   - [Probe] lists the concentrators on one Ethernet segment.
//   - [Scan] lists them on many VLANs.
//
// The examples show a first dial and a first server.
//
// # How they fit together
//
// A Client opens [Ports] by ClientConfig.OpenPorts; a Server receives them in each [Listener]. Both are
// given a [HostNetwork], which opens a network device per session and configures its addresses and
// routes, and a [session.Config] for PPP. If the peer must authenticate, an [Authenticator] decides,
// and a Server enforces the [SessionPolicy] that it returns. Everything that happens is reported to
// Notify as an [Event].
//
//	discovery frames ──> loop ──> package discovery
//	control frames   ──> loop ──> package ppp/session ──> reconciler ──> HostNetwork
//	IP packets       <──────────> package datapath    <──────────────> network device
//
// IP packets never enter the loop. On Linux, package pppoe/linux has the HostNetwork, and an opener
// of ports that moves packets in the kernel where it can.
//
// # Concurrency
//
// Client.Run, Server.Run, Probe and Scan block until they are done or the context ends. All other
// methods may be called while Run runs, from any goroutine; Server.SetInterfaceState from one goroutine
// for each interface. Notify is called by one goroutine for each interface and must not block. The
// methods of Authenticator and HostNetwork may block: control frames are handled meanwhile.
// Configurations must not be changed after they were passed.
//
// # Where the pieces are
//
//   - pppoe/wire: discovery packets and tags, the session header, Ethernet addresses
//   - pppoe/discovery: the Discovery stage of both sides, AC-Cookies
//   - pppoe/datapath: IP packets of open sessions, rates, source filters, MSS, counters
//   - pppoe/linux: the network of a Linux machine, ports with the kernel data path
//   - pppoe/afpacket: ports on a Linux packet socket; pppoe/vlan: 802.1Q tags
//   - pppoe/ethertest: an Ethernet segment in memory, for tests
//   - ppp/session, lcp, ipcp, ppp/ipv6cp, chap, ppp/pap, ppp/eap: PPP
//   - tun: network devices
//
// # Glossary
//
// Words of RFC 2516 and RFC 1661 (Host, access concentrator or AC, PADI, authenticator, peer, ...)
// have their meaning there. The project's own are:
//
//   - loop: the goroutine that owns the sessions of one interface, and does their I/O and timers
//   - session: one PPP connection, identified by session ID and both Ethernet addresses
//   - attachment: an Ethernet interface, or a VLAN (stack of tags) on it, where sessions are carried
//   - port: where frames of one ethertype are read and written, such as a packet socket
//   - data path: what carries IP packets between ports and network devices, without the loop
//   - engine: a data path in user space: plain (packet by packet) or GSO (GSO packets and batches)
//   - offload: a data path that carries sessions outside of the engine, such as the kernel by eBPF
//   - control frame: a session frame that carries no IP packet: LCP, authentication, IPCP, IPv6CP
//   - host network: the devices, addresses and routes of this machine that belong to sessions
//   - reconciler: the worker goroutines that make the host network of sessions what they want
//   - desired, actual: what a session wants of the host network, and what it has
//   - policy: what a server enforces on a session: source filter, rates, framed routes
//   - source filter: the prefixes from which a peer may send (BCP 38, uRPF)
//   - framed route: a prefix behind a peer, as in RADIUS Framed-Route
//   - dynamic prefix: a prefix that was advertised, leased or delegated to a peer in its session
//   - slot: the right to one session of a server; slot n has session ID n
//   - pool index: the number of an address in a server's pool; slots swap them to keep addresses
//   - address memory: which pool index a client had last, so that it gets the same address again
//   - address claim: a server session's hold on its peer's IPv4 address, which no two sessions share
//   - eviction: ending a dead or half-open session of a client that requests a new one
//   - probe (of a session): an Echo-Request that finds out whether the peer still exists
//   - unknown session: a session ID in a frame for which there is no session; a server sends a PADT
//   - dialer: one dial of a client: discovery, one session, its end
//   - start queue, device queue: frames that wait for PPP to begin, or for the device to be ready
//   - stale session: a session that ended without its concentrator being notified
//   - PADT grace: the time a concentrator gets after the PADT of a stale session, before the PADI
//   - deferred PADT: a PADT of a session that ended while no frame could be sent
//   - late PADT: a deferred PADT that a server repeats, since a bridge may not forward at once
//   - fast retry: a PADI every second, for two minutes after the loss of a session
//   - back-off: the growing pause between failed dials
//   - unmatched: a concentrator whose PADO does not match what the client wants
package pppoe
