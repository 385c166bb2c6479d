package explain

import (
	"fmt"
	"net/netip"

	"upppoe/ipcp"
	"upppoe/pppoe/wire"
)

const addressOption = ipcp.OptAddress

// finish completes a session's report.
func (a *Analyzer) finish(c *conversation) {
	c.endRun()
	a.diagnose(c)
	c.s.Events = append(c.s.Events, c.tail...)
	c.tail = nil
	c.sortProblems()
	c.s.Seconds = c.seconds(c.last)
	if c.bound {
		c.s.ID = fmt.Sprintf("0x%04x", c.id)
	}
	c.noteDirections()
	host, name := max(c.host, 0), c.s.AC.Name
	c.s.Host, c.s.AC = a.station(c, host), a.station(c, host.other())
	c.s.AC.Name, c.s.Host.Name = name, c.auth[host].user
	c.agree(host)
	c.count(host)
	c.s.Outcome, c.s.RolesUnknown = c.outcome(), c.host == noSide
	if c.disc.seen && !c.setUp.IsZero() && c.disc.padis > 0 {
		setUp := c.seconds(c.setUp)
		c.s.SetupSeconds = &setUp
	}
	c.resolve(namesOf(c.host))
}

func (a *Analyzer) station(c *conversation, s side) Station {
	station := Station{}
	if c.known[s] && c.mac[s] != wire.Broadcast {
		station.Address, station.Vendor = c.mac[s].String(), a.vendorOf(c.mac[s])
	}
	return station
}

func (c *conversation) outcome() string {
	switch {
	case c.established() && !c.found["ipcp-no-address"]:
		return Established
	case c.failed():
		return Failed
	case c.probe:
		return Probe
	}
	return Incomplete
}

// noteDirections notes that one side's packets are not in the capture.
func (c *conversation) noteDirections() {
	for _, s := range []side{0, 1} {
		if c.onlyOneDirection(s) && c.frames[s.other()] > 0 {
			c.note("Only what %s sent is in the capture: the other direction must be captured too.", the(s.other()))
		}
	}
	if len(c.disc.offeredBy) > 1 {
		c.note("%d concentrators answered the PADI.", len(c.disc.offeredBy))
	}
	if c.host == noSide {
		c.note("The capture does not say which end is the host: peer A is the first that sent.")
	}
}

// agree fills in what was agreed on.
func (c *conversation) agree(host side) {
	g := &c.s.Agreed
	if c.disc.wantPayload > 0 {
		g.MaxPayload = c.disc.maxPayload
	}
	lcp := c.lcp()
	if h, ac := &lcp.sides[host], &lcp.sides[host.other()]; h.acked || ac.acked {
		g.MRU = &Numbers{mruIf(h), mruIf(ac)}
		g.Magic = texts(magicText(h.agreed), magicText(ac.agreed))
	}
	g.Auth = c.authResults(host)
	if l := c.ipcp(); l.everOpened {
		h, ac := l.sides[host].agreed, l.sides[host.other()].agreed
		g.IPv4 = texts(addressText(h, ipcp.OptAddress), addressText(ac, ipcp.OptAddress))
		g.DNS = addresses(h, ipcp.OptPrimaryDNS, ipcp.OptSecondaryDNS)
		g.WINS = addresses(h, ipcp.OptPrimaryNBNS, ipcp.OptSecondaryNBNS)
	}
	if l := c.ipv6cp(); l.everOpened {
		g.IPv6 = texts(linkLocalOf(l.sides[host].agreed), linkLocalOf(l.sides[host.other()].agreed))
	}
}

func mruIf(s *layerSide) int {
	if !s.acked {
		return 0
	}
	return mruOf(s.agreed)
}

// texts returns nil if both values are empty.
func texts(host, ac string) *Texts {
	if host == "" && ac == "" {
		return nil
	}
	return &Texts{host, ac}
}

func magicText(options []byte) string {
	if m := magicOf(options); m != 0 {
		return fmt.Sprintf("0x%08x", m)
	}
	return ""
}

func addressText(options []byte, typ uint8) string {
	if a := addressOf(options, typ); a.IsValid() {
		return a.String()
	}
	return ""
}

func addresses(options []byte, types ...uint8) (all []string) {
	for _, t := range types {
		if a := addressOf(options, t); a.IsValid() && a != netip.IPv4Unspecified() {
			all = append(all, a.String())
		}
	}
	return all
}

// authResults returns how each side authenticated itself.
func (c *conversation) authResults(host side) (all []Auth) {
	for i, by := range []string{"host", "ac"} {
		s := host
		if i == 1 {
			s = host.other()
		}
		a := &c.auth[s]
		if a.required == "" && a.protocol == "" {
			continue
		}
		protocol := a.protocol
		if protocol == "" {
			protocol = a.required
		}
		all = append(all, Auth{By: by, Protocol: protocol, User: a.user, Result: a.result(), Message: a.message})
	}
	return all
}

func (a *authState) result() string {
	switch {
	case !a.verdict:
		return "none"
	case a.accepted:
		return "accepted"
	}
	return "refused"
}

func (c *conversation) count(host side) {
	ac := host.other()
	c.s.Traffic = Traffic{
		Packets:      Numbers{c.traffic[host].packets, c.traffic[ac].packets},
		Octets:       Octets{c.traffic[host].octets, c.traffic[ac].octets},
		EchoRequests: Numbers{c.echo[host].sent, c.echo[ac].sent},
		EchoReplies:  Numbers{c.echo[ac].answered, c.echo[host].answered},
	}
}

// resolve replaces the markers of sides in all texts.
func (c *conversation) resolve(n names) {
	for i := range c.s.Problems {
		c.s.Problems[i].Text = n.resolve(c.s.Problems[i].Text)
	}
	for i := range c.s.Notes {
		c.s.Notes[i] = n.resolve(c.s.Notes[i])
	}
	for i := range c.s.Events {
		e := &c.s.Events[i]
		e.Text = n.resolve(e.Text)
		e.From = n.valueOf(e.From)
	}
	if e := c.s.End; e != nil {
		e.By = n.valueOf(e.By)
	}
}

// valueOf returns the value of a marker; an address stays.
func (n names) valueOf(from string) string {
	for s, m := range markers {
		if from == m {
			return n.value[s]
		}
	}
	return from
}
