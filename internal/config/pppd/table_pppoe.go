package pppd

import "time"

// pppoeOptions say which line to dial on, and whom.
var pppoeOptions = []option{
	{name: "plugin", help: "pppd's plugins pppoe.so, rp-pppoe.so and passwordfd.so, which are built in here, and radattr.so, which has no effect",
		kind: kind{"FILE", plugin}},
	{name: "pty", roles: Client, help: "rp-pppoe's user mode, like \"pppoe -I eth0 -m 1412\": interface (-I), MSS (-m), service (-S), concentrator (-C), session (-e), " +
		"Host-Uniq (-W) and times (-t, -T) are taken from its options; no program is run",
		kind: kind{"COMMAND", pty}},
	{name: "pppoe-service", also: "rp_pppoe_service", roles: Client, help: "the Service-Name wanted (default: any)",
		kind: kind{"NAME", service}},
	{name: "pppoe-ac", also: "rp_pppoe_ac", roles: Client, help: "the access concentrator wanted, by its name",
		kind: text("NAME", func(s *Settings, v string) { s.ACNames = []string{v} })},
	{name: "pppoe-ac-also", roles: Client, help: "another that will do, if pppoe-ac is not there; as often as you like",
		kind: text("NAME", func(s *Settings, v string) { s.ACNames = append(s.ACNames, v) })},
	{name: "pppoe-mac", also: "rp_pppoe_mac", roles: Client, help: "the access concentrator wanted, by its Ethernet address",
		kind: ethernet(func(s *Settings, v string) { s.ACAddr = v })},
	{name: "connect-delay", roles: Client, help: "milliseconds to wait after discovery for the peer to begin (default 0)",
		kind: number("MS", 0, maxSeconds, func(s *Settings, n int) { s.ConnectDelay = time.Duration(n) * time.Millisecond })},
	{name: "host-uniq", also: "pppoe-host-uniq", roles: Client, help: "value of the Host-Uniq tag (default: random); \"\": none is sent, and none required",
		kind: octets(func(s *Settings, v []byte) { s.HostUniq = v })},
	{name: "pppoe-padi-timeout", roles: Client, help: "how long to wait for the first answer, doubled each time (default 5)",
		kind: number("SECONDS", 1, 3600, func(s *Settings, n int) { s.PADITimeout = time.Duration(n) * time.Second })},
	{name: "pppoe-padi-attempts", roles: Client, help: "how often to ask (default 3)",
		kind: number("N", 1, 1000, func(s *Settings, n int) { s.PADIAttempts = n })},
	{name: "pppoe-verbose", also: "rp_pppoe_verbose", roles: Client, status: warned, help: "debug tells of all concentrators",
		kind: number("N", 0, maxSeconds, func(*Settings, int) {})},
	{name: "pppoe-sess", also: "rp_pppoe_sess", roles: Client, help: "take up this session, without discovery",
		kind: kind{"SID:MAC", attach}},
	{name: "vlan", roles: Client, help: "VLAN tags on the interface, like 50, or 50.100 for two; also 0x8100:50.0x8100:100",
		kind: kind{"TAGS", tags}},
	{name: "pppoe-pcp", roles: Client, help: "priority of control frames in their VLAN tag (default 0)",
		kind: number("0-7", 0, 7, func(s *Settings, n int) { s.ControlPriority = uint8(n) })},
	{name: "pppoe-data-pcp", roles: Client, help: "priority of frames with packets in their VLAN tag (default 0)",
		kind: number("0-7", 0, 7, func(s *Settings, n int) { s.DataPriority = uint8(n) })},
	{name: "pppoe-source-mac", roles: Client, help: "our Ethernet address on the line (default: the interface's)",
		kind: ethernet(func(s *Settings, v string) { s.SourceAddr = v })},
	{name: "pppoe-circuit-id", roles: Client, help: "tell the access line's circuit, as a DSLAM would (TR-101)",
		kind: kind{"TEXT", accessLine(func(s *Settings) *string { return &s.AccessCircuitID })}},
	{name: "pppoe-remote-id", roles: Client, help: "tell the access line's subscriber, likewise",
		kind: kind{"TEXT", accessLine(func(s *Settings) *string { return &s.AccessRemoteID })}},
	{name: "datapath", help: "what moves packets: auto (default), kernel, offload or plain; see DATA PATHS in the manual page",
		kind: kind{"WAY", dataPath}},
	{name: "datapath-queues", help: "into how many parts to divide the packets of a line, for as many processors (default: half of the processors, at most 8); the devices of a server's sessions are divided only if told so",
		kind: number("N", 1, 64, func(s *Settings, n int) { s.Queues = n })},
	{name: "mtu", help: "the longest packet to send, in octets (default 1492; more asks for RFC 4638, and for as large a mru)",
		kind: size(func(s *Settings) *int { return &s.MTU })},
	{name: "mru", help: "the longest packet to receive, in octets (default 1492; more asks for RFC 4638)",
		kind: size(func(s *Settings) *int { s.DefaultMRU = false; return &s.MRU })},
	{name: "mss", help: "clamp the MSS of TCP to this, if it is less than the MTU allows; 0: leave it (default: as the MTU allows)",
		kind: number("N", 0, 65535, func(s *Settings, n int) {
			s.MSS = n
			if n == 0 {
				s.MSS = -1
			}
		})},
	{name: "default-mru", also: "-mru", help: "PPPoE's own MRU, 1492 (RFC 2516 section 7)",
		kind: flag(func(s *Settings) { s.MRU, s.DefaultMRU = 0, true })},
}
