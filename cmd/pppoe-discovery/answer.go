package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopacket/gopacket/macs"

	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// answer is a concentrator's, as it is shown.
type answer struct {
	pppoe.ScanResult
	scanned    bool // VLANs were asked for
	unexpected bool
}

// refused reports whether it is an error, and no offer.
func (a answer) refused() bool {
	_, bad := a.Tags.FindError()
	return bad
}

// services are the Service-Names offered, sorted.
func services(tags wire.Tags) (names []string) {
	for t := range tags.All() {
		if t.Type == wire.TagServiceName {
			names = append(names, string(t.Value))
		}
	}
	slices.Sort(names)
	return names
}

// milliseconds is how long the answer took.
func (a answer) milliseconds() float64 { return float64(a.Latency.Microseconds()) / 1000 }

// vendor is whom the IEEE gave the address to; empty: nobody known.
func vendor(a wire.Addr) string {
	if a[0]&2 != 0 {
		return "locally administered"
	}
	return strings.Join(strings.Fields(macs.ValidMACPrefixMap[[3]byte(a[:3])]), " ")
}

// quoted are names of strangers, fit for a terminal.
func quoted(names []string) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = quote(n)
	}
	return strings.Join(texts, ", ")
}

func quote(text string) string {
	return fmt.Sprintf("\"%s\"", strings.ReplaceAll(wire.Escape(text), `"`, `\042`))
}
