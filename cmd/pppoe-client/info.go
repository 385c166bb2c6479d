package main

import (
	"fmt"
	"os"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/internal/version"
)

// printInfo answers a question about the program, under whatever name it was called.
func printInfo(name string, args []string) (code int, answered bool) {
	switch infoOption(name, args) {
	case pppd.InfoHelp:
		return help(name), true
	case pppd.InfoVersion:
		if name == "pppd" {
			fmt.Println(version.PPPD())
		} else {
			fmt.Println(version.Line(programName(name)))
		}
		return exitOK, true
	case pppd.InfoManual:
		return manual(), true
	}
	return 0, false
}

// infoOption is the question. Of poff and plog the arguments are no options of pppd's, and those of
// pon are so only after the peer.
func infoOption(name string, args []string) pppd.InfoOption {
	switch name {
	case "poff", "plog":
		if len(args) == 0 {
			return pppd.NoInfo
		}
		return pppd.FindInfoOption(args[:1])
	case "pppd", "pon":
		return pppd.FindInfoOption(args)
	}
	if len(args) == 0 || args[0] == "help" { // further on, the bare word may be a name
		return pppd.InfoHelp
	}
	return pppd.FindInfoOption(args)
}

// programName is the name by which the program speaks of itself: its own under a name of no meaning.
func programName(name string) string {
	if _, other := aliases[name]; other {
		return name
	}
	return "pppoe-client"
}

// usages are what the other names print for --help. That of pppd begins with its version, as
// pppd's own does.
var usages = map[string]string{"pon": ponUsage, "poff": poffUsage, "plog": plogUsage}

func help(name string) int {
	if text, ok := usages[name]; ok {
		fmt.Print(text)
		return exitOK
	}
	if name == "pppd" {
		fmt.Println(version.PPPD())
	}
	fmt.Print(strings.TrimLeft(usage, "\n"))
	fmt.Println("\nExit codes:")
	for _, e := range exits {
		fmt.Printf("  %-28d %s\n", e.code, e.meaning)
	}
	pppd.WriteHelp(os.Stdout, pppd.Client)
	return exitOK
}

const usage = `
pppoe-client dials a PPPoE session without PPP in the kernel.

  pppoe-client eth0 user alice password-file /etc/ppp/alice defaultroute
  pppoe-client call my-provider        (options from /etc/ppp/peers/my-provider)
  pppoe-client status [--json]         (how are those that run?)
  pppoe-client log [-f] my-provider    (what did it say? events: the same in JSON)
  pppoe-client hangup my-provider      (dial anew, if it persists)
  pppoe-client stop my-provider        (hang up for good)

Options are pppd's words, in files and on the command line; there, --user alice and
--user=alice do as well. It needs root, or CAP_NET_RAW and CAP_NET_ADMIN, and
/dev/net/tun. Once online it goes to the background, unless told nodetach. --man prints
the manual page, --version the version. Called as pppd, pon, poff or plog (by a link) it
does what those do.
`
