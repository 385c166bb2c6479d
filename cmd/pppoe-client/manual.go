package main

import (
	"os"
	"strconv"

	man "upppoe/internal/config/manpage"
	"upppoe/internal/config/pppd"
)

// manual prints the manual page.
func manual() int {
	if _, err := page().WriteTo(os.Stdout); err != nil {
		return fail(err)
	}
	return exitOK
}

// page is the manual page: options and exit codes are from the tables that the program
// itself goes by.
func page() *man.Page {
	return &man.Page{
		Name:  "pppoe-client",
		Brief: "dial a PPPoE session without PPP in the kernel",
		Synopsis: []string{
			"INTERFACE [OPTION [VALUE]]...", "`call` PEER [OPTION [VALUE]]...", "`status` [WHO] [`--json`]", "`events` [WHO]", "`log` [WHO] [`-f`] [`-n` N]", "`hangup` | `stop` [WHO | `--all`]", "`--help` | `--version` | `--man`",
		},
		Sections: []man.Section{
			{Title: "DESCRIPTION", Blocks: description},
			{Title: "OPTIONS", Blocks: pppd.Manual(pppd.Client)},
			{Title: "DATA PATHS", Blocks: pppd.ManualDataPaths},
			{Title: "EXIT STATUS", Blocks: exitStatus()},
			{Title: "FILES", Blocks: files},
			{Title: "ENVIRONMENT", Blocks: []man.Block{
				man.Item{Term: defaultEnv, Text: "our password, unless `password`, `password-file` or `password-env` is given."},
			}},
			{Title: "SIGNALS", Blocks: []man.Block{
				man.Item{Term: "SIGTERM, SIGINT, SIGQUIT", Text: "end the session (Terminate-Request, PADT), take the device and its routes away, and end with code 5."},
				man.Item{Term: "SIGHUP", Text: "hang up; with `persist`, dial anew at once, also out of a pause."},
				man.Item{Term: "SIGUSR1", Text: "switch the log of packets on, or off again."},
			}},
			{Title: "EXAMPLES", Blocks: examples},
		},
		Standards: pppd.ManualStandards,
		SeeAlso:   []string{"pppoe-discovery(8)", "pppoe-server(8)", "pppd(8)"},
	}
}

var description = []man.Block{
	man.Paragraph("`pppoe-client` dials a PPPoE session on an Ethernet interface and carries its packets between the line " +
		"and a TUN device of the host. It takes no PPP in the kernel: a packet socket and /dev/net/tun will do. It is told what " +
		"to do in pppd's words, logs in pppd's words and ends with pppd's exit codes."),
	man.Paragraph("Options come from `/etc/ppp/options`, `~/.ppprc` and the command line, in this order; `call` and `file` read " +
		"more files where they stand. Of options that say the same thing the last one wins. On the command line " +
		"`--user alice` and `--user=alice` do as well as `user alice`. In files, words are parted by white space; quotes keep it, " +
		"a backslash takes the next character as it is, and # begins a comment."),
	man.Paragraph("Once addresses and routes are in place it goes to the background, and the command ends with code 0; with " +
		"`nodetach` it stays."),
	man.Paragraph("Those that run can be talked to: `status` tells how they are, `events` what happens to them, an object of JSON a line, " +
		"`log` what they have said, and with `-f` what they say from now on. `hangup` ends the session, which a client that was told `persist` " +
		"dials anew; `stop` ends the client, and waits until it is gone. WHO is the peer of `call`, the name of the line, of its device or of its " +
		"Ethernet interface, or a process number."),
	man.Paragraph("Called by the name `pppd` it goes to the background at once, as pppd does. `pon` [PEER [OPTION]...] is `pppd call` PEER. `poff` " +
		"[`-r` | `-d` | `-a`] [PEER] ends a session, has it dialled anew, switches the log of packets, or ends all. `plog` [`-f`] [`-n` N] shows the log, or its last N lines; also that of clients that have ended or failed, which is kept until the next boot."),
	man.Paragraph("With `persist`, a session that is lost is dialled anew at once; for two minutes its concentrator is looked for every second or so. " +
		"Failures in a row have the pause of `holdoff` doubled, up to eight times, with some jitter. A refused password is tried three times, ten " +
		"seconds apart, and then after five minutes. The session is remembered on disk, so that the next client ends what a crash has left."),
	man.Paragraph("It needs root, or the capabilities CAP_NET_RAW and CAP_NET_ADMIN, and access to /dev/net/tun."),
}

var files = []man.Block{
	man.Item{Term: etc + "/options", Text: "options of all sessions, read first."},
	man.Item{Term: "~/.ppprc", Text: "the user's own, read next. One of another user is not read."},
	man.Item{Term: etc + "/peers/PEER", Text: "options of one provider, read by `call`."},
	man.Item{Term: etc + "/chap-secrets, " + etc + "/pap-secrets", Text: "passwords, looked up by our name and the peer's if none is " +
		"given otherwise. By PAP goes out only what is in pap-secrets. Nobody else should have access to them (chmod 600)."},
	man.Item{Term: etc + "/resolv.conf", Text: "the peer's name servers, written with `usepeerdns`."},
	man.Item{Term: etc + "/ip-up, " + etc + "/ip-down", Text: "scripts, with pppd's arguments and environment; also ip-pre-up, ipv6-up, " +
		"ipv6-down, auth-up, auth-down, net-init, net-pre-up and net-down. Of our own are ipv6-prefix-up and ipv6-prefix-down, for each " +
		"delegated prefix, which is their fourth argument; and dhcp6-up and dhcp6-down, for what `dhcp6-request` asks for. All four have DNS6, " +
		"AFTR, NTP_IP, NTP_FQDN, SNTP_IP, MAPE, MAPT, LW4O6 and FOURRD, as far as there is such, with several values parted by spaces."},
	man.Item{Term: "/run/pppN.pid, /run/ppp-LINK.pid", Text: "our process number, and in the second, which is there as long as the process, the device's name."},
	man.Item{Term: "/run/upppoe", Text: "sockets of clients that run; in `log`, the last lines that each peer's clients have logged, 256 KiB at most of each."},
	man.Item{Term: "/var/lib/upppoe", Text: "sessions that are open, what does not go with their devices (the default route that was replaced, rules, IPv6 on LANs), prefixes that hosts on LANs may still use, and the DHCPv6 identifier (`state-dir`)."},
	man.Item{Term: "/dev/net/tun", Text: "where the device comes from."},
}

var examples = []man.Block{
	man.Paragraph("Dial once, with the password in a file of its own:"),
	man.Example("pppoe-client eth0 user alice@isp.example password-file /etc/ppp/secret \\\n    defaultroute usepeerdns"),
	man.Paragraph("The same from a file, dialled anew for ever: `/etc/ppp/peers/my-isp` holds"),
	man.Example("nic-eth0\nuser alice@isp.example\npassword-file /etc/ppp/secret\ndefaultroute\nusepeerdns\npersist\nmaxfail 0\nlcp-echo-interval 20\nlcp-echo-failure 3"),
	man.Paragraph("and then"),
	man.Example("pppoe-client call my-isp\npppoe-client stop my-isp"),
	man.Paragraph("Stay in the foreground and show every control packet:"),
	man.Example("pppoe-client call my-isp nodetach debug"),
}

// exitStatus is the table of exit codes.
func exitStatus() (items []man.Block) {
	for _, e := range exits {
		items = append(items, man.Item{Term: strconv.Itoa(e.code), Text: e.meaning + "."})
	}
	return items
}
