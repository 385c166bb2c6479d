package main

import (
	"os"
	"strconv"

	man "upppoe/internal/config/manpage"
	"upppoe/internal/config/pppd"
	"upppoe/internal/load"
)

// manual prints the manual page.
func manual() int {
	if _, err := page().WriteTo(os.Stdout); err != nil {
		return fail(err)
	}
	return exitOK
}

// page returns the manual page. Options and exit codes are from the tables that the program uses.
func page() *man.Page {
	return &man.Page{
		Name:  "pppoe-client",
		Brief: "dial a PPPoE session without PPP in the kernel",
		Synopsis: []string{
			"INTERFACE [OPTION [VALUE]]...", "`call` PEER [OPTION [VALUE]]...", "`doctor` INTERFACE [OPTION [VALUE]]... [`--json`]", "`status` [WHO] [`--json`]", "`top` [WHO] [`--once` | `--count` N]", "`events` [WHO]", "`log` [WHO] [`-f`] [`-n` N]", "`hangup` | `stop` [WHO | `--all`]", "`load` `-I` INTERFACE [FLAG]...", "`--help` | `--version` | `--man`",
		},
		Sections: []man.Section{
			{Title: "DESCRIPTION", Blocks: description},
			{Title: "OPTIONS", Blocks: pppd.Manual(pppd.Client)},
			{Title: "WHEN IT FAILS", Blocks: troubles},
			{Title: "DATA PATHS", Blocks: pppd.ManualDataPaths(pppd.Client)},
			{Title: "LOAD", Blocks: manualLoad()},
			{Title: "EXIT STATUS", Blocks: exitStatus()},
			{Title: "LOG", Blocks: []man.Block{
				man.Paragraph("In the background the log goes to syslog, facility daemon: `journalctl -t pppoe-client` shows it (or `-t pppd`, if it was called so), and `pppoe-client log`. " +
					"With `nodetach` it goes to standard error, and so do messages until the client goes to the background. " +
					"`logfile` appends it to a file instead of both."),
			}},
			{Title: "FILES", Blocks: files},
			{Title: "ENVIRONMENT", Blocks: []man.Block{
				man.Item{Term: defaultEnv, Text: "our password, unless `password`, `password-file` or `password-env` is given."},
			}},
			{Title: "SIGNALS", Blocks: []man.Block{
				man.Item{Term: "SIGTERM, SIGINT, SIGQUIT", Text: "end the session (Terminate-Request, PADT), remove the device and its routes, and exit with code 5."},
				man.Item{Term: "SIGHUP", Text: "end the session; with `persist`, redial at once, even during the hold-off."},
				man.Item{Term: "SIGUSR1", Text: "turn the log of control packets on or off."},
			}},
			{Title: "EXAMPLES", Blocks: examples},
		},
		Standards: pppd.ManualStandards,
		SeeAlso:   []string{"pppoe-discovery(8)", "pppoe-server(8)", "pppd(8)"},
	}
}

var description = []man.Block{
	man.Paragraph("`pppoe-client` dials a PPPoE session on an Ethernet interface and forwards its packets between that interface " +
		"and a TUN device of the host. It needs no PPP in the kernel, only a packet socket and /dev/net/tun. Its options, log messages and " +
		"exit codes are pppd's."),
	man.Paragraph("Options come from `/etc/ppp/options`, `~/.ppprc` and the command line, in this order; `call` and `file` read " +
		"more files in place. Of options that set the same thing the last one wins. The command line also accepts " +
		"`--user alice` and `--user=alice` for `user alice`. In files, words are separated by white space; quotes preserve it, " +
		"a backslash quotes the next character, and # begins a comment."),
	man.Paragraph("Once addresses and routes are set it goes to the background, and the command exits with code 0; with " +
		"`nodetach` it stays in the foreground."),
	man.Paragraph("Running clients are controlled with subcommands: `status` shows their state; `events` shows their events, one JSON object per line; " +
		"`top` shows live the rates, the round-trip time and loss of LCP echoes, and the last events, or a list to choose a client from (? shows the keys); without a terminal, or with " +
		"`--once` or `--count`, it prints a table each second; `log` shows their log, and with `-f` new lines as well; `hangup` ends the session, which a client with `persist` " +
		"then redials; `stop` ends the client, and waits for that. Without WHO, `status`, `top`, `events` and `log` show all clients: with several, " +
		"an event has the client's name as member `client`, and `log -f` puts it before each line. WHO is the peer of `call`, a linkname, a device, an " +
		"Ethernet interface, or a process ID."),
	man.Paragraph("Called as `pppd` it goes to the background at once, as pppd does. `pon` [PEER [OPTION]...] is `pppd call` PEER. `poff` " +
		"[`-r` | `-d` | `-a`] [PEER] ends a session; `-r` redials it; `-d` turns the packet log on or off; `-a` ends all. `plog` [`-f`] [`-n` N] shows the log, or its last N lines, also of clients that have ended or failed; their logs are kept until the next boot."),
	man.Paragraph("With `persist`, a lost session is redialled at once, at most once per `holdoff`, and for two minutes its concentrator is tried about every second. " +
		"`holdoff` doubles after each consecutive failure, to at most eight times its value, with jitter. After a rejected password it tries three times, ten " +
		"seconds apart, then waits five minutes and starts over. A session that the concentrator ends with a PADT before it is online is redialled at once the first time, " +
		"as the concentrator may have been restarted; after more of them the pauses double from ten seconds to five minutes, as it may reject passwords so."),
	man.Paragraph("The session is recorded on disk (`state-dir`) while it is up, and its device outlives the client. When a client is killed, crashes or runs out of memory, the next one with the same " +
		"interface, VLAN, Ethernet address, user and Service-Name continues the session: without discovery and negotiation, with its session ID, device, addresses and routes, so that TCP connections " +
		"go on; scripts do not run. It sends an LCP Echo-Request at once. If the concentrator does not answer within three seconds, or the record does not fit or is of an earlier boot, it ends the " +
		"session with a PADT, and dials. Until then, packets are lost. A client that ends regularly leaves nothing. After a kill the device stays, with its routes, also if no client follows: `ip link del ppp0` " +
		"removes it. With `no-adopt`, the device goes with the client, and a session that was left is ended with a PADT; so it is with `demand` and `pppoe-sess`."),
	man.Paragraph("It needs root, or the capabilities CAP_NET_RAW and CAP_NET_ADMIN, and access to /dev/net/tun."),
}

var troubles = []man.Block{
	man.Paragraph("The last lines of a dial that has failed say what was seen, the likely cause, and what to try. If no concentrator answers, and standard error is a terminal, VLANs 1 to 4094 are searched, " +
		"which takes three seconds. On a terminal one line shows the progress of the dial, and becomes the final line; warnings are above it. `debug` shows every line instead. The exit code is the same in any case."),
	man.Paragraph("`doctor` checks what a dial with the same arguments needs: rights, /dev/net/tun, the interface and its carrier, the MTU, whether the kernel can forward packets, other clients, which concentrators answer, and " +
		"on which VLANs if none does on the configured one, name and password with the permissions of their files, and name servers. It opens no session and changes nothing. Each finding has a verdict and, if it is not ok, " +
		"what to do. Exit code 0 means that there is no error, perhaps warnings; 1, that there is one. `--json` prints an object with the members `interface`, `ok`, and `findings`, each with `check`, `verdict` " +
		"(ok, warning, error, skipped), `text` and `mend`."),
	man.Example("pppoe-client doctor eth0\npppoe-client doctor call my-isp --json"),
	man.Paragraph("`pcap` captures what is sent and received, with the log as comments."),
}

var files = []man.Block{
	man.Item{Term: etc + "/options", Text: "options of all sessions, read first."},
	man.Item{Term: "~/.ppprc", Text: "the user's own options, read next. A file of another user is ignored."},
	man.Item{Term: etc + "/peers/PEER", Text: "options of one provider, read by `call`."},
	man.Item{Term: etc + "/chap-secrets, " + etc + "/pap-secrets", Text: "passwords, looked up by our name and the peer's if none is " +
		"given otherwise. PAP sends only passwords of pap-secrets. Other users must not have access to these files (chmod 600)."},
	man.Item{Term: etc + "/resolv.conf", Text: "the peer's name servers, written with `usepeerdns`."},
	man.Item{Term: etc + "/ip-up, " + etc + "/ip-down", Text: "scripts, with pppd's arguments and environment; also ip-pre-up, ipv6-up, " +
		"ipv6-down, auth-up, auth-down, net-init, net-pre-up and net-down. Not known to pppd are ipv6-prefix-up and ipv6-prefix-down, for each " +
		"delegated prefix, which is their fourth argument; and dhcp6-up and dhcp6-down, for the services that `dhcp6-request` requests. All four have the variables DNS6, " +
		"AFTR, NTP_IP, NTP_FQDN, SNTP_IP, MAPE, MAPT, LW4O6 and FOURRD, if there is a value; several values are separated by spaces."},
	man.Item{Term: "/run/pppN.pid, /run/ppp-LINK.pid", Text: "our process ID; the second file also has the device's name, and exists as long as the process."},
	man.Item{Term: "/run/upppoe", Text: "control sockets of running clients; in `log`, the last log lines for each peer, at most 256 KiB."},
	man.Item{Term: "/var/lib/upppoe", Text: "state for recovery after a crash: open sessions, changes that do not disappear with their devices (replaced default route, rules, IPv6 on LANs), prefixes that hosts on LANs may still use; and the DHCPv6 DUID (`state-dir`)."},
	man.Item{Term: "/dev/net/tun", Text: "the device from which TUN devices are made."},
}

var examples = []man.Block{
	man.Paragraph("Dial once, with the password in a separate file:"),
	man.Example("pppoe-client eth0 user alice@isp.example password-file /etc/ppp/secret \\\n    defaultroute usepeerdns"),
	man.Paragraph("The same from a file, redialled without limit: `/etc/ppp/peers/my-isp` contains"),
	man.Example("nic-eth0\nuser alice@isp.example\npassword-file /etc/ppp/secret\ndefaultroute\nusepeerdns\npersist\nmaxfail 0\nlcp-echo-interval 20\nlcp-echo-failure 3"),
	man.Paragraph("and then"),
	man.Example("pppoe-client call my-isp\npppoe-client stop my-isp"),
	man.Paragraph("Test a concentrator with 1,000 sessions in 100 VLANs, of which 2 % are dialled again each second:"),
	man.Example("pppoe-client load -I eth0 -n 1000 --vlan 100-199 --hold 1m --churn 2% \\\n    --expect 'established=100%,setup.p99<1s'"),
	man.Paragraph("Stay in the foreground and show every control packet:"),
	man.Example("pppoe-client call my-isp nodetach debug"),
}

// manualLoad describes the subcommand load.
func manualLoad() []man.Block {
	blocks := []man.Block{man.Paragraph("`pppoe-client load` dials thousands of sessions from one process, to test any vendor's access concentrator. It holds them, ends and dials some again, " +
		"sends packets through them, and reports set-ups per second, the percentiles of each phase of a dial, failures by reason, lost echoes and packets. " +
		"The clients have Ethernet addresses, VLANs, names and access-line IDs of their own; they need no network devices. Its flags are")}
	blocks = append(blocks, man.Flags(loadFlagSet(&loadFlags{}))...)
	blocks = append(blocks, man.Paragraph("`--expect` takes conditions with <, <=, =, >= or >, separated by commas; a number of sessions may be a share, like 99.9%. They can name"))
	for _, line := range load.ExpectationNames() {
		blocks = append(blocks, man.Item{Term: line[0], Text: line[1] + "."})
	}
	return blocks
}

// exitStatus returns the table of exit codes.
func exitStatus() (items []man.Block) {
	for _, e := range exits {
		items = append(items, man.Item{Term: strconv.Itoa(e.code), Text: e.meaning + "."})
	}
	return items
}
