package netconfig

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A resolv.conf(5) that is lent to lines says so itself: what was added for each is between two
// comments, and what was put aside is in comments too. So its former text can be had
// from it again, also after a crash.
const (
	lentBegin    = "# upppoe added this for " // and the device
	lentFile     = ", and made the file"
	lentEnd      = "# upppoe added this: end\n"
	lentPutAside = "# upppoe put aside: "
)

// loan is what a resolv.conf(5) has of one line.
type loan struct {
	device string
	text   string // the name servers, a line each
}

func newLoan(device string, names []netip.Addr) loan { return loan{device, lines(names)} }

// to makes a loan's device a slices.IndexFunc's.
func to(device string) func(loan) bool { return func(l loan) bool { return l.device == device } }

// lent puts name servers in the place of those of a text. The other lines stay.
func lent(text string, made bool, loans []loan) string {
	var b strings.Builder
	for i, l := range loans {
		b.WriteString(lentBegin + l.device)
		if made && i == 0 {
			b.WriteString(lentFile)
		}
		fmt.Fprintf(&b, "\n%s%s", l.text, lentEnd)
	}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == "nameserver" {
			b.WriteString(lentPutAside)
		}
		b.WriteString(line)
	}
	return b.String()
}

// former undoes lent, whatever else has been changed in the text. Made says that there was
// no file before.
func former(text string) (before string, loans []loan, made bool) {
	if !strings.Contains(text, lentBegin) {
		return text, nil, false
	}
	var b strings.Builder
	added := false
	for line := range strings.Lines(text) {
		begin, begins := strings.CutPrefix(line, lentBegin)
		aside, putAside := strings.CutPrefix(line, lentPutAside)
		switch {
		case begins:
			device, fresh := strings.CutSuffix(strings.TrimSpace(begin), lentFile)
			loans = append(slices.DeleteFunc(loans, to(device)), loan{device: device})
			made, added = made || fresh, true
		case line == lentEnd:
			added = false
		case putAside:
			b.WriteString(aside)
		case added:
			loans[len(loans)-1].text += line
		default:
			b.WriteString(line)
		}
	}
	return b.String(), loans, made
}
