package hostnet

import (
	"fmt"
	"net/netip"
	"strings"
)

// A resolv.conf(5) that is lent to a line says so itself: what was added is between two
// comments, and what was put aside is in comments too. So its former text can be had
// from it again, also after a crash.
const (
	lentBegin    = "# upppoe added this for " // and the device
	lentFile     = ", and made the file"
	lentEnd      = "# upppoe added this: end\n"
	lentPutAside = "# upppoe put aside: "
)

// lent puts name servers in the place of those of a text. The other lines stay.
func lent(text string, made bool, device string, names []netip.Addr) string {
	var b strings.Builder
	b.WriteString(lentBegin + device)
	if made {
		b.WriteString(lentFile)
	}
	fmt.Fprintf(&b, "\n%s%s", lines(names), lentEnd)
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == "nameserver" {
			b.WriteString(lentPutAside)
		}
		b.WriteString(line)
	}
	return b.String()
}

// former undoes lent, whatever else has been changed in the text. Device is for whom it
// was lent; empty: it was not. Made says that there was no file before.
func former(text string) (before, device string, made bool) {
	if !strings.Contains(text, lentBegin) {
		return text, "", false
	}
	var b strings.Builder
	added := false
	for line := range strings.Lines(text) {
		begin, begins := strings.CutPrefix(line, lentBegin)
		aside, putAside := strings.CutPrefix(line, lentPutAside)
		switch {
		case begins:
			device, made = strings.CutSuffix(strings.TrimSpace(begin), lentFile)
			added = true
		case line == lentEnd:
			added = false
		case putAside:
			b.WriteString(aside)
		case !added:
			b.WriteString(line)
		}
	}
	return b.String(), device, made
}
