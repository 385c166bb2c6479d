package main

import (
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"upppoe/internal/config/manpage"
	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
)

// page returns the manual page. Flags, options and exit codes are from the tables that the program uses.
func page(set *pflag.FlagSet) *manpage.Page {
	return &manpage.Page{
		Name:     "pppoe-server",
		Brief:    "PPPoE access concentrator without PPP in the kernel",
		Synopsis: []string{"[FLAG]...", "COMMAND [ARGUMENT]...", "`--help` | `--version` | `--man`"},
		Sections: []manpage.Section{
			{Title: "DESCRIPTION", Blocks: description},
			{Title: "COMMANDS", Blocks: commandItems()},
			{Title: "FLAGS", Blocks: manpage.Flags(set)},
			{Title: "OPTIONS", Blocks: slices.Concat([]manpage.Block{
				manpage.Paragraph("The options file has pppd options for all sessions; /etc/ppp/options is read before it, as by pppd. The options file must exist: it says whether " +
					"clients must authenticate themselves, so the server does not start with a mistyped path."),
			}, pppd.Manual(pppd.Server))},
			{Title: "CONFIGURATION FILE", Blocks: append([]manpage.Block{
				manpage.Paragraph("`--config` serves by a TOML file (usually " + serverconfig.DefaultPath + ") instead of rp-pppoe's flags and pppd's options file. `pppoe-server check` prints all its errors at once, " +
					"and `pppoe-server config-from-flags` and `config-from-accel` print such a file for an existing set-up. Only [[interface]] is needed:"),
				manpage.Example("[[interface]]\nname = \"eth1\"\nvlans = \"100-199\"\n\n[ipv4]\nlocal-address = \"192.0.2.1\"\nfirst-address = \"192.0.2.10\"\n\n[authentication]\nmethods = [\"chap\", \"pap\"]"),
				manpage.Paragraph("A time is text like \"20s\", \"5m\" or \"1h30m\", or a number of seconds. A rate is text like \"512k\" or \"20M\", in bits a second. These are all sections and keys:"),
			}, serverconfig.Manual()...)},
			{Title: "DATA PATHS", Blocks: pppd.ManualDataPaths(pppd.Server)},
			{Title: "SHARED DEVICE", Blocks: sharedDeviceText},
			{Title: "OPERATING", Blocks: operating()},
			{Title: "JSON", Blocks: jsonText()},
			{Title: "EXIT STATUS", Blocks: exitStatus()},
			{Title: "LOG", Blocks: []manpage.Block{
				manpage.Paragraph("In the background the log goes to syslog, facility daemon: `journalctl -t pppoe-server` shows it. " +
					"With `--foreground` or `nodetach` it goes to standard error, and so do messages until the server goes to the background. " +
					"`logfile` appends it to a file instead of both. The server keeps the last 256 kB in memory: `pppoe-server log -f` shows them, and what follows."),
				manpage.Paragraph("A session has one line when it opens (Session N created for client ...) and one when it ends (Session N closed for client ...), with SESSION_ID, Ethernet address, " +
					"IP address, interface with VLAN tags, user, IPv6 address and circuit ID if it has them; the second also with the cause, the assigned IPv6 prefixes in place of the link-local address, the duration and the octets in both directions. " +
					"Ends of sessions that did not come up are limited to 20 in ten seconds; the log says how many more there were."),
			}},
			{Title: "FILES", Blocks: files},
			{Title: "SIGNALS", Blocks: []manpage.Block{
				manpage.Item{Term: "SIGTERM, SIGINT, SIGQUIT", Text: "end all sessions, remove their devices, and exit with code 0."},
				manpage.Item{Term: "SIGHUP", Text: "reload the configuration: the file of `--config`, or the options file; the files of Ethernet addresses that it names, and the accounts. It applies to new sessions; open sessions are not changed. " +
					"If it has an error, nothing changes, and the log has each error with file and line. The log names what has changed but needs an upgrade, which keeps sessions, or a restart."},
			}},
			{Title: "EXAMPLES", Blocks: examples},
		},
		Standards: append(slices.Clone(pppd.ManualStandards), "RFC 2827, RFC 3704 (source address validation), RFC 2697 (rate limits)"),
		SeeAlso:   []string{"pppoe-client(8)", "pppoe-discovery(8)", "pppd(8)"},
	}
}

var description = []manpage.Block{
	manpage.Paragraph("`pppoe-server` answers PPPoE discovery on Ethernet interfaces, and opens a session with a TUN device of its own " +
		"(ppp0, ppp1, and so on; or a shared one, see SHARED DEVICE) for each authenticated client. It needs no PPP in the kernel, only packet sockets and " +
		"/dev/net/tun. Its flags are rp-pppoe's; its options file and accounts are pppd's."),
	manpage.Paragraph("Without an account, and without `noauth` in the options file, all logins are rejected; the log says whether the user was " +
		"unknown, the password wrong, the account not allowed, or the file missing; the client does not learn which. An account's addresses " +
		"are those that its client may use: of several it gets the first, or the one that it requests; with a network, `*` or `!ADDRESS` it gets an " +
		"allowed address of the pool (`--remote`), or, if none of the pool is allowed, the one that it requests. A client whose account has no addresses cannot log in."),
	manpage.Paragraph("Once it is running it goes to the background, unless `--foreground` is given, or `nodetach` in the options file. " +
		"It needs root, or the capabilities CAP_NET_RAW and CAP_NET_ADMIN, and access to /dev/net/tun. It drops all other capabilities " +
		"once it is running, except CAP_NET_BIND_SERVICE with IPv6 flags. So root must own the secrets files, or have read access to them " +
		"by their permissions. Scripts run with root's capabilities. The host must forward between " +
		"sessions and other networks: net.ipv4.ip_forward, net.ipv6.conf.all.forwarding."),
	manpage.Paragraph("With `source-check` a packet from a client is forwarded only if its source address is the client's (RFC 2827, RFC 3704): for IPv4, the address that it " +
		"was assigned; for IPv6, its link-local address, and those from `--ipv6-networks`, `--ipv6-addresses` and `--ipv6-prefixes`. " +
		"Customers with networks behind that address use NAT, or have an address or prefix in `framed-route`, which the server routes to them, or in `source-allow`, to " +
		"which you set the route. The number of dropped packets is logged when a session ends."),
	manpage.Paragraph("A client gets an IPv4 address when it has authenticated itself: the one that its account has for its own; else the one that its user had last, if that is free; " +
		"else the one of its pool that has been free longest. Addresses that accounts have for their own are assigned to others last. If the pool is exhausted, " +
		"the login is refused, and the log names pool and user. The pool is that of `--remote` or `--pool-file`; in the configuration file there may be several ([[pool]]), of which " +
		"RADIUS (Framed-Pool), an account (`address-pool`), a service or the server's policy names one."),
	manpage.Paragraph("With `--duplicate-session replace` or `refuse`, or if the account has `max-sessions`, the sessions of a user on all interfaces are counted, by the name: case matters, but " +
		"RADIUS's User-Name counts if the answer has one. A refused login makes the server check by an LCP Echo-Request whether the client of the older session is gone."),
	manpage.Paragraph("No two sessions of the server have the same IPv4 address, whether it comes from an account, the pool or the client itself. " +
		"The newer session replaces the older, which ends: its client may have had a power failure, or been replaced. " +
		"With `--duplicate-session refuse` the newer ends instead, and an LCP Echo-Request is sent in the older, so that it ends soon if its client is gone. " +
		"A client that only requests an address (`--remote` 0.0.0.0) replaces only sessions of its own user; without authentication there " +
		"are no users, and any client could end another's session: use `refuse` then. A `framed-route` is taken over in the same way, by a newer session of the same user; " +
		"a session of another user that has the same one, or has it for its address, ends, and the log names the prefix. Of routes that overlap, the longest prefix counts; " +
		"the log warns of one that overlaps with a pool, has the server's address, or overlaps with a framed route or a fixed prefix of another user's session."),
	manpage.Paragraph("If the client requires it, the server authenticates itself after the client: with a secret whose first column is the server's name " +
		"(option `name`, or else `--ac-name`) and whose second is the client's (`*`: any client). A line with `*` in the first column is not used for that. " +
		"The secret should differ from the client's own password: the server answers no challenge that one of its own sessions has sent, but cannot recognise those of another server " +
		"with the same accounts."),
	manpage.Paragraph("A PADI or PADR beyond `padi-limit` or `padr-limit`, or of a client that `mac-allow` or `mac-deny` excludes, gets no answer; nor does a PADR beyond `half-open-limit`, " +
		"which the client repeats. A PADR beyond another limit of sessions is rejected, after the server has checked with LCP Echo-Requests whether earlier sessions of the client are dead. " +
		"The limits are those of one client (an Ethernet address in a VLAN), one VLAN, one interface, or the whole server. " +
		"What is dropped is counted, and the numbers are in the log when the server ends."),
	manpage.Paragraph("A service (`--service`, or `service` in the options file) may have a policy of its own: options of the policy, after `--`. " +
		"They override those of the options file, and an account's override them. With no service given, clients may request any."),
	manpage.Paragraph("Options for one account follow `--` at the end of its line in the secrets file, and override the options file: " +
		"`source-check`, `nosource-check`, `source-allow`, `framed-route`, `rate-up`, `rate-down`, `rate-burst`, `address-pool`, `ipv6-pool`, `delegated-pool`, `max-sessions`, `vrf`."),
	manpage.Paragraph("With `vrf` the device of a session is enslaved to a VRF device of the host before it has addresses, so that the route to the client, its `framed-route`s, and its IPv6 " +
		"network and delegated prefix are in the routing table of the VRF, and in no other. The VRF must exist and be up (`ip link add red type vrf table 100; ip link set red up`): otherwise " +
		"the login is rejected, and the log names the VRF. VRFs may have the same `framed-route`, but no two sessions of the server have the same address, whatever their VRFs. " +
		"The VRF of an open session cannot be changed: a client gets another one when it authenticates itself again. Scripts have its name in the variable VRF. RADIUS sets it by Accel-VRF-Name, " +
		"by Cisco-AVPair (`ip:vrf-id=NAME`, `lcp:interface-config=vrf forwarding NAME`), or by an attribute with the meaning vrf in [[radius-attribute]]. " +
		"Sessions of a shared device cannot have a VRF."),
}

var sharedDeviceText = []manpage.Block{
	manpage.Paragraph("With `--device shared` all sessions use one network device, pppoe0, with a queue for each processor. A session is then a set of " +
		"prefixes: its IPv4 address, what it was assigned by router advertisements and DHCPv6, and its `framed-route`s. A packet to a client goes to the session that has the longest " +
		"matching prefix; a packet from a client must have a source whose longest match is its own session, so `source-check` is always in force. " +
		"This is for thousands of sessions: beginning or ending one changes nothing in the kernel. Without the flag each session has a device of its own, which scripts and firewalls may want."),
	manpage.Paragraph("The device has the address `--local` and the routes of the pools (`--remote`, `--ipv6-networks`, `--ipv6-addresses`, `--ipv6-prefixes`). " +
		"Addresses of accounts outside of the pools, and framed routes, get routes of their own while their session is open. " +
		"Packets from one client to another are forwarded by the kernel, subject to its firewall, or dropped with `--isolate`. " +
		"A packet to an address of a pool that no session has, or that is too long for a session, is answered by an ICMP error from `--local` or `--ipv6-local`."),
	manpage.Paragraph("The scripts auth-up, auth-down, ip-up, ip-down, ipv6-up and ipv6-down run as for devices of sessions, but four at a time, and no session waits for them. " +
		"IFNAME is the shared device and UNIT the session's number. What has ended before its script has begun is skipped. If more than 16,384 wait, further ones are not run, and the log says how many. " +
		"The scripts net-init, net-pre-up, net-down and ip-pre-up are not run."),
	manpage.Paragraph("The server sets these sysctls of the device, and no others: accept_local=1, send_redirects=0, rp_filter=0 (or 2, if net.ipv4.conf.all.rp_filter is 1) and accept_ra=0. " +
		"The kernel also sends ICMP redirects to clients that reach each other unless net.ipv4.conf.all.send_redirects is 0; clients ignore them. " +
		"A persistent TUN device of that name is used if no program has it open: `ip tuntap add pppoe0 mode tun multi_queue`."),
}

var files = []manpage.Block{
	manpage.Item{Term: serverconfig.DefaultPath, Text: "the usual file for `--config`."},
	manpage.Item{Term: "/etc/ppp/options", Text: "options for pppd and these programs, read first if it exists."},
	manpage.Item{Term: "/etc/ppp/pppoe-server-options", Text: "options of all sessions, unless `--options` names another file."},
	manpage.Item{Term: "/etc/ppp/chap-secrets, /etc/ppp/pap-secrets", Text: "accounts, one per line: the client's name, the " +
		"server's (`*`: any), the password, and the addresses that it may use (`*`: any); then, after `--`, its own options. A password `@/FILE` is the first line of that file. Other users must not have access to these files " +
		"(chmod 600). They are read again when they have changed, for new logins. A malformed line affects only its account; the log " +
		"names the line, at the start and when the file has changed."},
	manpage.Item{Term: "/run/upppoe/pppoe-server.sock", Text: "the control socket; of further servers pppoe-server-PID.sock."},
	manpage.Item{Term: "/dev/net/tun", Text: "the device from which TUN devices are made."},
}

var examples = []manpage.Block{
	manpage.Paragraph("A server for 64 clients that authenticate themselves with CHAP, in the foreground:"),
	manpage.Example("echo require-chap > /etc/ppp/pppoe-server-options\n" +
		"echo '\"alice\" * \"her password\" *' > /etc/ppp/chap-secrets\n" +
		"chmod 600 /etc/ppp/chap-secrets\n" +
		"pppoe-server -I eth1 -L 192.0.2.1 -R 192.0.2.10 -N 64 -F"),
	manpage.Paragraph("A concentrator for 60,000 clients on all VLANs of an interface, with one device, addresses and prefixes:"),
	manpage.Example("pppoe-server -I eth1 --vlan any -N 60000 --device shared -L 192.0.2.1 -R 100.64.0.0 \\\n" +
		"  --ipv6-networks 2001:db8:10::/44 --ipv6-prefixes 2001:db8:1000::/36,56"),
	manpage.Paragraph("Two services, of which one has more; one session in each VLAN; and a second server that answers half a second later, so that it gets clients only if the first one is down:"),
	manpage.Example("pppoe-server -I eth1 --vlan 100-199 -S 'basic -- rate-down 50000' -S 'gold -- rate-down 500000' --session-limit vlan=1\n" +
		"pppoe-server -I eth1 --vlan 100-199 -S 'basic -- rate-down 50000' -S 'gold -- rate-down 500000' --session-limit vlan=1 --pado-delay 500"),
	manpage.Paragraph("An account with 10 Mbit/s up and 50 Mbit/s down, and a network behind its address:"),
	manpage.Example("echo source-check >> /etc/ppp/pppoe-server-options\n" +
		"echo '\"bob\" * \"his password\" * -- rate-up 10000 rate-down 50000 framed-route 198.51.100.0/29' >> /etc/ppp/chap-secrets"),
}

// exitStatus returns the table of exit codes.
func exitStatus() (items []manpage.Block) {
	for _, e := range exits {
		items = append(items, manpage.Item{Term: strconv.Itoa(e.code), Text: e.meaning + "."})
	}
	return items
}
