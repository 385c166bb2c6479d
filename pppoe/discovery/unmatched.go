package discovery

import (
	"fmt"
	"slices"
	"strings"

	"upppoe/pppoe/wire"
)

// Mismatch says in what a PADO does not match.
type Mismatch uint8

// Mismatches. A PADO without our Host-Uniq or without an AC-Name violates RFC 2516 (section 5.2 and
// appendix A); the others do not match the configuration.
const (
	WrongACName Mismatch = iota + 1
	WrongAddr
	WrongService
	NoHostUniq
	NoACName
	HasSessionID
	Rejected
)

var mismatches = map[Mismatch]string{
	WrongACName:  "its AC-Name is not the configured one",
	WrongAddr:    "its Ethernet address is not the configured one",
	WrongService: "it does not offer the configured service",
	NoHostUniq:   "its PADO lacks our Host-Uniq tag (RFC 2516 section 5.2)",
	NoACName:     "its PADO lacks an AC-Name tag (RFC 2516 section 5.2)",
	HasSessionID: "its PADO has a session ID (RFC 2516 section 5.2)",
	Rejected:     "it rejected the request",
}

// String returns the reason in words.
func (m Mismatch) String() string { return mismatches[m] }

// Unmatched is a concentrator whose PADO did not match.
type Unmatched struct {
	AC       wire.Addr
	Name     string   // untrusted
	Services []string // untrusted
	Reason   Mismatch
	Text     string // untrusted: the error, if Reason is Rejected
}

// String returns a sentence about it, escaped for a terminal.
func (u Unmatched) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v", u.AC)
	if u.Reason != NoACName {
		fmt.Fprintf(&b, " (%s)", wire.Quote(u.Name))
	}
	b.WriteString(" answered")
	if len(u.Services) > 0 {
		services := make([]string, len(u.Services))
		for i, s := range u.Services {
			services[i] = wire.Quote(s)
		}
		fmt.Fprintf(&b, " with service %s", strings.Join(services, ", "))
	}
	fmt.Fprintf(&b, ", but %v", u.Reason)
	if u.Text != "" {
		fmt.Fprintf(&b, ": %s", wire.Escape(u.Text))
	}
	return b.String()
}

// maxServices is how many services of one concentrator are remembered.
const maxServices = 8

// Unmatched returns the concentrators whose PADOs did not match since Start: each once per reason,
// and at most MaxOffers, because any station on the segment can send such packets.
func (c *Client) Unmatched() []Unmatched { return slices.Clone(c.unmatched) }

// noteUnmatched remembers the sender of a PADO that does not match.
func (c *Client) noteUnmatched(f wire.DiscoveryFrame, why Mismatch, text string) {
	known := slices.ContainsFunc(c.unmatched, func(u Unmatched) bool { return u.AC == f.Src && u.Reason == why })
	if why == 0 || known || len(c.unmatched) >= MaxOffers {
		return
	}
	u := Unmatched{AC: f.Src, Name: Offer{Tags: f.Tags}.Name(), Reason: why, Text: text}
	for t := range f.Tags.All() {
		if t.Type == wire.TagServiceName && len(t.Value) > 0 && len(u.Services) < maxServices {
			u.Services = append(u.Services, string(t.Value))
		}
	}
	c.unmatched = append(c.unmatched, u)
}

// mismatch returns why an offer does not match; 0: it matches, or is for another client at our
// address.
func (c *Client) mismatch(f wire.DiscoveryFrame) Mismatch {
	name, named := f.Tags.Find(wire.TagACName)
	_, marked := f.Tags.Find(wire.TagHostUniq)
	switch {
	case !c.hostUniqMatches(f.Tags) && (marked || len(c.cfg.HostUniq) == 0):
		return 0
	case !c.hostUniqMatches(f.Tags):
		return NoHostUniq
	case f.SessionID != 0:
		return HasSessionID
	case !named:
		return NoACName
	case c.cfg.AC != wire.Addr{} && f.Src != c.cfg.AC:
		return WrongAddr
	case len(c.cfg.ACNames) > 0 && !slices.Contains(c.cfg.ACNames, string(name)):
		return WrongACName
	case c.cfg.Service != "" && !offersService(f.Tags, c.cfg.Service):
		return WrongService
	}
	return 0
}
