package explain

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"upppoe/internal/capture/reader"
)

// census counts the packets of a capture that are not explained.
type census struct {
	links     map[reader.LinkType]int // of link layers that cannot be decoded
	types     map[uint16]int          // by ethertype, without PPPoE
	tooDeep   int                     // with more than two VLAN tags
	truncated int                     // PPPoE, cut by the capture's snapshot length
	streamed  int                     // PPPoE, in packets of a TZSP stream
}

// maxTypes bounds the ethertypes that are told apart.
const maxTypes = 64

func (c *census) count(p *reader.Packet, k kind) {
	switch {
	case k == isTooDeep:
		c.tooDeep++
	case !p.Link.Supported():
		if c.links == nil {
			c.links = make(map[reader.LinkType]int)
		}
		if len(c.links) < maxTypes {
			c.links[p.Link]++
		}
	case p.Link == reader.LinkEthernet && len(p.Data) >= 14:
		if c.types == nil {
			c.types = make(map[uint16]int)
		}
		if t := binary.BigEndian.Uint16(p.Data[12:]); len(c.types) < maxTypes || c.types[t] > 0 {
			c.types[t]++
		}
	}
}

// noteCapture adds notes about the capture itself.
func (a *Analyzer) noteCapture() {
	switch {
	case a.report.Packets == 0:
		a.note("The capture has no packets.")
	case a.report.PPPoE == 0:
		a.note("The capture has no PPPoE packets (ethertypes 0x8863 and 0x8864)" + a.other.instead() + ": capture on the Ethernet interface of the " +
			"session, not on ppp0, like tcpdump -i eth0 -s 0 -w FILE pppoed or pppoes or vlan.")
	}
	for _, link := range sortedKeys(a.other.links) {
		a.note(fmt.Sprintf("%s of %v cannot carry PPPoE, and are left out.", packets(a.other.links[link]), link))
	}
	if n := a.other.tooDeep; n > 0 {
		a.note(fmt.Sprintf("%s with more than two VLAN tags are left out.", packets(n)))
	}
	if n := a.other.truncated; n > 0 {
		a.note(fmt.Sprintf("%s of PPPoE were cut by the capture's snapshot length: capture whole packets, with tcpdump -s 0.", packets(n)))
	}
	if n := a.other.streamed; n > 0 {
		a.note(fmt.Sprintf("%s of PPPoE are from a TZSP stream, as of RouterOS: the times are those at which it was captured.", packets(n)))
	}
	if n := a.displaced; n > 0 {
		a.note(fmt.Sprintf("%s are out of order in the file, and are explained in the order of their times.", packets(n)))
	}
	if a.report.OmittedSessions > 0 {
		a.note(fmt.Sprintf("%d sessions without a problem are not shown, for lack of room.", a.report.OmittedSessions))
	}
	if a.report.UnexplainedPackets > 0 {
		a.note(fmt.Sprintf("%s belong to sessions beyond the %d that are kept: --max-sessions keeps more.", packets(a.report.UnexplainedPackets), a.opt.MaxSessions))
	}
}

// instead says what a capture without PPPoE has.
func (c *census) instead() string {
	names := map[uint16]string{0x0800: "IPv4", 0x86dd: "IPv6", 0x0806: "ARP", 0x8100: "802.1Q", 0x88a8: "802.1ad"}
	var all []string
	for _, t := range sortedKeys(c.types) {
		if name := names[t]; name != "" {
			all = append(all, fmt.Sprintf("%d of %s", c.types[t], name))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return ", but " + strings.Join(all, ", ")
}

func sortedKeys[K ~uint16](m map[K]int) (keys []K) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func packets(n int) string {
	if n == 1 {
		return "1 packet"
	}
	return fmt.Sprintf("%d packets", n)
}

// upperFirst returns a text with its first letter in upper case.
func upperFirst(text string) string {
	return strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):]
}
