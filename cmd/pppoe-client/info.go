package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/internal/version"
)

// printInfo prints the help, version or manual page if the arguments request it, and reports whether
// they do. name is the name under which the program was called.
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

// infoOption returns the informational option of the arguments. poff and plog have options of their own,
// so only their first argument counts.
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
	if len(args) > 0 && args[0] == "load" { // it has a help of its own
		return pppd.NoInfo
	}
	if len(args) == 0 || args[0] == "help" { // later in the line, help may be a value
		return pppd.InfoHelp
	}
	return pppd.FindInfoOption(args)
}

// programName returns the name to print: the alias under which the program was called, or its own.
func programName(name string) string {
	if _, other := aliases[name]; other {
		return name
	}
	return "pppoe-client"
}

// usages are the help texts of aliases. That of pppd is the program's own, after pppd's version as
// pppd prints it.
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
		pppd.WriteHelpLine(os.Stdout, strconv.Itoa(e.code), e.meaning)
	}
	pppd.WriteHelp(os.Stdout, pppd.Client)
	return exitOK
}

const usage = `
pppoe-client is a PPPoE client that needs no PPP in the kernel.

  pppoe-client eth0 user alice password-file /etc/ppp/alice defaultroute
  pppoe-client call my-provider        (options from /etc/ppp/peers/my-provider)
  pppoe-client doctor eth0 [--json]    (check all that a dial needs, without dialling)
  pppoe-client status [--json]         (state of all running clients)
  pppoe-client top [my-provider]       (live: rates, round-trip time, loss, last events)
  pppoe-client log [-f] [my-provider]  (its log, or that of all; events: the same in JSON)
  pppoe-client hangup my-provider      (end the session; redial with persist)
  pppoe-client stop my-provider        (end the session and the client)
  pppoe-client load -I eth0 -n 1000    (test a concentrator with many sessions: load --help)

Options are pppd's, in files and on the command line, where --user alice and --user=alice
are accepted too. It needs root, or CAP_NET_RAW and CAP_NET_ADMIN, and /dev/net/tun. Once
online it goes to the background, unless nodetach is given. --man prints the manual page,
--version the version. Called as pppd, pon, poff or plog (by a link) it works like those.
`
