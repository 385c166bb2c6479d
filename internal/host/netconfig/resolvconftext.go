package netconfig

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A resolv.conf(5) that sessions have changed can be restored from its own text, also after a
// crash: what was added for each session is between two comments, and its own name servers are
// commented out.
const (
	blockBegin       = "# upppoe added this for " // followed by the device
	blockCreatedFile = ", and made the file"
	blockEnd         = "# upppoe added this: end\n"
	commentedOut     = "# upppoe put aside: "
)

// nameServerBlock is the part of a resolv.conf(5) that one session has added.
type nameServerBlock struct {
	device string
	text   string // the name servers, one per line
}

func newBlock(device string, names []netip.Addr) nameServerBlock {
	return nameServerBlock{device, nameserverLines(names)}
}

// forDevice returns a predicate for slices.IndexFunc that finds a device's block.
func forDevice(device string) func(nameServerBlock) bool {
	return func(l nameServerBlock) bool { return l.device == device }
}

// renderResolvConf puts blocks of name servers before a text, and comments out its own name
// servers. Other lines stay.
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

// parseResolvConf reverses renderResolvConf, whatever else has been changed in the text. Made
// reports that the file did not exist before.
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
