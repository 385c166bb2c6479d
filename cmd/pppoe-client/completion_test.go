package main

import (
	"maps"
	"slices"
	"testing"

	"upppoe/internal/config/completion"
	"upppoe/internal/config/pppd"
)

// TestCompletionCommands: every subcommand is offered, with flags that it accepts.
func TestCompletionCommands(t *testing.T) {
	var names []string
	for _, c := range commandHelp {
		names = append(names, c.name)
	}
	slices.Sort(names)
	if want := slices.Sorted(maps.Keys(commands)); !slices.Equal(names, want) {
		t.Errorf("offered are %q, want %q", names, want)
	}
}

// TestCompletionValues: the values that are offered for an option are those that it accepts.
func TestCompletionValues(t *testing.T) {
	for _, w := range syntax().Words {
		if w.Value == "INTERFACE" || w.Value == "PEER" {
			continue // as the machine has them
		}
		for _, value := range completionValues(w.Value) {
			r := pppd.Reader{Role: pppd.Client, Settings: pppd.New()}
			if err := r.CommandLine([]string{"nic-eth0", w.Text, value}); err != nil {
				t.Errorf("%s %s: %v", w.Text, value, err)
			}
		}
	}
	for line, want := range map[string]int{"resolv": 5, "datapath": 4, "mo-direction": 4} {
		if got := completion.Complete(syntax(), completionValues, []string{"eth0", line, ""}); len(got) != want {
			t.Errorf("%s offers %v, want %d values", line, got, want)
		}
	}
}
