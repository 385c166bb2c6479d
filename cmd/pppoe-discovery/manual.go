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
		Synopsis: []string{"`-I` INTERFACE [FLAG]...", "`--help` | `--man`"},
		Sections: []manual.Section{
			{Title: "DESCRIPTION", Blocks: []manual.Block{
				manual.Paragraph("`pppoe-discovery` asks on an Ethernet interface who offers PPPoE sessions (a PADI packet), and prints " +
					"each offer that comes back (a PADO): the access concentrator's name, the services it has, its cookie, and its " +
					"Ethernet address. No session is opened. Flags, output and exit codes are those of the program of that name " +
					"which comes with pppd."),
				manual.Paragraph("It needs root, or the capability CAP_NET_RAW."),
			}},
			{Title: "OPTIONS", Blocks: manual.Flags(set)},
			{Title: "EXIT STATUS", Blocks: []manual.Block{
				manual.Item{Term: strconv.Itoa(exitFound), Text: "at least one concentrator answered."},
				manual.Item{Term: strconv.Itoa(exitNone), Text: "none did, or it could not be asked: the message tells."},
				manual.Item{Term: strconv.Itoa(exitUnexpected), Text: "with `--expect`: somebody answered who is not expected."},
			}},
			{Title: "SIGNALS", Blocks: []manual.Block{
				manual.Item{Term: "SIGTERM, SIGINT", Text: "stop waiting for answers: the exit code tells whether there were any."},
			}},
			{Title: "EXAMPLES", Blocks: []manual.Block{
				manual.Paragraph("Who is there?"),
				manual.Example("pppoe-discovery -I eth0"),
				manual.Paragraph("Does anybody offer the service internet? The exit code tells."),
				manual.Example("pppoe-discovery -I eth0 -S internet -Q"),
				manual.Paragraph("The names of all concentrators, for a script:"),
				manual.Example("pppoe-discovery -I eth0 --json | jq -r '.concentrators[].name'"),
			}},
		},
		Standards: []string{"RFC 2516 (PPPoE), RFC 4638 (PPPoE with an MTU above 1492)"},
		SeeAlso:   []string{"pppoe-client(8)", "pppoe-server(8)", "pppd(8)"},
	}
}
