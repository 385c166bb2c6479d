package pppd

import "time"

// lineOptions say which line to dial on, and whom.
var lineOptions = []option{
	{name: "plugin", help: "pppd's PPPoE plugin, pppoe.so or rp-pppoe.so: built in here",
		kind: kind{"FILE", plugin}},
	{name: "pppoe-service", also: "rp_pppoe_service", roles: Client, help: "the Service-Name wanted (default: any)",
		kind: kind{"NAME", service}},
	{name: "pppoe-ac", also: "rp_pppoe_ac", roles: Client, help: "the access concentrator wanted, by its name",
		kind: text("NAME", func(s *Settings, v string) { s.ACNames = []string{v} })},
	{name: "pppoe-ac-also", roles: Client, help: "another that will do, if pppoe-ac is not there; as often as you like",
		kind: text("NAME", func(s *Settings, v string) { s.ACNames = append(s.ACNames, v) })},
	{name: "pppoe-mac", roles: Client, help: "the access concentrator wanted, by its Ethernet address",
		kind: ethernet(func(s *Settings, v string) { s.ACAddr = v })},
	{name: "host-uniq", also: "pppoe-host-uniq", roles: Client, help: "value of the Host-Uniq tag (default: random)",
		kind: octets(func(s *Settings, v []byte) { s.HostUniq = v })},
	{name: "pppoe-padi-timeout", roles: Client, help: "how long to wait for the first answer, doubled each time (default 5)",
		kind: number("SECONDS", 1, 3600, func(s *Settings, n int) { s.PADITimeout = time.Duration(n) * time.Second })},
	{name: "pppoe-padi-attempts", roles: Client, help: "how often to ask (default 3)",
		kind: number("N", 1, 1000, func(s *Settings, n int) { s.PADIAttempts = n })},
	{name: "pppoe-verbose", also: "rp_pppoe_verbose", roles: Client, status: noticed, help: "debug tells of all concentrators",
		kind: number("N", 0, maxSeconds, func(*Settings, int) {})},
	{name: "pppoe-sess", also: "rp_pppoe_sess", roles: Client, status: refused, help: "sessions of another program cannot be taken over",
		kind: unused("SID:MAC")},
	{name: "mtu", help: "the longest packet to send, in octets (default 1492; more asks for RFC 4638)",
		kind: size(func(s *Settings) *int { return &s.MTU })},
	{name: "mru", help: "the longest packet to receive, in octets (default 1492; more asks for RFC 4638)",
		kind: size(func(s *Settings) *int { return &s.MRU })},
	{name: "default-mru", also: "-mru", help: "PPPoE's own MRU, 1492 (RFC 2516 section 7)",
		kind: flag(func(s *Settings) { s.MRU = 0 })},
}
