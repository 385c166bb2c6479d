package main

import (
	"fmt"

	"upppoe/internal/advice"
	"upppoe/pppoe/discovery"
)

// searchOptions are the flags that narrow a search.
var searchOptions = advice.Options{Name: "-C", Service: "-S", NoHostUniq: "omit -U or -W"}

// advice says who answered without being wanted, what keeps answers away, and what to try next.
func (f *flags) advice(unmatched []discovery.Unmatched, obstacle string) []string {
	nobody := ""
	if len(f.vlans) == 0 {
		nobody = fmt.Sprintf("Nobody answers on %s: pppoe-discovery -I %s --vlan 1-4094 searches its VLANs", f.iface, f.iface)
	}
	return searchOptions.Explain(unmatched, obstacle, nobody)
}

// endsAtFirst reports whether one answer is enough: where nothing is printed the original ends
// with the first, too. Which concentrators must be there, and no other, all answers tell.
func (f *flags) endsAtFirst() bool { return f.first || f.quiet && len(f.expect) == 0 }
