package main

import (
	"strconv"

	"github.com/spf13/pflag"

	"upppoe/internal/config/manpage"
)

// page is the manual page, with the flags from the set that parses them.
func page(set *pflag.FlagSet) *manpage.Page {
	return &manpage.Page{
		Name:     "pppoe-discovery",
		Brief:    "list the PPPoE access concentrators that answer",
		Synopsis: []string{"[`-I` INTERFACE] [FLAG]...", "`--help` | `--version` | `--man`"},
		Sections: []manpage.Section{
			{Title: "DESCRIPTION", Blocks: []manpage.Block{
				manpage.Paragraph("`pppoe-discovery` asks on an Ethernet interface who offers PPPoE sessions (a PADI packet), and prints " +
					"each offer that comes back (a PADO): the access concentrator's name, the services it has, its cookie, and its " +
					"Ethernet address. No session is opened. Flags, output and exit codes are those of the program of that name " +
					"which comes with pppd."),
				manpage.Paragraph("It listens for the whole timeout, to list all concentrators: 5 seconds, and while nobody answers it asks 3 times, " +
					"15 seconds in all. `--first` ends with the first answer. The PADI has no Host-Uniq tag unless `-U` or `-W` asks for " +
					"one; `--vlan` and `--watch` always send one, to know which question an answer belongs to."),
				manpage.Paragraph("Beyond that program, it searches VLANs (`--vlan`) for which the kernel needs no devices, keeps watch of " +
					"who comes, goes and changes (`--watch`), and tells of those that do not belong there (`--expect`)."),
				manpage.Paragraph("It needs root, or the capability CAP_NET_RAW and nothing else."),
			}},
			{Title: "OPTIONS", Blocks: manpage.Flags(set)},
			{Title: "VLANS", Blocks: []manpage.Block{
				manpage.Paragraph("`--vlan` takes a list, parted by commas, of"),
				manpage.Item{Term: "50", Text: "one 802.1Q tag, or a range like 1-4094."},
				manpage.Item{Term: "50.100", Text: "an 802.1ad tag (0x88a8) and an 802.1Q tag (0x8100) within it; each may be a range, " +
					"like 10-12.100-200."},
				manpage.Item{Term: "0x8100:50.0x8100:100", Text: "the same with ethertypes of one's own."},
				manpage.Item{Term: "0", Text: "a tag that only has a priority."},
				manpage.Item{Term: "untagged", Text: "no tag."},
				manpage.Paragraph("Each concentrator is shown with the VLAN on which it answered. 4094 VLANs take about six seconds. An " +
					"interface like eth0.50 of the kernel is searched as any other, without `--vlan`."),
			}},
			{Title: "WATCHING", Blocks: []manpage.Block{
				manpage.Paragraph("`--watch` prints a line for each event: one is new; one has changed its name, its services, its error, or " +
					"a name has come up at another address; one is gone; one that is expected is missing."),
				manpage.Paragraph("`--expect` takes an Ethernet address or an AC-Name. A name is easily forged, and an address hardly less so: " +
					"an alarm finds mistakes sooner than attacks. The vendor that is shown is that of the address in the IEEE's " +
					"list, as it was when the program was built."),
			}},
			{Title: "EXIT STATUS", Blocks: []manpage.Block{
				manpage.Item{Term: strconv.Itoa(exitFound), Text: "at least one concentrator answered; with `--expect`: all those expected did, and " +
					"no other."},
				manpage.Item{Term: strconv.Itoa(exitNone), Text: "none did, or one that was expected did not, or it could not be asked: the message tells."},
				manpage.Item{Term: strconv.Itoa(exitUnexpected), Text: "one answered that was not expected (with `--watch`: only with `--alarm`)."},
			}},
			{Title: "SIGNALS", Blocks: []manpage.Block{
				manpage.Item{Term: "SIGTERM, SIGINT, SIGQUIT", Text: "stop waiting for answers: the exit code tells whether there were any."},
			}},
			{Title: "EXAMPLES", Blocks: []manpage.Block{
				manpage.Paragraph("Who is there?"),
				manpage.Example("pppoe-discovery -I eth0"),
				manpage.Paragraph("Does anybody offer the service internet? The exit code tells."),
				manpage.Example("pppoe-discovery -I eth0 -S internet -Q"),
				manpage.Paragraph("On which VLAN is my provider?"),
				manpage.Example("pppoe-discovery -I eth0 --vlan 1-4094"),
				manpage.Paragraph("For monitoring: is there anybody beside my own concentrator?"),
				manpage.Example("pppoe-discovery -I eth0 --expect 00:00:5e:00:53:01 -Q"),
				manpage.Paragraph("The names of all concentrators, for a script:"),
				manpage.Example("pppoe-discovery -I eth0 --json | jq -r '.concentrators[].name'"),
			}},
		},
		Standards: []string{"RFC 2516 (PPPoE), RFC 4638 (PPPoE with an MTU above 1492), IEEE 802.1Q (VLANs), TR-101 (access lines)"},
		SeeAlso:   []string{"pppoe-client(8)", "pppoe-server(8)", "pppd(8)"},
	}
}
