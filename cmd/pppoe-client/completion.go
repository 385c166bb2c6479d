package main

import (
	"path/filepath"
	"slices"
	"strings"

	"upppoe/internal/config/completion"
	"upppoe/internal/config/pppd"
)

// syntax returns what may follow the program's name.
func syntax() completion.Syntax {
	s := completion.Syntax{Argument: "INTERFACE", Words: []completion.Word{
		{Text: "--help", Help: "print the help"}, {Text: "--version", Help: "print the version"}, {Text: "--man", Help: "print the manual page"},
	}}
	for _, group := range pppd.Options(pppd.Client) {
		for _, o := range group.Options {
			if o.Status == pppd.Honoured && strings.ToLower(o.Name) == o.Name { // capitals stand for a value
				s.Words = append(s.Words, completion.Word{Text: o.Name, Help: o.Help, Value: valueName(o)})
			}
		}
	}
	for _, c := range commandHelp {
		s.Commands = append(s.Commands, completion.Command{Name: c.name, Help: c.help, Syntax: func() completion.Syntax {
			return completion.Syntax{Argument: "CLIENT", Words: c.flags}
		}})
	}
	return s
}

// valueName returns the name of an option's value.
func valueName(o pppd.Option) string {
	if o.Name == "call" {
		return "PEER"
	}
	return o.Arg
}

// commandHelp are the subcommands with their flags, for completion.
var commandHelp = []struct {
	name, help string
	flags      []completion.Word
}{
	{"status", "show the state of running clients", []completion.Word{{Text: "--json", Help: "print JSON"}}},
	{"doctor", "check what a dial needs, without dialling", []completion.Word{{Text: "--json", Help: "print JSON"}}},
	{"top", "show rates, round-trip time, loss and events, live", []completion.Word{
		{Text: "--once", Help: "print one table"}, {Text: "--count", Help: "print N tables", Value: "N"}}},
	{"events", "show events as they happen, in JSON", nil},
	{"log", "show the log", []completion.Word{
		{Text: "-f", Help: "also show new lines"}, {Text: "-n", Help: "show the last N lines", Value: "N"}}},
	{"hangup", "end the session; redial with persist", []completion.Word{{Text: "--all", Help: "of all clients"}}},
	{"stop", "end the session and the client", []completion.Word{{Text: "--all", Help: "all clients"}}},
	{"load", "test a concentrator with many sessions", completion.Flags(loadFlagSet(&loadFlags{}))},
}

// completionValues returns what may be given as a value.
func completionValues(name string) []string {
	switch name {
	case "INTERFACE":
		return completion.Interfaces()
	case "PEER":
		return completion.FilesIn(filepath.Join(etc, "peers"))
	case "CLIENT":
		return clientNames()
	case "METHOD":
		return []string{"auto", "resolved", "resolvconf", "file", "none"}
	case "KIND":
		return completion.DataPaths()
	case "DIRECTION":
		return []string{"sum", "in", "out", "max"}
	}
	return nil
}

// clientNames returns the peers of running clients, and the interfaces of those without one.
func clientNames() (names []string) {
	found, _ := find("")
	for _, s := range found {
		if s.Call != "" {
			names = append(names, s.Call)
		} else {
			names = append(names, s.Attachment)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
