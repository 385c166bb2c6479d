package main

import (
	"slices"
	"strings"

	"github.com/gopacket/gopacket/macs"

	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// answer is a concentrator's PADO, with what is printed about it.
type answer struct {
	pppoe.ScanResult
	scanned    bool // --vlan was given
	unexpected bool
}

// refused reports whether the answer is an error, not an offer.
func (a answer) refused() bool {
	_, bad := a.Tags.FindError()
	return bad
}

// services returns the offered Service-Names, sorted.
func services(tags wire.Tags) (names []string) {
	for t := range tags.All() {
		if t.Type == wire.TagServiceName {
			names = append(names, string(t.Value))
		}
	}
	slices.Sort(names)
	return names
}

// milliseconds returns the latency of the answer.
func (a answer) milliseconds() float64 { return float64(a.Latency.Microseconds()) / 1000 }

// vendor returns the vendor to which the IEEE assigned the address; empty if unknown.
func vendor(a wire.Addr) string {
	if a[0]&2 != 0 {
		return "locally administered"
	}
	return strings.Join(strings.Fields(macs.ValidMACPrefixMap[[3]byte(a[:3])]), " ")
}

// quoted returns untrusted names, quoted and escaped for a terminal.
func quoted(names []string) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = wire.Quote(n)
	}
	return strings.Join(texts, ", ")
}
