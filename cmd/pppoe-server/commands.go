package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"upppoe/internal/config/manpage"
	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/config/similar"
	"upppoe/internal/mgmt/metrics"
)

// command is a subcommand: the first argument of the program names it.
type command struct {
	name string
	args string // its arguments, for the help
	help string
	run  func(args []string) int // returns the exit code
}

// commands returns all subcommands, in the order of the help. Without one the program serves, by
// rp-pppoe's flags.
func commands() []command {
	return []command{
		{"check", "[FILE] [--json]", "check a configuration file (default " + serverconfig.DefaultPath + ") and the files that it names: prints each error with file, line, key, and what is valid; " +
			"exit code 0 if there is none, else 2", checkFile},
		{"config-from-flags", "[FLAG]...", "print the set-up that flags and the options file say as a configuration file, and as comments what has no counterpart", configFromFlags},
		{"config-from-accel", "FILE", "print the set-up of accel-ppp's configuration file as one for this server, and as comments, with the line, what has no counterpart", configFromAccel},
		{"status", "[--json]", "show the running server: interfaces, numbers of sessions, whether it drains", showStatus},
		{"sessions", "[FILTER]... [--sort COLUMN] [--json | --watch]", "show sessions as a table that fits the terminal, sorted, with the present rates, or as JSON: " +
			"all, or those that match all of --user, --ip, --mac, --vlan, --interface, --circuit-id, --remote-id, --state and --id", showSessions},
		{"top", "[FILTER]... [--sort COLUMN] [--once | --count N]", "show the sessions with the highest rates and the totals of the server, live: press ? for the keys; without a terminal, print a table again and again", showTop},
		{"session", "ID|USER|IP|MAC [--json]", "show all that is known of a session", showSession},
		{"disconnect", "ID|USER|IP|MAC|FILTER... [--hard] [--all]", "end a session, by an LCP Terminate-Request or with --hard by a PADT at once; with --all several, or without a filter every one", disconnectSessions},
		{"update", "ID|USER|IP|MAC|FILTER... [--rate-up RATE] [--rate-down RATE] [--burst MS] [--all]", "change the rates of a session while packets flow, until it ends or its client logs in again", updateSessions},
		{"drain", "", "open no new sessions: PADIs get no answer, PADRs an error; open sessions go on", simpleRequest("drain", "the server drains")},
		{"undrain", "", "open new sessions again", simpleRequest("undrain", "the server opens sessions")},
		{"reload", "", "read options and accounts again, as by SIGHUP, for sessions that begin from now on; if they are invalid, nothing changes, and the error is printed", simpleRequest("reload", "reloaded")},
		{"upgrade", "[--exec FILE] [--json]", "replace the running program by a new version, as SIGUSR2 does, without the loss of a session: it takes over sockets and devices once it has read the configuration; " +
			"if it cannot, the running one goes on, and the reason is printed", upgradeServer},
		{"cluster-free", "MACHINE [--yes]", "free the blocks of addresses and the users of a machine of an all-active cluster that is off, at once instead of when hold is over; if it still has clients, addresses are given twice", freeMachine},
		{"pools", "[--json]", "show the address pools, and how much of them sessions use", showPools},
		{"stats", "[--json]", "show totals: set-ups, failures and ends by cause, discovery packets, what was dropped and why, queues", showStats},
		{"events", "[--json]", "show the events of sessions as they happen, until interrupted", showEvents},
		{"log", "[-f] [-n N]", "show the last lines of the server's log", showLog},
		{"dashboard", "", "print a dashboard for Grafana (JSON to import) of the metrics in section [metrics]", printText("dashboard", metrics.Dashboard)},
		{"alert-rules", "", "print alert rules for Prometheus (YAML for rule_files)", printText("alert-rules", metrics.AlertRules)},
	}
}

// findCommand returns the subcommand that the first argument names; nil if it names none.
func findCommand(args []string) *command {
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return len(args) > 0 && c.name == args[0] })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// accelWords are the commands of accel-cmd, with what to use here.
var accelWords = map[string]string{
	"show": "sessions, session, stats or pools", "terminate": "disconnect", "shaper": "update", "shutdown": "drain, and then stop the service",
	"restart": "reload, or restart the service", "start": "--config FILE",
}

// unknownArgument returns the error of a first argument that is neither a flag nor a command.
func unknownArgument(arg string) error {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	use, ok := accelWords[arg]
	if !ok {
		use = similar.To(arg, names)
	}
	if use != "" {
		return &pppd.Error{Message: fmt.Sprintf("there is no command %q: use %s (see pppoe-server --help)", arg, use)}
	}
	return &pppd.Error{Message: fmt.Sprintf("unexpected argument %q (see pppoe-server --help)", arg)}
}

// commandItems returns the subcommands for the manual page.
func commandItems() (items []manpage.Block) {
	for _, c := range commands() {
		items = append(items, manpage.Item{Term: c.name, Arg: c.args, Text: c.help + "."})
	}
	return items
}

// writeCommands writes the subcommands for the help.
func writeCommands(w io.Writer) {
	fmt.Fprintln(w, "\nCommands (pppoe-server COMMAND --help shows the flags of one):")
	for _, c := range commands() {
		pppd.WriteHelpLine(w, strings.TrimSpace(c.name+" "+c.args), c.help)
	}
}

// printText returns a subcommand that prints a file of the program.
func printText(name, text string) func(args []string) int {
	return func(args []string) int {
		set := commandFlags(name)
		if code, ok := parseCommand(set, args); !ok {
			return code
		}
		if err := noArguments(set.Args()); err != nil {
			return fail(err)
		}
		if _, err := os.Stdout.WriteString(text); err != nil {
			return fail(err)
		}
		return 0
	}
}
