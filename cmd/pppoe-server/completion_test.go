package main

import (
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"upppoe/internal/config/completion"
)

// TestCompletionCommands: every subcommand shows its flags, and does nothing.
func TestCompletionCommands(t *testing.T) {
	for _, c := range commands() {
		if c.name == "config-from-flags" { // it has the server's
			continue
		}
		inspected := false
		inspectFlags = func(*pflag.FlagSet) { inspected = true }
		c.run(nil)
		inspectFlags = nil
		if !inspected {
			t.Errorf("%s does not parse its flags by parseCommand", c.name)
		}
	}
}

// TestCompletionValues: the values that are offered for a flag are those that it accepts.
func TestCompletionValues(t *testing.T) {
	for flag, values := range map[string]int{"--duplicate-session": 3, "--device": 2} {
		offered := completion.Complete(syntax(), completionValues, []string{flag, ""})
		if len(offered) != values {
			t.Errorf("%s: %v, want %d", flag, offered, values)
		}
		for _, value := range offered {
			if _, err := parseFlags([]string{flag, value.Text}); err != nil {
				t.Errorf("%s %s: %v", flag, value.Text, err)
			}
		}
	}
	words := syntax().Commands[slices.IndexFunc(commands(), func(c command) bool { return c.name == "sessions" })].Syntax().Words
	if !slices.ContainsFunc(words, func(w completion.Word) bool { return w.Text == "--sort" && w.Value == "COLUMN" }) {
		t.Errorf("sessions offers %v", words)
	}
}
