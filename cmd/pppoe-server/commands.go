package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"upppoe/internal/config/manpage"
	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
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

// commandItems returns the subcommands for the manual page.
func commandItems() (items []manpage.Block) {
	for _, c := range commands() {
		items = append(items, manpage.Item{Term: c.name, Arg: c.args, Text: c.help + "."})
	}
	return items
}

// writeCommands writes the subcommands for the help.
func writeCommands(w io.Writer) {
	fmt.Fprintln(w, "\nCommands:")
	for _, c := range commands() {
		pppd.WriteHelpLine(w, strings.TrimSpace(c.name+" "+c.args), c.help)
	}
}
