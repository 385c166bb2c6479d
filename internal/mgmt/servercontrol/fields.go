package servercontrol

// Field is a field of an object, for the manual.
type Field struct{ Name, Text string }

// SessionFields describes the fields of Session, in their order. They keep their names and meanings; new
// ones may be added.
var SessionFields = []Field{
	{"id", "number of the session, which no other session of this run of the server has"},
	{"line", "interface with its VLAN tags, like eth1.100"},
	{"interface", "interface without them"},
	{"vlan", "VLAN tags, like 100 or 100.5; absent: untagged"},
	{"session_id", "PPPoE's SESSION_ID"},
	{"mac", "Ethernet address of the client"},
	{"user", "name that the client has authenticated itself with"},
	{"service", "Service-Name that it has requested"},
	{"state", "establish, authenticate, network, online or closing"},
	{"device", "network device"},
	{"mtu", "octets"},
	{"ipv4", "addresses: local (ours), remote (the client's)"},
	{"ipv6", "link-local addresses: local, remote"},
	{"prefixes", "what router advertisements and DHCPv6 have assigned to the client; with a device for each session, only with source-check"},
	{"online_since", "when packets first flowed, in RFC 3339's format"},
	{"seconds", "time since then"},
	{"rtt_ms", "round-trip time of the last LCP echo in milliseconds; absent: not measured"},
	{"traffic", "sent_packets, sent_bytes (to the client), received_packets, received_bytes, dropped; of these spoofed, exceeded (over a rate), isolated (to other clients)"},
	{"rate_up, rate_down", "limits in kbit/s from and to the client; absent: none"},
	{"framed_routes", "prefixes that are routed to the client"},
	{"filter_id", "name of the user's filter"},
	{"vrf", "VRF of the device"},
	{"acct_session_id", "RADIUS's Acct-Session-Id; absent: there is no RADIUS"},
	{"circuit_id, remote_id, relay_session_id", "access line, as an access node or relay agent has inserted it in PADR, or else PADI (TR-101)"},
	{"access_line", "its characteristics (RFC 4679): rates like actual_rate_down in kbit/s, delays like max_delay_up in ms"},
	{"bits_up, bits_down", "rates during the last second, in bit/s, with --rates"},
}

// StatsFields describes the fields of Stats.
var StatsFields = []Field{
	{"sessions, online, half_open, max_sessions", "sessions now: all, those that have carried packets, those that are not authenticated; and how many there may be"},
	{"established, opened", "sessions that discovery has set up, and those that came online, since the start"},
	{"failed, ended", "sessions that ended before they came online, and after, by cause"},
	{"auth_accepted, auth_rejected", "logins"},
	{"received, sent", "discovery packets: padi, pado, padr, pads, padt"},
	{"drops", "discovery and control frames that were dropped, by reason"},
	{"queues", "frames that wait now, of each interface: interface, discovery, control, capacity"},
	{"radius", "each RADIUS server: server, use (auth or acct), up (it is not known to be dead), requests, retransmissions, answers, timeouts (requests without an answer), dropped (invalid answers); absent: none"},
	{"accounting", "records: those that wait in memory, in spool (on disk) or, as they are sent, for an answer; totals: answered, dropped, spool_errors"},
	{"coa", "CoA-Requests and Disconnect-Requests: acknowledged, refused, and dropped by reason"},
}

// StatusFields describes the fields of Status.
var StatusFields = []Field{
	{"pid, version, ac_name, interfaces, since, socket", "the program"},
	{"state", "serving, draining or standby"},
	{"sessions, online, half_open, max_sessions", "as in stats"},
	{"cluster", "machine (this one), role (active or standby), active (the active machine), term (how many active ones there were), records (of sessions, read from etcd), unwritten (sessions of which etcd lacks changes), " +
		"consented (active by the consent of the others, as etcd is away), etcd_error; absent: there is no cluster"},
	{"all_active", "machine (this one), machines (name, alive, blocks), etcd (connected or away), etcd_error, left_s (seconds until the sessions end if etcd does not answer), refused (why no session can begin), " +
		"blocks (each pool's: pool, kind, block_size, blocks, leased by any machine, own, and of these used and free), claims (users, addresses and routes of sessions), pending (those that etcd does not have yet), problems; absent: there is no cluster of which all machines are active"},
	{"store", "file of sessions: file, sessions (with a record), bytes, adopted and ended (at the start of the program: sessions that it has continued, and that it could not), failing (why nothing can be written now); absent: there is none"},
}

// PoolFields describes the fields of Pool.
var PoolFields = []Field{
	{"name, family, range", "the pool; family is ipv4, ipv6 or delegated"},
	{"kind, length", "of an IPv6 pool: networks, addresses or delegated (prefixes), and the length of each"},
	{"size, used, free", "addresses or prefixes: all (of an IPv6 pool at most 4294967296, as it assigns no more), those that sessions have now, and the others"},
	{"reserved", "those of free that accounts have for their own: others get them last; only of IPv4 pools"},
	{"refused", "logins that were refused because the pool was exhausted; only of IPv4 pools"},
}

// EventFields describes the fields of Event.
var EventFields = []Field{
	{"time, event", "when, and what: session (set up by discovery), authenticated, auth-failed, online, adopted (from an earlier server, instead of session and online), network-lost, silent (no echo replies), peer-closed, replaced, " +
		"address-in-use, host-failed, ended; refused (no session for a client), interface; missed"},
	{"id, line, device, session_id, mac, user, service, circuit_id, remote_id", "the session"},
	{"method, peer", "of authentication; peer: the client has authenticated itself, or failed to"},
	{"protocol", "of network-lost: IPCP or IPV6CP"},
	{"mtu, ipv4, ipv6", "of online and adopted"},
	{"requests", "of silent: LCP echoes without answer"},
	{"traffic, seconds, end", "of adopted and ended: as in sessions; end has reason, one word, and text"},
	{"text", "details; of auth-failed the name that the client gave"},
	{"missed", "events that were not reported: because this command did not read in time, or because there were too many of the kind"},
}
