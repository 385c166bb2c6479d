package pppd

import (
	"net/netip"
	"time"
)

// table is every option there is, by groups.
var table = []option{
	// The line.
	{name: "plugin", args: "FILE", group: "line", roles: Client, help: "pppd's PPPoE plugin, pppoe.so or rp-pppoe.so: built in here", setting: plugin},
	{name: "nic-IF", group: "line", roles: Client, help: "the Ethernet interface, also without nic-: nic-eth0 or eth0"},
	{name: "pppoe-service", args: "NAME", group: "line", roles: Client, help: "the Service-Name wanted (default: any)", setting: service},
	{name: "rp_pppoe_service", args: "NAME", group: "line", roles: Client, help: "the same, as rp-pppoe.so has it", setting: service},
	{name: "pppoe-ac", args: "NAME", group: "line", roles: Client, help: "the access concentrator wanted, by its name", setting: text(func(s *Settings, v string) { s.ACName = v })},
	{name: "rp_pppoe_ac", args: "NAME", group: "line", roles: Client, help: "the same, as rp-pppoe.so has it", setting: text(func(s *Settings, v string) { s.ACName = v })},
	{name: "pppoe-mac", args: "ADDRESS", group: "line", roles: Client, help: "the access concentrator wanted, by its Ethernet address", setting: text(func(s *Settings, v string) { s.ACAddr = v })},
	{name: "host-uniq", args: "HEX", group: "line", roles: Client, help: "value of the Host-Uniq tag (default: random)", setting: octets(func(s *Settings, v []byte) { s.HostUniq = v })},
	{name: "pppoe-host-uniq", args: "HEX", group: "line", roles: Client, help: "the same", setting: octets(func(s *Settings, v []byte) { s.HostUniq = v })},
	{name: "pppoe-padi-timeout", args: "SECONDS", group: "line", roles: Client, help: "how long to wait for the first answer, doubled each time (default 5)", setting: number(1, 3600, func(s *Settings, n int) { s.PADITimeout = time.Duration(n) * time.Second })},
	{name: "pppoe-padi-attempts", args: "N", group: "line", roles: Client, help: "how often to ask (default 3)", setting: number(1, 1000, func(s *Settings, n int) { s.PADIAttempts = n })},
	{name: "pppoe-verbose", args: "N", group: "line", roles: Client, status: ignored, help: "debug tells more"},
	{name: "rp_pppoe_verbose", args: "N", group: "line", roles: Client, status: ignored, help: "debug tells more"},
	{name: "pppoe-sess", args: "SID:MAC", group: "line", roles: Client, status: refused, help: "sessions of another program cannot be taken over"},
	{name: "rp_pppoe_sess", args: "SID:MAC", group: "line", roles: Client, status: refused, help: "sessions of another program cannot be taken over"},
	{name: "mtu", args: "N", group: "line", help: "the longest packet to send, in octets (default 1492; more asks for RFC 4638)", setting: number(128, 16384, func(s *Settings, n int) { s.MTU = n })},
	{name: "mru", args: "N", group: "line", help: "the longest packet to receive, in octets (default 1492; more asks for RFC 4638)", setting: number(128, 16384, func(s *Settings, n int) { s.MRU = n })},
	{name: "default-mru", group: "line", help: "do not negotiate the MRU", setting: flag(func(s *Settings) { s.MRU = 0 })},

	// Who is who.
	{name: "user", args: "NAME", group: "authentication", roles: Client, help: "our name, told to the peer", setting: text(func(s *Settings, v string) { s.User = v })},
	{name: "password", args: "PASSWORD", group: "authentication", roles: Client, help: "our password; on a command line others can see it: prefer password-file", setting: text(func(s *Settings, v string) { s.Password, s.HasPassword = Secret(v), true })},
	{name: "password-file", args: "FILE", group: "authentication", roles: Client, help: "file whose first line is our password", setting: text(func(s *Settings, v string) { s.PasswordFile = v })},
	{name: "password-env", args: "VARIABLE", group: "authentication", roles: Client, help: "environment variable that holds our password (default PPPOE_PASSWORD)", setting: text(func(s *Settings, v string) { s.PasswordEnv = v })},
	{name: "name", args: "NAME", group: "authentication", help: "our name in the secrets files (client: if user is not given; server: default the host's name)", setting: text(func(s *Settings, v string) { s.Name = v })},
	{name: "remotename", args: "NAME", group: "authentication", roles: Client, help: "the peer's name in the secrets files", setting: text(func(s *Settings, v string) { s.RemoteName = v })},
	{name: "auth", group: "authentication", help: "the peer must prove who it is", setting: flag(func(s *Settings) { s.Auth, s.NoAuth = true, false })},
	{name: "noauth", group: "authentication", help: "the peer need not prove who it is", setting: flag(func(s *Settings) { s.Auth, s.NoAuth, s.Require = false, true, nil })},
	{name: "require-chap", group: "authentication", help: "the peer must prove it by CHAP with MD5", setting: require("chap")},
	{name: "require-mschap-v2", group: "authentication", help: "the peer must prove it by MS-CHAPv2", setting: require("mschap-v2")},
	{name: "require-pap", group: "authentication", help: "the peer must prove it by PAP", setting: require("pap")},
	{name: "require-eap", group: "authentication", help: "the peer must prove it by EAP with MD5", setting: require("eap")},
	{name: "require-mschap", group: "authentication", status: refused, help: "MS-CHAP version 1 is broken: use require-mschap-v2"},
	{name: "refuse-chap", group: "authentication", help: "do not prove who we are by CHAP with MD5", setting: refuse("chap")},
	{name: "refuse-mschap-v2", group: "authentication", help: "nor by MS-CHAPv2", setting: refuse("mschap-v2")},
	{name: "refuse-pap", group: "authentication", help: "nor by PAP", setting: refuse("pap")},
	{name: "refuse-eap", group: "authentication", help: "nor by EAP", setting: refuse("eap")},
	{name: "refuse-mschap", group: "authentication", status: ignored, help: "MS-CHAP version 1 is never used"},
	{name: "hide-password", group: "authentication", help: "keep PAP's password out of the log (default)", setting: flag(func(s *Settings) { s.ShowPassword = false })},
	{name: "show-password", group: "authentication", help: "let PAP's password into the log", setting: flag(func(s *Settings) { s.ShowPassword = true })},
	{name: "chap-restart", args: "SECONDS", group: "authentication", help: "until a challenge is sent again (default 3)", setting: seconds(func(s *Settings, d time.Duration) { s.AuthTimers.Restart = d })},
	{name: "pap-restart", args: "SECONDS", group: "authentication", help: "until a request is sent again (default 3)", setting: seconds(func(s *Settings, d time.Duration) { s.AuthTimers.Restart = d })},
	{name: "chap-max-challenge", args: "N", group: "authentication", help: "how often a challenge is sent (default 10)", setting: count(func(s *Settings, n int) { s.AuthTimers.Tries = n })},
	{name: "pap-max-authreq", args: "N", group: "authentication", help: "how often a request is sent (default 10)", setting: count(func(s *Settings, n int) { s.AuthTimers.Tries = n })},
	{name: "chap-timeout", args: "SECONDS", group: "authentication", help: "how long to wait for a challenge (default 60)", setting: seconds(func(s *Settings, d time.Duration) { s.AuthTimers.Timeout = d })},
	{name: "pap-timeout", args: "SECONDS", group: "authentication", help: "how long to wait for the peer's request (default 30)", setting: seconds(func(s *Settings, d time.Duration) { s.AuthTimers.Timeout = d })},
	{name: "chap-interval", args: "SECONDS", group: "authentication", help: "challenge the peer again so often (default 0: never)", setting: seconds(func(s *Settings, d time.Duration) { s.AuthTimers.Again = d })},
	{name: "papcrypt", group: "authentication", status: refused, help: "crypted secrets are not supported"},
	{name: "login", group: "authentication", status: refused, help: "the system's password database is not used"},

	// LCP.
	{name: "lcp-echo-interval", args: "SECONDS", group: "link", help: "ask the peer for a sign of life so often (default 0: never)", setting: seconds(func(s *Settings, d time.Duration) { s.EchoInterval = d })},
	{name: "lcp-echo-failure", args: "N", group: "link", help: "so many unanswered end the session (default 0: any number)", setting: number(0, 1<<16, func(s *Settings, n int) { s.EchoFailures = n })},
	{name: "lcp-restart", args: "SECONDS", group: "link", help: "until a request is sent again (default 3)", setting: seconds(func(s *Settings, d time.Duration) { s.LCP.Restart = d })},
	{name: "lcp-max-configure", args: "N", group: "link", help: "requests without an answer (default 10)", setting: count(func(s *Settings, n int) { s.LCP.MaxConfigure = n })},
	{name: "lcp-max-terminate", args: "N", group: "link", help: "goodbyes without an answer (default 2)", setting: count(func(s *Settings, n int) { s.LCP.MaxTerminate = n })},
	{name: "lcp-max-failure", args: "N", group: "link", help: "refusals before options are rejected outright (default 5)", setting: count(func(s *Settings, n int) { s.LCP.MaxFailure = n })},
	{name: "nomagic", group: "link", help: "no magic number, and no detection of loops", setting: flag(func(s *Settings) { s.NoMagic = true })},

	// Network protocols.
	{name: "LOCAL:REMOTE", group: "network", help: "our IPv4 address and the peer's; either may be left out"},
	{name: "ipcp-accept-local", group: "network", help: "take another local address if the peer wants it", setting: flag(func(s *Settings) { s.AcceptLocal = true })},
	{name: "ipcp-accept-remote", group: "network", help: "let the peer have another address", setting: flag(func(s *Settings) { s.AcceptRemote = true })},
	{name: "noipdefault", group: "network", help: "do not use the host's own address (never done here)", setting: flag(func(s *Settings) { s.NoIPDefault = true })},
	{name: "ipcp-restart", args: "SECONDS", group: "network", help: "until a request is sent again (default 3)", setting: seconds(func(s *Settings, d time.Duration) { s.IPCP.Restart = d })},
	{name: "ipcp-max-configure", args: "N", group: "network", help: "requests without an answer (default 10)", setting: count(func(s *Settings, n int) { s.IPCP.MaxConfigure = n })},
	{name: "ipcp-max-terminate", args: "N", group: "network", help: "goodbyes without an answer (default 2)", setting: count(func(s *Settings, n int) { s.IPCP.MaxTerminate = n })},
	{name: "ipcp-max-failure", args: "N", group: "network", help: "refusals before options are rejected outright (default 5)", setting: count(func(s *Settings, n int) { s.IPCP.MaxFailure = n })},
	{name: "ms-dns", args: "ADDRESS", group: "network", help: "name server given to the peer; up to two", setting: two(func(s *Settings) *[]netip.Addr { return &s.DNS })},
	{name: "ms-wins", args: "ADDRESS", group: "network", help: "WINS server given to the peer; up to two", setting: two(func(s *Settings) *[]netip.Addr { return &s.WINS })},
	{name: "usepeerdns", group: "network", roles: Client, help: "ask the peer for name servers, and write /etc/ppp/resolv.conf", setting: flag(func(s *Settings) { s.UsePeerDNS = true })},
	{name: "usepeerwins", group: "network", roles: Client, help: "ask the peer for WINS servers", setting: flag(func(s *Settings) { s.UsePeerWINS = true })},
	{name: "noip", group: "network", help: "no IPv4", setting: flag(func(s *Settings) { s.NoIP = true })},
	{name: "noipv6", group: "network", help: "no IPv6", setting: flag(func(s *Settings) { s.NoIPv6 = true })},
	{name: "+ipv6", group: "network", help: "IPv6 (default)", setting: flag(func(s *Settings) { s.NoIPv6 = false })},
	{name: "ipv6", args: "LOCAL,REMOTE", group: "network", help: "interface identifiers, like ::1,::2; either may be left out", setting: identifiers},
	{name: "ipv6cp-restart", args: "SECONDS", group: "network", help: "until a request is sent again (default 3)", setting: seconds(func(s *Settings, d time.Duration) { s.IPv6CP.Restart = d })},
	{name: "ipv6cp-max-configure", args: "N", group: "network", help: "requests without an answer (default 10)", setting: count(func(s *Settings, n int) { s.IPv6CP.MaxConfigure = n })},
	{name: "ipv6cp-max-terminate", args: "N", group: "network", help: "goodbyes without an answer (default 2)", setting: count(func(s *Settings, n int) { s.IPv6CP.MaxTerminate = n })},
	{name: "ipv6cp-max-failure", args: "N", group: "network", help: "refusals before options are rejected outright (default 5)", setting: count(func(s *Settings, n int) { s.IPv6CP.MaxFailure = n })},

	// Routes, devices, and the program.
	{name: "defaultroute", group: "program", roles: Client, help: "have the default route go through the session, if there is none", setting: flag(func(s *Settings) { s.DefaultRoute = true })},
	{name: "nodefaultroute", group: "program", roles: Client, help: "leave routes alone (default)", setting: flag(func(s *Settings) { s.DefaultRoute = false })},
	{name: "replacedefaultroute", group: "program", roles: Client, status: later, help: "an existing default route is kept"},
	{name: "noreplacedefaultroute", group: "program", roles: Client, status: ignored, help: "an existing default route is kept"},
	{name: "defaultroute-metric", args: "N", group: "program", roles: Client, status: later, help: "the route's metric is 0"},
	{name: "unit", args: "N", group: "program", roles: Client, help: "call the device pppN (default: the first free)", setting: number(0, 1<<20, func(s *Settings, n int) { s.Unit = n })},
	{name: "ifname", args: "NAME", group: "program", roles: Client, help: "name of the device", setting: text(func(s *Settings, v string) { s.IfName = v })},
	{name: "linkname", args: "NAME", group: "program", roles: Client, status: later, help: "no file of that name is written"},
	{name: "ipparam", args: "TEXT", group: "program", roles: Client, status: later, help: "no scripts are run"},
	{name: "remotenumber", args: "TEXT", group: "program", status: ignored, help: "the peer's Ethernet address is known"},
	{name: "nodetach", group: "program", help: "stay in the foreground", setting: flag(func(s *Settings) { s.NoDetach = true })},
	{name: "updetach", group: "program", roles: Client, help: "go to the background once online (default)", setting: flag(func(s *Settings) { s.NoDetach = false })},
	{name: "debug", group: "program", help: "log every control packet", setting: flag(func(s *Settings) { s.Debug = true })},
	{name: "nodebug", group: "program", help: "do not (default)", setting: flag(func(s *Settings) { s.Debug = false })},
	{name: "logfile", args: "FILE", group: "program", help: "append the log to a file", setting: text(func(s *Settings, v string) { s.LogFile = v })},
	{name: "persist", group: "program", roles: Client, help: "dial again after the session has ended", setting: flag(func(s *Settings) { s.Persist = true })},
	{name: "nopersist", group: "program", roles: Client, help: "do not (default)", setting: flag(func(s *Settings) { s.Persist = false })},
	{name: "maxfail", args: "N", group: "program", roles: Client, help: "give up after so many failed dials (default 10; 0: never)", setting: number(0, 1<<30, func(s *Settings, n int) { s.MaxFail = n })},
	{name: "holdoff", args: "SECONDS", group: "program", roles: Client, help: "wait before dialling again (default 30)", setting: seconds(func(s *Settings, d time.Duration) { s.Holdoff = d })},
	{name: "call", args: "NAME", group: "program", roles: Client, help: "read options from /etc/ppp/peers/NAME"},
	{name: "file", args: "FILE", group: "program", help: "read options from a file"},
	{name: "demand", group: "program", roles: Client, status: refused, help: "dialling on demand is not supported"},
	{name: "idle", args: "SECONDS", group: "program", status: later, help: "sessions do not end for idleness"},
	{name: "maxconnect", args: "SECONDS", group: "program", status: later, help: "sessions do not end by the clock"},
	{name: "connect-delay", args: "MS", group: "program", status: ignored, help: "for modems"},
}

// serial are options for serial lines, modems, compression and the kernel's PPP: taken,
// so that a set-up need not be changed, and without effect.
var serial = []struct {
	args  string
	names []string
}{
	{"", []string{
		"noaccomp", "nopcomp", "novj", "novjccomp", "noccp", "nobsdcomp", "nodeflate", "nopredictor1",
		"nomppe", "default-asyncmap", "-am", "-ac", "-pc", "-vj", "-vjccomp", "lock", "nolock", "local", "modem",
		"crtscts", "nocrtscts", "cdtrcts", "nocdtrcts", "xonxoff", "sync", "asyncmap-default", "nodeflatedraft", "nomultilink", "nomp",
		"silent", "passive", "-p", "ktune", "noktune", "proxyarp", "noproxyarp", "lcp-echo-adaptive", "noendpoint",
		"nolog", "noipx", "up_sdnotify", "noresolvconf", "kdebug-off", "noreplacedefaultroute6", "nodefaultroute6",
		"deflate-default", "nompe", "mschap-strip", "ipv6cp-use-ipaddr", "ipv6cp-accept-local", "ipv6cp-accept-remote",
	}},
	{"N", []string{
		"asyncmap", "bsdcomp", "deflate", "vj-max-slots", "speed", "escape", "kdebug", "child-timeout",
		"lcp-rtt-file", "ipx-network", "mpshortseq", "mrru", "netmask", "maxoctets",
	}},
	{"SCRIPT", []string{"connect", "disconnect", "init", "pty", "welcome"}},
}

func init() {
	for _, kind := range serial {
		for _, name := range kind.names {
			table = append(table, option{name: name, args: kind.args, status: ignored, group: "ignored"})
		}
	}
}
