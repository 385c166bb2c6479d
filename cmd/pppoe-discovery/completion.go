package main

import (
	"upppoe/internal/config/completion"
	"upppoe/internal/config/manpage"
)

// complete answers the shell's question how a command line may go on.
func (p *program) complete(words []string) int {
	set := flagSet(&flags{}, &rawFlags{})
	manpage.AddFlag(set, p.out, func() *manpage.Page { return page(set) })
	if err := completion.Write(p.out, completion.Syntax{Words: completion.Flags(set), Commands: []completion.Command{explainCompletion}}, completionValues, words); err != nil {
		return p.fail(err)
	}
	return exitFound
}

var explainCompletion = completion.Command{Name: explainCommand, Help: "explain the sessions of a capture file", Syntax: func() completion.Syntax {
	return completion.Syntax{Words: completion.Flags(explainFlagSet(&explainFlags{})), Argument: "FILE"}
}}

// completionValues returns what may be given as a value.
func completionValues(name string) []string {
	if name == "INTERFACE" {
		return completion.Interfaces()
	}
	return nil
}
