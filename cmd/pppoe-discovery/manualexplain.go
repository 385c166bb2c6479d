package main

import "upppoe/internal/config/manpage"

// explainSection is the manual of explain.
func explainSection() manpage.Section {
	blocks := []manpage.Block{
		manpage.Paragraph("`pppoe-discovery explain` FILE explains the PPPoE sessions of a capture file: who took part, each packet in words, what " +
			"both ends agreed on, and the first thing that went wrong, with the section of the RFC and what to do. It reads pcap (of both byte " +
			"orders, with microseconds or nanoseconds) and pcapng, also compressed by gzip, with VLAN tags, of the link types Ethernet and Linux " +
			"cooked (tcpdump -i any), and the frames of a TZSP stream, as of RouterOS's /tool sniffer. FILE may be - for standard input. It needs no rights. Comments of packets in pcapng files are shown. " +
			"Memory is bounded however large the capture is; what is left out is counted. Its flags:"),
	}
	blocks = append(blocks, manpage.Flags(explainFlagSet(&explainFlags{}))...)
	return manpage.Section{Title: "EXPLAINING A CAPTURE", Blocks: append(blocks,
		manpage.Paragraph("With `--json` the document has the members file, format, packets, pppoe_packets, first and last (times), notes (about the "+
			"capture), omitted_sessions, unexplained_packets, and sessions. Each session has number, session_id, vlan, host and ac (address, "+
			"vendor, name), start, seconds, outcome (established, failed, incomplete or probe), setup_seconds, end (by, how, text, frame, seconds), "+
			"agreed (ppp_max_payload, mru, magic, authentication, ipv4, dns, wins, ipv6), notes, traffic, problems and events. A problem has code, "+
			"severity (error: the session failed or ended by it; or warning), frame, seconds, text, rfc and advice; its code does not change with "+
			"versions. An event has frame, seconds, from (host, ac, or an Ethernet address), protocol, what, text, packet (in pppd's words), "+
			"retransmission, comments and problems. Members without a value are left out. Texts of peers are escaped."),
	)}
}
