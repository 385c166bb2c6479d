package pppd

import "time"

// pppoeOptions are the options of the interface, discovery and the data path.
var pppoeOptions = []option{
	{name: "plugin", help: "pppd's plugins pppoe.so, rp-pppoe.so and passwordfd.so, which are built in here, and radattr.so, which is ignored",
		kind: kind{"FILE", plugin}},
	{name: "pty", roles: Client, help: "rp-pppoe's user mode, like \"pppoe -I eth0 -m 1412\": interface (-I), MSS (-m), service (-S), concentrator (-C), session (-e), " +
		"Host-Uniq (-W) and times (-t, -T) are read from its options; no program is run",
		kind: kind{"COMMAND", pty}},
	{name: "pppoe-service", also: "rp_pppoe_service", roles: Client, help: "the Service-Name to request (default: any)",
		kind: kind{"NAME", service}},
	{name: "pppoe-ac", also: "rp_pppoe_ac", roles: Client, help: "accept only the access concentrator with this AC-Name",
		kind: text("NAME", func(s *Settings, v string) { s.ACNames = []string{v} })},
	{name: "pppoe-ac-also", roles: Client, help: "another AC-Name to accept, if pppoe-ac does not answer; may be repeated",
		kind: text("NAME", func(s *Settings, v string) { s.ACNames = append(s.ACNames, v) })},
	{name: "pppoe-mac", also: "rp_pppoe_mac", roles: Client, help: "accept only the access concentrator with this Ethernet address",
		kind: ethernet(func(s *Settings, v string) { s.ACAddr = v })},
	{name: "connect-delay", roles: Client, help: "milliseconds to wait after discovery for the peer to start PPP (default 0)",
		kind: number("MS", 0, maxSeconds, func(s *Settings, n int) { s.ConnectDelay = time.Duration(n) * time.Millisecond })},
	{name: "host-uniq", also: "pppoe-host-uniq", roles: Client, help: "value of the Host-Uniq tag (default: random); \"\": send none and require none",
		kind: octets(func(s *Settings, v []byte) { s.HostUniq = v })},
	{name: "pppoe-padi-timeout", roles: Client, help: "time to wait for the first PADO, doubled for each further PADI (default 5)",
		kind: number("SECONDS", 1, 3600, func(s *Settings, n int) { s.PADITimeout = time.Duration(n) * time.Second })},
	{name: "pppoe-padi-attempts", roles: Client, help: "number of PADIs (default 3)",
		kind: number("N", 1, 1000, func(s *Settings, n int) { s.PADIAttempts = n })},
	{name: "pppoe-verbose", also: "rp_pppoe_verbose", roles: Client, status: warned, help: "debug logs all concentrators",
		kind: number("N", 0, maxSeconds, func(*Settings, int) {})},
	{name: "pppoe-sess", also: "rp_pppoe_sess", roles: Client, help: "attach to this existing session, without discovery",
		kind: kind{"SID:MAC", attach}},
	{name: "vlan", roles: Client, help: "VLAN tags on the interface, like 50, or 50.100 for two; also 0x8100:50.0x8100:100",
		kind: kind{"TAGS", tags}},
	{name: "pppoe-pcp", roles: Client, help: "802.1p priority of control frames (default 0)",
		kind: number("0-7", 0, 7, func(s *Settings, n int) { s.ControlPriority = uint8(n) })},
	{name: "pppoe-data-pcp", roles: Client, help: "802.1p priority of data frames (default 0)",
		kind: number("0-7", 0, 7, func(s *Settings, n int) { s.DataPriority = uint8(n) })},
	{name: "pppoe-source-mac", roles: Client, help: "our Ethernet address (default: the interface's)",
		kind: ethernet(func(s *Settings, v string) { s.SourceAddr = v })},
	{name: "pppoe-circuit-id", roles: Client, help: "send this Agent Circuit ID of the access line, as a DSLAM does (TR-101)",
		kind: kind{"TEXT", accessLine(func(s *Settings) *string { return &s.AccessCircuitID })}},
	{name: "pppoe-remote-id", roles: Client, help: "send this Agent Remote ID of the access line (TR-101)",
		kind: kind{"TEXT", accessLine(func(s *Settings) *string { return &s.AccessRemoteID })}},
	{name: "datapath", help: "what forwards packets: auto (default), kernel, offload or plain; see DATA PATHS in --man",
		kind: kind{"KIND", dataPath}},
	{name: "datapath-queues", help: "queues per Ethernet interface (default: half the processors, at most 8)",
		server: "queues per Ethernet interface (default: half the processors, at most 8); devices of sessions have one unless this is set",
		kind:   number("N", 1, 64, func(s *Settings, n int) { s.Queues = n })},
	{name: "mtu", help: "the longest packet to send, in octets (default 1492; a larger value is negotiated by RFC 4638, and is then the MRU too)",
		kind: size(func(s *Settings) *int { return &s.MTU })},
	{name: "mru", help: "the longest packet to receive, in octets (default 1492; a larger value is negotiated by RFC 4638)",
		kind: size(func(s *Settings) *int { s.DefaultMRU = false; return &s.MRU })},
	{name: "mss", help: "clamp TCP's MSS to this, if it is less than the MTU allows; 0: no clamping (default: as the MTU allows)",
		kind: number("N", 0, 65535, func(s *Settings, n int) {
			s.MSS = n
			if n == 0 {
				s.MSS = -1
			}
		})},
	{name: "default-mru", also: "-mru", help: "PPPoE's own MRU, 1492 (RFC 2516 section 7)",
		kind: flag(func(s *Settings) { s.MRU, s.DefaultMRU = 0, true })},
}
