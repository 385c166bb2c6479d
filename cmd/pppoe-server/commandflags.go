package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"upppoe/internal/config/flagerror"
	"upppoe/internal/config/pppd"
)

// commandFlags returns an empty set of flags for a subcommand, whose help is of the table of commands.
func commandFlags(name string) *pflag.FlagSet {
	set := pflag.NewFlagSet(name, pflag.ContinueOnError)
	set.SortFlags = false
	set.Usage = func() {
		c := findCommand([]string{name})
		fmt.Printf("usage: pppoe-server %s\n\n", strings.TrimSpace(c.name+" "+c.args))
		pppd.WriteHelpLine(os.Stdout, c.name, c.help)
		if text := set.FlagUsagesWrapped(100); text != "" {
			fmt.Print("\nFlags:\n" + text)
		}
	}
	return set
}

// inspectFlags, if it is set, gets the complete flags of a subcommand, which then does nothing.
var inspectFlags func(*pflag.FlagSet)

// parseCommand parses the flags of a subcommand. If ok is false, the program ends with the exit code.
func parseCommand(set *pflag.FlagSet, args []string) (code int, ok bool) {
	if inspectFlags != nil {
		inspectFlags(set)
		return exitOK, false
	}
	switch err := set.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return exitOK, false
	case err != nil:
		return fail(&pppd.Error{Message: fmt.Sprintf("%v (see pppoe-server %s --help)", flagerror.Explain(err), set.Name())}), false
	}
	return exitOK, true
}

// fileArgument is parseCommand for a subcommand with one file as its argument. Without it the default
// is returned; an empty default makes it necessary.
func fileArgument(set *pflag.FlagSet, args []string, usual string) (path string, code int, ok bool) {
	if code, ok = parseCommand(set, args); !ok {
		return "", code, false
	}
	switch {
	case set.NArg() == 1:
		return set.Arg(0), exitOK, true
	case set.NArg() == 0 && usual != "":
		return usual, exitOK, true
	}
	return "", fail(&pppd.Error{Message: fmt.Sprintf("give one file (see pppoe-server %s --help)", set.Name())}), false
}

// noArguments returns an error if there are arguments.
func noArguments(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return &pppd.Error{Message: fmt.Sprintf("unexpected argument %q", args[0])}
}
