package main

import (
	"io"
	"strconv"

	man "upppoe/internal/manual"
	"upppoe/internal/pppd"
)

// manual writes the manual page: options and exit codes are from the tables that
// the program itself goes by.
func manual(w io.Writer) error {
	_, err := page().WriteTo(w)
	return err
}

func page() *man.Page {
	return &man.Page{
		Name:  "pppoe-client",
		Brief: "dial a PPPoE session without PPP in the kernel",
		Synopsis: []string{
			"INTERFACE [OPTION [VALUE]]...", "`call` PEER [OPTION [VALUE]]...", "`stop` PEER", "`--help` | `--man`",
		},
		Sections: []man.Section{
			{Title: "DESCRIPTION", Blocks: description},
			{Title: "OPTIONS", Blocks: pppd.Manual(pppd.Client)},
			{Title: "EXIT STATUS", Blocks: exitStatus()},
			{Title: "FILES", Blocks: files},
			{Title: "ENVIRONMENT", Blocks: []man.Block{
				man.Item{Term: defaultEnv, Text: "our password, unless `password`, `password-file` or `password-env` is given."},
			}},
			{Title: "SIGNALS", Blocks: []man.Block{
				man.Item{Term: "SIGTERM, SIGINT", Text: "say goodbye to the peer and the concentrator, take the device and its routes away, and end with code 5."},
			}},
			{Title: "EXAMPLES", Blocks: examples},
		},
		Standards: []string{
			"RFC 2516 (PPPoE), RFC 4638 (PPPoE with an MTU above 1492)",
			"RFC 1661 (PPP, LCP), RFC 1570 (LCP extensions)",
			"RFC 1332, RFC 1877 (IPCP and name servers), RFC 5072 (IPv6CP)",
			"RFC 1334 (PAP), RFC 1994 (CHAP), RFC 2759 (MS-CHAPv2), RFC 3748 (EAP)",
		},
		SeeAlso: []string{"pppoe-discovery(8)", "pppoe-server(8)", "pppd(8)"},
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
		"`nodetach` it stays. `pppoe-client stop` ends the clients that were started by `call` with the same peer, and waits until " +
		"they are gone."),
	man.Paragraph("It needs root, or the capabilities CAP_NET_RAW and CAP_NET_ADMIN, and access to /dev/net/tun."),
}

var files = []man.Block{
	man.Item{Term: etc + "/options", Text: "options of all sessions, read first."},
	man.Item{Term: "~/.ppprc", Text: "the user's own, read next."},
	man.Item{Term: etc + "/peers/PEER", Text: "options of one provider, read by `call`."},
	man.Item{Term: etc + "/chap-secrets, " + etc + "/pap-secrets", Text: "passwords, looked up by our name and the peer's if none is " +
		"given otherwise. Nobody else should have access to them (chmod 600)."},
	man.Item{Term: etc + "/resolv.conf", Text: "the peer's name servers, written with `usepeerdns`."},
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
