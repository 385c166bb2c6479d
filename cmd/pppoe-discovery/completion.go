package main

import (
	"upppoe/internal/config/completion"
	"upppoe/internal/config/manpage"
)

// complete answers the shell's question how a command line may go on.
func (p *program) complete(words []string) int {
	set := flagSet(&flags{}, &rawFlags{})
	manpage.AddFlag(set, p.out, func() *manpage.Page { return page(set) })
	if err := completion.Write(p.out, completion.Syntax{Words: completion.Flags(set)}, completionValues, words); err != nil {
		return p.fail(err)
	}
	return exitFound
}

// completionValues returns what may be given as a value.
func completionValues(name string) []string {
	if name == "INTERFACE" {
		return completion.Interfaces()
	}
	return nil
}
