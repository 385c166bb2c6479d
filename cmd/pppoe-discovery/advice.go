package main

import (
	"fmt"

	"upppoe/internal/advice"
	"upppoe/pppoe/discovery"
)

// searchOptions are the flags that restrict discovery, for advice.
var searchOptions = advice.Options{Name: "-C", Service: "-S", NoHostUniq: "omit -U or -W"}

// advice returns lines that name concentrators whose answers were dropped, what prevents answers, and
// what to try next.
func (f *flags) advice(unmatched []discovery.Unmatched, obstacle string) []string {
	silence := ""
	if len(f.vlans) == 0 {
		silence = fmt.Sprintf("No PADO received on %s: pppoe-discovery -I %s --vlan 1-4094 searches its VLANs", f.iface, f.iface)
	}
	return searchOptions.Explain(unmatched, obstacle, silence)
}

// endsAtFirst reports whether one answer is enough. Like the original, the program ends with the first
// if it prints nothing. --expect needs all answers.
func (f *flags) endsAtFirst() bool { return f.first || f.quiet && len(f.expect) == 0 }
