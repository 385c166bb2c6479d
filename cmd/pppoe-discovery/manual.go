package main

import (
	"strconv"

	"github.com/spf13/pflag"

	"upppoe/internal/config/manpage"
)

// page returns the manual page, with the flags from the set that parses them.
func page(set *pflag.FlagSet) *manpage.Page {
	return &manpage.Page{
		Name:     "pppoe-discovery",
		Brief:    "list the PPPoE access concentrators that answer",
		Synopsis: []string{"[`-I` INTERFACE] [FLAG]...", "`explain` [FLAG]... FILE", "`--help` | `--version` | `--man`"},
		Sections: []manpage.Section{
			{Title: "DESCRIPTION", Blocks: []manpage.Block{
				manpage.Paragraph("`pppoe-discovery` broadcasts a PADI packet on an Ethernet interface, and prints " +
					"each PADO that it receives: the access concentrator's name, its services, its cookie, and its " +
					"Ethernet address. It opens no session. Its flags, output and exit codes are those of rp-pppoe's program of that name."),
				manpage.Paragraph("To list all concentrators, it listens for the whole timeout of 5 seconds. Without an answer it asks 3 times, " +
					"which takes 15 seconds. `--first` ends with the first answer. The PADI has no Host-Uniq tag unless `-U` or `-W` is given; " +
					"`--vlan` and `--watch` always send one, to match answers to PADIs."),
				manpage.Paragraph("In addition, it searches VLANs (`--vlan`) without VLAN devices, reports concentrators that appear, disappear " +
					"or change (`--watch`), and reports unexpected ones (`--expect`)."),
				manpage.Paragraph("It needs root, or only the capability CAP_NET_RAW."),
			}},
			{Title: "OPTIONS", Blocks: manpage.Flags(set)},
			{Title: "VLANS", Blocks: []manpage.Block{
				manpage.Paragraph("`--vlan` takes a comma-separated list of"),
				manpage.Item{Term: "50", Text: "one 802.1Q tag, or a range like 1-4094."},
				manpage.Item{Term: "50.100", Text: "an 802.1ad tag (0x88a8) and an 802.1Q tag (0x8100) within it; each may be a range, " +
					"like 10-12.100-200."},
				manpage.Item{Term: "0x8100:50.0x8100:100", Text: "two tags with other ethertypes."},
				manpage.Item{Term: "0", Text: "a priority tag."},
				manpage.Item{Term: "untagged", Text: "no tag."},
				manpage.Paragraph("Each concentrator is shown with the VLAN on which it answered. 4094 VLANs take about six seconds. A " +
					"VLAN device like eth0.50 is searched like any other interface, without `--vlan`."),
			}},
			{Title: "WATCHING", Blocks: []manpage.Block{
				manpage.Paragraph("`--watch` prints a line for each event: a concentrator is new; it has changed its name, its services or its error, or " +
					"its name has appeared at another address; it is gone; an expected one is missing."),
				manpage.Paragraph("`--expect` takes an Ethernet address or an AC-Name. Both are easily forged: " +
					"expect it to detect mistakes rather than attacks. The vendor is from the IEEE's " +
					"list of addresses at the time when the program was built."),
			}},
			explainSection(),
			{Title: "EXIT STATUS", Blocks: []manpage.Block{
				manpage.Item{Term: strconv.Itoa(exitFound), Text: "at least one concentrator answered; with `--expect`: all expected ones, and " +
					"no other. Of `explain`: no session went wrong."},
				manpage.Item{Term: strconv.Itoa(exitNone), Text: "none answered, or an expected one did not, or there was an error: see the message. Of `explain`: the file cannot be read, or has no PPPoE packets."},
				manpage.Item{Term: strconv.Itoa(exitUnexpected), Text: "an unexpected one answered (with `--watch`: only with `--alarm`), even if 1 applies too. Of `explain`: at least one session went wrong."},
			}},
			{Title: "SIGNALS", Blocks: []manpage.Block{
				manpage.Item{Term: "SIGTERM, SIGINT, SIGQUIT", Text: "stop waiting for answers; the exit code says whether there were any."},
			}},
			{Title: "EXAMPLES", Blocks: []manpage.Block{
				manpage.Paragraph("List all access concentrators:"),
				manpage.Example("pppoe-discovery -I eth0"),
				manpage.Paragraph("Check by the exit code whether a concentrator offers the service internet:"),
				manpage.Example("pppoe-discovery -I eth0 -S internet -Q"),
				manpage.Paragraph("Find the provider's VLAN:"),
				manpage.Example("pppoe-discovery -I eth0 --vlan 1-4094"),
				manpage.Paragraph("For monitoring: detect any concentrator other than this one:"),
				manpage.Example("pppoe-discovery -I eth0 --expect 00:00:5e:00:53:01 -Q"),
				manpage.Paragraph("Capture a dial, and explain what went wrong:"),
				manpage.Example("tcpdump -i eth0 -s 0 -w isp.pcap pppoed or pppoes or vlan"),
				manpage.Example("pppoe-discovery explain isp.pcap"),
				manpage.Paragraph("The names of all concentrators, for a script:"),
				manpage.Example("pppoe-discovery -I eth0 --json | jq -r '.concentrators[].name'"),
			}},
		},
		Standards: []string{"RFC 2516 (PPPoE), RFC 4638 (PPPoE with an MTU above 1492), IEEE 802.1Q (VLANs), TR-101 (access lines)"},
		SeeAlso:   []string{"pppoe-client(8)", "pppoe-server(8)", "pppd(8)"},
	}
}
