package main

import (
	"fmt"

	"upppoe/pppoe"
)

// advice says who answered without being wanted, what keeps answers away, and what to try next.
func (f *flags) advice(unmatched []pppoe.Unmatched, obstacle string) (lines []string) {
	for _, u := range unmatched {
		lines = append(lines, u.String()+remedy(u))
	}
	switch {
	case obstacle != "":
		lines = append(lines, obstacle)
	case len(unmatched) > 0 || len(f.vlans) > 0:
	default:
		lines = append(lines, fmt.Sprintf("Nobody answers on %s: pppoe-discovery -I %s --vlan 1-4094 searches its VLANs", f.iface, f.iface))
	}
	return lines
}

// endsAtFirst reports whether one answer is enough: where nothing is printed the original ends
// with the first, too. Which concentrators must be there, and no other, all answers tell.
func (f *flags) endsAtFirst() bool { return f.first || f.quiet && len(f.expect) == 0 }

// remedy is what can be done about a mismatch.
func remedy(u pppoe.Unmatched) string {
	switch u.Why {
	case pppoe.NoHostUniq:
		return ": leave out -U or -W"
	case pppoe.OtherName:
		return ": leave out -C, or give this name"
	case pppoe.OtherService:
		if len(u.Services) == 0 {
			return ": leave out -S"
		}
		return ": leave out -S, or give one of these"
	}
	return ""
}
