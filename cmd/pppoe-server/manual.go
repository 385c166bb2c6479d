package main

import (
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"upppoe/internal/config/manpage"
	"upppoe/internal/config/pppd"
)

// page is the manual page: flags, options and exit codes are from the tables that the
// program itself goes by.
func page(set *pflag.FlagSet) *manpage.Page {
	return &manpage.Page{
		Name:     "pppoe-server",
		Brief:    "PPPoE access concentrator without PPP in the kernel",
		Synopsis: []string{"[FLAG]...", "`--help` | `--version` | `--man`"},
		Sections: []manpage.Section{
			{Title: "DESCRIPTION", Blocks: description},
			{Title: "FLAGS", Blocks: manpage.Flags(set)},
			{Title: "OPTIONS", Blocks: slices.Concat([]manpage.Block{
				manpage.Paragraph("The options file holds pppd's words, for all sessions alike; those of /etc/ppp/options come before it, as with pppd. The file must be there: it is where " +
					"proof of who somebody is gets asked for, and a server that misses it by a slip of the pen must not start."),
			}, pppd.Manual(pppd.Server))},
			{Title: "DATA PATHS", Blocks: pppd.ManualDataPaths},
			{Title: "EXIT STATUS", Blocks: exitStatus()},
			{Title: "FILES", Blocks: files},
			{Title: "SIGNALS", Blocks: []manpage.Block{
				manpage.Item{Term: "SIGTERM, SIGINT, SIGQUIT", Text: "end all sessions, take their devices away, and end with code 0."},
				manpage.Item{Term: "SIGHUP", Text: "read the options file and the accounts again, for sessions that begin from then on; those that are there go on. " +
					"If the options cannot be used, nothing changes, and the log says why. `datapath`, `datapath-queues` and `logfile` change only when the server is started anew."},
			}},
			{Title: "EXAMPLES", Blocks: examples},
		},
		Standards: append(slices.Clone(pppd.ManualStandards), "RFC 2827, RFC 3704 (source checks), RFC 2697 (rates)"),
		SeeAlso:   []string{"pppoe-client(8)", "pppoe-discovery(8)", "pppd(8)"},
	}
}

var description = []manpage.Block{
	manpage.Paragraph("`pppoe-server` answers PPPoE discovery on Ethernet interfaces, and gives each client that proves who it is a " +
		"session with a TUN device of its own: ppp0, ppp1, and so on. It takes no PPP in the kernel: a packet socket and " +
		"/dev/net/tun will do. Its flags are rp-pppoe's, its options file and accounts are pppd's."),
	manpage.Paragraph("Without an account, and without `noauth` in the options file, all logins are rejected; the log says whether the user was " +
		"unknown, the password wrong, the account not allowed, or the file missing, and the client is not told which. An account's addresses " +
		"say which its client may have: of several it gets the first, or the one that it asks for; with a network, `*` or `!ADDRESS` it gets one of " +
		"those that count on from `--remote` which they allow, and if they allow none of these, the one that it asks for. Without any it cannot log in."),
	manpage.Paragraph("Once it serves it goes to the background, unless told `--foreground`, or `nodetach` in the options file. " +
		"It needs root, or the capabilities CAP_NET_RAW and CAP_NET_ADMIN, and access to /dev/net/tun; all other capabilities it gives " +
		"up once it serves, but for CAP_NET_BIND_SERVICE with IPv6 flags. So secrets files must be root's own, or root be let read them " +
		"like anybody else. Scripts have all that root has. Forwarding between " +
		"sessions and the rest of the net is the host's: net.ipv4.ip_forward, net.ipv6.conf.all.forwarding."),
	manpage.Paragraph("With `source-check` a packet from a client goes on only if its source is the client's: of IPv4 the address that it " +
		"was given; of IPv6 its link-local address, and what `--ipv6-networks`, `--ipv6-addresses` and `--ipv6-prefixes` gave it " +
		"(RFC 2827, RFC 3704). Customers with more hosts than that have NAT, or an address or prefix in `source-allow`, the route to " +
		"which is yours to set. What was dropped is told when a session ends. Where the kernel moves packets, it checks one IPv4 " +
		"address; packets that it cannot check go through user space, and sessions with a rate do altogether: the log says so."),
	manpage.Paragraph("No two sessions have one IPv4 address, whether an account, the pool or the client itself names it, and at " +
		"whichever interfaces they are. The newer session replaces the older, which ends: its client may have had a power cut, or been replaced. " +
		"With `--duplicate-session refuse` the newer is refused instead, and the older asked for a sign of life, so that it ends soon if its client is gone. " +
		"A client that only asks for an address (`--remote` 0.0.0.0) replaces sessions of its own user alone; without authentication there " +
		"are no users, and any client can so end another's session: use `refuse` there."),
	manpage.Paragraph("A client that demands it has the server prove itself, once the client has proved itself: by a secret of which the server's name " +
		"(option `name`, or else `--ac-name`) is the first column and the client's the second (`*`: any client). A first column of `*` is no secret of the server's. " +
		"It should differ from the client's own password: the server answers no challenge that one of its own sessions has sent, but cannot know those of another server " +
		"with the same accounts."),
	manpage.Paragraph("Options for one account follow `--` at the end of its line in the secrets file, and change what the options file says: " +
		"`source-check`, `nosource-check`, `source-allow`, `rate-up`, `rate-down`, `rate-burst`."),
}

var files = []manpage.Block{
	manpage.Item{Term: "/etc/ppp/options", Text: "options of all that speak pppd's words, read first if it is there."},
	manpage.Item{Term: "/etc/ppp/pppoe-server-options", Text: "options of all sessions, unless `--options` names another file."},
	manpage.Item{Term: "/etc/ppp/chap-secrets, /etc/ppp/pap-secrets", Text: "accounts: a line for each, of the client's name, the " +
		"server's (`*`: any), the password, and addresses it may have (`*`: any); then, after `--`, options of its own. A password `@/FILE` is the first line of that file. Nobody else should have access to these files " +
		"(chmod 600). They are read again when they have changed, for logins from then on. A line that is wrong costs that account alone; the log " +
		"names it, at start-up and when the file has changed."},
	manpage.Item{Term: "/dev/net/tun", Text: "where devices come from."},
}

var examples = []manpage.Block{
	manpage.Paragraph("A server for 64 clients that prove who they are by CHAP, in the foreground:"),
	manpage.Example("echo require-chap > /etc/ppp/pppoe-server-options\n" +
		"echo '\"alice\" * \"her password\" *' > /etc/ppp/chap-secrets\n" +
		"chmod 600 /etc/ppp/chap-secrets\n" +
		"pppoe-server -I eth1 -L 192.0.2.1 -R 192.0.2.10 -N 64 -F"),
	manpage.Paragraph("An account with 10 Mbit/s up and 50 Mbit/s down, and a network of its own behind its address:"),
	manpage.Example("echo source-check >> /etc/ppp/pppoe-server-options\n" +
		"echo '\"bob\" * \"his password\" * -- rate-up 10000 rate-down 50000 source-allow 198.51.100.0/29' >> /etc/ppp/chap-secrets"),
}

// exitStatus is the table of exit codes.
func exitStatus() (items []manpage.Block) {
	for _, e := range exits {
		items = append(items, manpage.Item{Term: strconv.Itoa(e.code), Text: e.meaning + "."})
	}
	return items
}
