package main

import (
	"strconv"

	"github.com/spf13/pflag"

	"upppoe/internal/manual"
)

// page is the manual page, with the flags from the set that parses them.
func page(set *pflag.FlagSet) *manual.Page {
	return &manual.Page{
		Name:     "pppoe-discovery",
		Brief:    "list the PPPoE access concentrators that answer",
		Synopsis: []string{"[`-I` INTERFACE] [FLAG]...", "`--help` | `--version` | `--man`"},
		Sections: []manual.Section{
			{Title: "DESCRIPTION", Blocks: []manual.Block{
				manual.Paragraph("`pppoe-discovery` asks on an Ethernet interface who offers PPPoE sessions (a PADI packet), and prints " +
					"each offer that comes back (a PADO): the access concentrator's name, the services it has, its cookie, and its " +
					"Ethernet address. No session is opened. Flags, output and exit codes are those of the program of that name " +
					"which comes with pppd."),
				manual.Paragraph("It listens for the whole timeout, to list all concentrators: 5 seconds, and while nobody answers it asks 3 times, " +
					"15 seconds in all. `--first` ends with the first answer. The PADI has no Host-Uniq tag unless `-U` or `-W` asks for " +
					"one; `--vlan` and `--watch` always send one, to know which question an answer belongs to."),
				manual.Paragraph("Beyond that program, it searches VLANs (`--vlan`) for which the kernel needs no devices, keeps watch of " +
					"who comes, goes and changes (`--watch`), and tells of those that do not belong there (`--expect`)."),
				manual.Paragraph("It needs root, or the capability CAP_NET_RAW and nothing else."),
			}},
			{Title: "OPTIONS", Blocks: manual.Flags(set)},
			{Title: "VLANS", Blocks: []manual.Block{
				manual.Paragraph("`--vlan` takes a list, parted by commas, of"),
				manual.Item{Term: "50", Text: "one 802.1Q tag, or a range like 1-4094."},
				manual.Item{Term: "50.100", Text: "an 802.1ad tag (0x88a8) and an 802.1Q tag (0x8100) within it; each may be a range, " +
					"like 10-12.100-200."},
				manual.Item{Term: "0x8100:50.0x8100:100", Text: "the same with ethertypes of one's own."},
				manual.Item{Term: "0", Text: "a tag that only has a priority."},
				manual.Item{Term: "untagged", Text: "no tag."},
				manual.Paragraph("Each concentrator is shown with the VLAN on which it answered. 4094 VLANs take about six seconds. An " +
					"interface like eth0.50 of the kernel is searched as any other, without `--vlan`."),
			}},
			{Title: "WATCHING", Blocks: []manual.Block{
				manual.Paragraph("`--watch` prints a line for each event: one is new; one has changed its name, its services, its error, or " +
					"a name has come up at another address; one is gone; one that is expected is missing."),
				manual.Paragraph("`--expect` takes an Ethernet address or an AC-Name. A name is easily forged, and an address hardly less so: " +
					"an alarm finds mistakes sooner than attacks. The vendor that is shown is that of the address in the IEEE's " +
					"list, as it was when the program was built."),
			}},
			{Title: "EXIT STATUS", Blocks: []manual.Block{
				manual.Item{Term: strconv.Itoa(exitFound), Text: "at least one concentrator answered; with `--expect`: all those expected did, and " +
					"no other."},
				manual.Item{Term: strconv.Itoa(exitNone), Text: "none did, or one that was expected did not, or it could not be asked: the message tells."},
				manual.Item{Term: strconv.Itoa(exitUnexpected), Text: "one answered that was not expected (with `--watch`: only with `--alarm`)."},
			}},
			{Title: "SIGNALS", Blocks: []manual.Block{
				manual.Item{Term: "SIGTERM, SIGINT, SIGQUIT", Text: "stop waiting for answers: the exit code tells whether there were any."},
			}},
			{Title: "EXAMPLES", Blocks: []manual.Block{
				manual.Paragraph("Who is there?"),
				manual.Example("pppoe-discovery -I eth0"),
				manual.Paragraph("Does anybody offer the service internet? The exit code tells."),
				manual.Example("pppoe-discovery -I eth0 -S internet -Q"),
				manual.Paragraph("On which VLAN is my provider?"),
				manual.Example("pppoe-discovery -I eth0 --vlan 1-4094"),
				manual.Paragraph("For monitoring: is there anybody beside my own concentrator?"),
				manual.Example("pppoe-discovery -I eth0 --expect 00:00:5e:00:53:01 -Q"),
				manual.Paragraph("The names of all concentrators, for a script:"),
				manual.Example("pppoe-discovery -I eth0 --json | jq -r '.concentrators[].name'"),
			}},
		},
		Standards: []string{"RFC 2516 (PPPoE), RFC 4638 (PPPoE with an MTU above 1492), IEEE 802.1Q (VLANs), TR-101 (access lines)"},
		SeeAlso:   []string{"pppoe-client(8)", "pppoe-server(8)", "pppd(8)"},
	}
}
