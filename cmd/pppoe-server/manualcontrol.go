package main

import (
	"upppoe/internal/config/manpage"
	"upppoe/internal/mgmt/servercontrol"
)

// operating is the part of the manual about a running server.
func operating() []manpage.Block {
	return []manpage.Block{
		manpage.Paragraph("The commands status to log talk to the running server over its control socket. Root may use it, and the members of `--control-group`. " +
			"Several servers have a socket each; a command then needs `--socket`, and its error lists them. `pppoe-server COMMAND --help` describes all flags of a command."),
		manpage.Paragraph("A session is named by its ID (first column of sessions), RADIUS's Acct-Session-Id, its user, IP or Ethernet address; a number is an ID and 16 hexadecimal digits an Acct-Session-Id, so a user with such a name needs `--user`. " +
			"Flags select sessions that match all of them: `--user` (* stands for any text), `--ip` (also a prefix), `--mac` (also its first octets), `--vlan` (a list), " +
			"`--interface`, `--circuit-id`, `--remote-id`, `--acct-session-id`, `--state`. disconnect and update change one session; if several match, nothing is changed, the error lists some, and `--all` is needed."),
		manpage.Paragraph("sessions shows a table as wide as the terminal: long names are cut off, marked by an ellipsis, and then columns omitted. In a pipe nothing is. " +
			"IN and UP are from the client, OUT and DOWN to it: octets so far, and bit/s during the last second. RTT is the round-trip time of the last LCP echo in ms " +
			"(option `lcp-echo-interval`). `--columns` selects columns. What clients and access nodes send is escaped. `--watch` shows the table again and again."),
		manpage.Paragraph("top shows the totals of the server and its sessions, those with the highest rate to the client first, and reads them every two seconds, or less often if reading takes more than a twentieth of the time. " +
			"Arrow keys select a session and sort by another column, r reverses the order, / shows sessions that have a text, Enter shows all that is known of one, d disconnects it after a question, p pauses, ? shows all keys. " +
			"Set-ups, failed logins and drops (of discovery and control frames) are those since the last read. It prints plain tables with `--once` or `--count`, and if its input or output is no terminal or TERM is dumb. NO_COLOR=1 removes colours."),
		manpage.Paragraph("`--web 127.0.0.1:8080`, or section [web], serves a page for a browser: interfaces, sessions with search and sort, set-ups, failures and traffic (of all sessions and of each interface) of the last hour and day, use of the pools, " +
			"one session with its rates, round-trip time and events, the last 200 events and those that happen. It is read-only without `--web-control`. " +
			"On a loopback address every user and program of the machine may read it, unless `--web-token-file` names a file with a token, of which others than its owner have no access; another address needs one. " +
			"`--web-cert` and `--web-key` name a certificate and its key, in PEM, for HTTPS; a reload reads them again. Without them the page is plain HTTP, of which an attacker on the path can read the token: from another machine use ssh -L 8080:127.0.0.1:8080, or a proxy with TLS. Names of the page or the proxy must be in `names` of [web]. Programs send the token in the header Authorization: Bearer, and read " +
			"/api/overview, /api/sessions?q=TEXT&sort=COLUMN&offset=N&limit=N, /api/history?span=hour&interface=NAME (or span=day; without interface, the traffic of all) and /api/events (server-sent events); a POST of {\"id\": N} to /api/disconnect ends a session. " +
			"At an upgrade the new program goes on with the address, and logins stay valid."),
		manpage.Example("pppoe-server sessions --vlan 100-199 --sort -down\n" +
			"pppoe-server session alice\n" +
			"pppoe-server disconnect --circuit-id 'olt3 *' --all\n" +
			"pppoe-server update alice --rate-up 20000 --rate-down 100000\n" +
			"pppoe-server sessions --json | jq '.[] | select(.rtt_ms > 50) | .user'"),
		manpage.Paragraph("`pppoe-server upgrade`, or SIGUSR2, replaces the running program by the version that is installed now, or by that of `--exec`. The new program gets the running one's sockets and devices, reads the configuration, " +
			"and continues all sessions; control packets wait meanwhile, and packets of clients pass. A client that has a PADO of the old program gets its session from the new one; sessions that are being set up are finished before, for up to 4 s, while PADIs and PADRs wait for the new program; a client whose login takes longer is sent a PADT, and dials again. If it cannot, the old one goes on and says why, and the command's exit code is 1. " +
			"It needs a store of sessions (section [state], or `--state`). In the foreground the old process stays as the parent of the new one and passes signals on; with a service manager (NOTIFY_SOCKET) it ends."),
		manpage.Paragraph("SIGUSR1 ends the program and leaves the sessions for its next start. With these lines in the unit `systemctl restart` does so, and the next start gets the sockets and devices from systemd; `systemctl stop` ends the sessions:"),
		manpage.Example("[Service]\nType=notify\nExecStart=/usr/local/sbin/pppoe-server --config /etc/upppoe/server.toml -F\nExecReload=/bin/kill -HUP $MAINPID\n" +
			"RestartKillSignal=SIGUSR1\nFileDescriptorStoreMax=512\nRestart=on-failure\nWatchdogSec=30"),
		manpage.Paragraph("To replace a server without an outage of new logins, let clients find another one first: `pppoe-server drain` answers no PADI, and open sessions go on; " +
			"`disconnect --all` then ends them, and their clients dial the other server."),
	}
}

// jsonText describes the objects that commands print with --json.
func jsonText() []manpage.Block {
	all := []manpage.Block{
		manpage.Paragraph("With `--json` sessions, session and pools print an array of objects, status and stats one object, and events an object a line, the first of which is the status; upgrade prints one a line, too. " +
			"Fields keep their names and meanings, and new ones may be added. Fields without a value are absent. Texts of clients and access nodes are escaped as in the log (\\033)."),
	}
	for _, object := range []struct {
		what   string
		fields []servercontrol.Field
	}{
		{"sessions, session:", servercontrol.SessionFields}, {"status:", servercontrol.StatusFields}, {"stats:", servercontrol.StatsFields},
		{"pools:", servercontrol.PoolFields}, {"events:", servercontrol.EventFields}, {"upgrade:", servercontrol.UpgradeFields},
	} {
		all = append(all, manpage.Paragraph(object.what))
		for _, f := range object.fields {
			all = append(all, manpage.Item{Term: f.Name, Text: f.Text + "."})
		}
	}
	return all
}
