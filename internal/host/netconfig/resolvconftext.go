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
	blockBegin       = "# upppoe added this for " // and the device
	blockCreatedFile = ", and made the file"
	blockEnd         = "# upppoe added this: end\n"
	commentedOut     = "# upppoe put aside: "
)

// nameServerBlock is what a resolv.conf(5) has of one line.
type nameServerBlock struct {
	device string
	text   string // the name servers, a line each
}

func newBlock(device string, names []netip.Addr) nameServerBlock {
	return nameServerBlock{device, nameserverLines(names)}
}

// forDevice makes a loan's device a slices.IndexFunc's.
func forDevice(device string) func(nameServerBlock) bool {
	return func(l nameServerBlock) bool { return l.device == device }
}

// renderResolvConf puts name servers in the place of those of a text. The other lines stay.
func renderResolvConf(text string, made bool, blocks []nameServerBlock) string {
	var b strings.Builder
	for i, l := range blocks {
		b.WriteString(blockBegin + l.device)
		if made && i == 0 {
			b.WriteString(blockCreatedFile)
		}
		fmt.Fprintf(&b, "\n%s%s", l.text, blockEnd)
	}
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == "nameserver" {
			b.WriteString(commentedOut)
		}
		b.WriteString(line)
	}
	return b.String()
}

// parseResolvConf undoes lent, whatever else has been changed in the text. Made says that there was
// no file before.
func parseResolvConf(text string) (before string, blocks []nameServerBlock, made bool) {
	if !strings.Contains(text, blockBegin) {
		return text, nil, false
	}
	var b strings.Builder
	added := false
	for line := range strings.Lines(text) {
		begin, begins := strings.CutPrefix(line, blockBegin)
		aside, putAside := strings.CutPrefix(line, commentedOut)
		switch {
		case begins:
			device, fresh := strings.CutSuffix(strings.TrimSpace(begin), blockCreatedFile)
			blocks = append(slices.DeleteFunc(blocks, forDevice(device)), nameServerBlock{device: device})
			made, added = made || fresh, true
		case line == blockEnd:
			added = false
		case putAside:
			b.WriteString(aside)
		case added:
			blocks[len(blocks)-1].text += line
		default:
			b.WriteString(line)
		}
	}
	return b.String(), blocks, made
}
