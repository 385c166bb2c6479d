package main

import (
	"github.com/spf13/pflag"

	"upppoe/internal/config/completion"
	"upppoe/internal/mgmt/sessiontable"
)

// syntax returns what may follow the program's name.
func syntax() completion.Syntax {
	s := completion.Syntax{Words: serverWords()}
	for _, c := range commands() {
		s.Commands = append(s.Commands, completion.Command{Name: c.name, Help: c.help, Syntax: func() completion.Syntax {
			return commandSyntax(c)
		}})
	}
	return s
}

// serverWords returns the flags of the server.
func serverWords() []completion.Word {
	vlans := ""
	return completion.Flags(newFlags(&flags{}, &vlans))
}

// commandSyntax returns the flags of a subcommand, and its argument.
func commandSyntax(c command) (s completion.Syntax) {
	switch c.name {
	case "config-from-flags":
		return completion.Syntax{Words: serverWords()}
	case "check", "config-from-accel":
		s.Argument = "FILE"
	}
	inspectFlags = func(set *pflag.FlagSet) { s.Words = completion.Flags(set) }
	defer func() { inspectFlags = nil }()
	c.run(nil)
	s.Words = append(s.Words, completion.Word{Text: "--help", Help: "print the help of this command"})
	return s
}

// completionValues returns what may be given as a value.
func completionValues(name string) []string {
	switch name {
	case "INTERFACE":
		return completion.Interfaces()
	case "POLICY":
		return []string{"allow", "replace", "refuse"}
	case "MODE":
		return []string{perSession, sharedDevice}
	case "STATE":
		return []string{"establish", "authenticate", "network", "online", "closing"}
	case "COLUMN":
		return sessiontable.Names()
	}
	return nil
}
