package main

import (
	"fmt"

	"github.com/spf13/pflag"
)

// ignoredFlags are flags of rp-pppoe's that set-ups have and that mean nothing here, so that
// those need no edits.
var ignoredFlags = []struct {
	letter, name, takes, why string
}{
	{"k", "kernel-mode", "", "no PPP in the kernel is used"},
	{"s", "synchronous", "", "there is no serial line"},
	{"q", "pppd", "FILE", "no pppd is used"},
	{"Q", "pppoe", "FILE", "no pppoe is used"},
	{"g", "plugin", "FILE", "no pppd is used, nor its plugins"},
	{"u", "unit", "", "devices are numbered by themselves"},
	{"r", "random-sessions", "", "session IDs count from 1: a client is known by its Ethernet address, too"},
	{"T", "timeout", "SECONDS", "lcp-echo-interval and lcp-echo-failure in the options file find clients that are gone"},
}

// addIgnoredFlags has a set take them.
func addIgnoredFlags(set *pflag.FlagSet) {
	for _, f := range ignoredFlags {
		if f.takes == "" {
			set.BoolP(f.name, f.letter, false, "(no effect) "+f.why)
		} else {
			set.StringP(f.name, f.letter, "", fmt.Sprintf("(no effect) whatever the `%s`: %s", f.takes, f.why))
		}
	}
}

// ignoredFlagWarnings say which of them were given.
func ignoredFlagWarnings(set *pflag.FlagSet) (all []string) {
	for _, f := range ignoredFlags {
		if set.Changed(f.name) {
			all = append(all, fmt.Sprintf("flag -%s has no effect: %s", f.letter, f.why))
		}
	}
	return all
}
