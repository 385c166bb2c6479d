package main

import (
	"fmt"

	"github.com/spf13/pflag"
)

type ignoredFlag struct{ letter, name, takes, why string }

// ignoredFlags are flags of rp-pppoe that are accepted and ignored, so that existing scripts need not be
// changed.
var ignoredFlags = []ignoredFlag{
	{"k", "kernel-mode", "", "no PPP in the kernel is used"},
	{"s", "synchronous", "", "there is no serial line"},
	{"q", "pppd", "FILE", "no pppd is used"},
	{"Q", "pppoe", "FILE", "no pppoe is used"},
	{"g", "plugin", "FILE", "no pppd plugins are used"},
	{"u", "unit", "", "devices are numbered automatically"},
	{"T", "timeout", "SECONDS", "use lcp-echo-interval and lcp-echo-failure in the options file"},
}

// addIgnoredFlags adds them to a set.
func addIgnoredFlags(set *pflag.FlagSet) {
	for _, f := range ignoredFlags {
		if f.takes == "" {
			set.BoolP(f.name, f.letter, false, "ignored: "+f.why)
		} else {
			set.StringP(f.name, f.letter, "", fmt.Sprintf("ignored, with its `%s`: %s", f.takes, f.why))
		}
	}
}

// ignoredFlagWarnings returns a warning for each ignored flag that is given.
func ignoredFlagWarnings(set *pflag.FlagSet) (all []string) {
	for _, f := range ignoredFlags {
		if set.Changed(f.name) {
			all = append(all, fmt.Sprintf("flag -%s is ignored: %s", f.letter, f.why))
		}
	}
	return all
}
