package explain

import (
	"fmt"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/trace"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// session explains a frame of a session (RFC 2516 section 6).
func (a *Analyzer) session(f *frame) {
	c := a.sessionOf(f)
	if c == nil {
		return
	}
	s := c.sideOf(f)
	if s == noSide {
		return
	}
	a.latest, c.last = c, f.at
	c.frames[s]++
	c.checkAfterPADT(f, s)
	if f.data {
		a.data(c, f, s)
		return
	}
	_, packet, err := wire.ParseSession(f.packet)
	if err != nil {
		a.malformedSession(c, f, s, err)
		return
	}
	a.ppp(c, f, s, packet)
}

// sessionOf returns the session of a frame; one that began before the capture is new. nil: there is no room.
func (a *Analyzer) sessionOf(f *frame) *conversation {
	key := newSessionKey(f.place, f.cooked, f.src, f.dst, f.id)
	if c := a.sessions[key]; c != nil {
		return c
	}
	if c := a.withoutTag(f); c != nil {
		return c
	}
	c := a.start(f)
	if c == nil {
		return nil
	}
	c.learn(0, f.src)
	if !f.cooked {
		c.learn(1, f.dst)
	}
	a.bind(c, f.id)
	c.note("The capture begins within this session: its discovery is not in it.")
	return c
}

// withoutTag returns the session of a frame of a cooked capture that lacks its VLAN tag: one of the sender, whose
// discovery had the tag. nil: there is none.
func (a *Analyzer) withoutTag(f *frame) *conversation {
	if !f.cooked || f.place.vlan != (vlan.Stack{}) {
		return nil
	}
	if c := a.ends[endKey{f.place, f.src, f.id}]; c != nil && c.disc.seen {
		return c
	}
	return nil
}

// lateness is how long packets may come after a PADT, on their way when it was sent.
const lateness = time.Second

// checkAfterPADT looks for packets of a session that has ended.
func (c *conversation) checkAfterPADT(f *frame, s side) {
	if !c.padt.IsZero() && f.at.Sub(c.padt) > lateness {
		c.problem(f, "packets-after-padt", fmt.Sprintf("%s sends packets of the session %s after the PADT that ended it.", upperThe(s), duration(f.at.Sub(c.padt))))
	}
}

func (a *Analyzer) malformedSession(c *conversation, f *frame, s side, err error) {
	a.event(c, f, s, Event{Protocol: "PPPoE", What: "malformed", Text: malformedText(f, err)})
	if !f.truncated {
		c.problem(f, "malformed", fmt.Sprintf("A session packet from %s is malformed: %s.", the(s), reason(err)))
	}
}

// ppp explains a PPP frame, which is no data.
func (a *Analyzer) ppp(c *conversation, f *frame, s side, packet []byte) {
	protocol, information, err := ppp.ParseFrame(packet)
	if err != nil {
		a.malformedSession(c, f, s, err)
		return
	}
	control, err := ppp.ParseControl(information)
	if err != nil {
		a.malformedControl(c, f, s, protocol, packet, err)
		return
	}
	if protocol == ppp.LCP && (control.Code == ppp.EchoRequest || control.Code == ppp.EchoReply) {
		a.echoPacket(c, f, s, control)
		return
	}
	again := c.recent[s].repeated(f.packet)
	what, text := a.words(protocol, control)
	a.event(c, f, s, Event{Protocol: protocol.String(), What: what, Text: text, Packet: a.pppdWords(packet), Retransmission: again})
	a.control(c, f, s, protocol, control)
}

// pppdWords is a PPP frame in the words of pppd's log.
func (a *Analyzer) pppdWords(packet []byte) string {
	return string(trace.AppendFrame(nil, packet, trace.Options{ShowPassword: a.opt.ShowPasswords}))
}

func (a *Analyzer) malformedControl(c *conversation, f *frame, s side, protocol ppp.Protocol, packet []byte, err error) {
	known := c.layer(protocol) != nil || protocol == ppp.PAP || protocol == ppp.CHAP || protocol == ppp.EAP
	if !known {
		a.event(c, f, s, Event{Protocol: protocol.String(), What: "packet", Packet: a.pppdWords(packet)})
		return
	}
	a.event(c, f, s, Event{Protocol: protocol.String(), What: "malformed", Text: malformedText(f, err), Packet: a.pppdWords(packet)})
	c.problem(f, "malformed", fmt.Sprintf("A packet of %s from %s is malformed: %s.", protocol, the(s), reason(err)))
}

// control explains a control packet of any protocol.
func (a *Analyzer) control(c *conversation, f *frame, s side, protocol ppp.Protocol, p ppp.Control) {
	switch protocol {
	case ppp.PAP:
		c.pap(f, s, p)
		return
	case ppp.CHAP:
		c.chap(f, s, p)
		return
	case ppp.EAP:
		c.eap(f, s, p)
		return
	}
	l := c.layer(protocol)
	if l == nil {
		return
	}
	switch p.Code {
	case ppp.ConfigureRequest, ppp.ConfigureAck, ppp.ConfigureNak, ppp.ConfigureReject:
		a.configure(c, l, f, s, p)
	case ppp.TerminateRequest:
		c.terminate(l, f, s, p)
	case ppp.TerminateAck:
		if l.protocol == ppp.LCP && c.s.End != nil {
			a.retire(c) // a session is over with LCP (RFC 2516 section 7)
		}
	case ppp.ProtocolReject:
		if l.protocol == ppp.LCP {
			c.protocolReject(f, s, p)
		}
	}
}

// terminate explains a Terminate-Request: of LCP it ends the session (RFC 1661 section 5.5).
func (c *conversation) terminate(l *layer, f *frame, s side, p ppp.Control) {
	text := ""
	if isText(p.Data) {
		text = quote(p.Data)
	}
	if l.protocol == ppp.LCP {
		c.endBy(f, s, "LCP Terminate-Request", text)
		return
	}
	if l.opened && c.s.End == nil {
		c.problem(f, "network-terminated", fmt.Sprintf("%s ended %s%s.", upperThe(s), l.protocol, spaced(text)))
	}
	l.opened = false
}

func spaced(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// isText reports whether the data of a Terminate-Request is text, as some send other octets.
func isText(data []byte) bool { return len(data) > 0 && data[0] >= ' ' && data[0] < 0x7f }

// protocolReject explains a Protocol-Reject (RFC 1661 section 5.7): LCP goes on without that protocol.
func (c *conversation) protocolReject(f *frame, s side, p ppp.Control) {
	protocol, _, err := ppp.ParseFrame(p.Data)
	if err != nil {
		return
	}
	l := c.layer(protocol)
	if l == nil {
		return
	}
	l.rejected, l.rejectedBy = true, s
	switch protocol {
	case ppp.IPCP:
		c.suspect(f, "ipcp-rejected", fmt.Sprintf("%s rejects IPCP: it does not want IPv4.", upperThe(s)))
	case ppp.IPv6CP:
		c.note("%s does not want IPv6: it rejects IPV6CP.", upperThe(s))
	}
}

// endBy notes how the session ended; the first end counts.
func (c *conversation) endBy(f *frame, s side, how, text string) {
	if c.s.End == nil {
		c.s.End = &End{By: c.from(f, s), How: how, Text: text, Frame: f.number, Seconds: c.seconds(f.at)}
	}
}

// padt explains a PADT, which ends a session (RFC 2516 section 5.5).
func (a *Analyzer) padt(f *frame, d wire.Discovery) {
	c := a.sessions[newSessionKey(f.place, f.cooked, f.src, f.dst, f.id)]
	if c == nil {
		c = a.foreignPADT(f)
	}
	if c == nil {
		if c = a.sessionOf(f); c == nil {
			return
		}
	}
	s := c.sideOf(f)
	a.latest, c.last = c, f.at
	again := s != noSide && c.recent[s].repeated(f.packet)
	a.event(c, f, s, Event{Protocol: "PPPoE", What: d.Code.String(), Text: discoveryText(d), Packet: tagsText(d), Retransmission: again})
	if s == noSide {
		return
	}
	text := ""
	if e, isError := d.Tags.FindError(); isError {
		text = quote([]byte(e.Text))
	}
	c.checkUnknownSession(f, s)
	c.endBy(f, s, "PADT", text)
	if c.padt.IsZero() {
		c.padt = f.at
	}
	a.retire(c)
}

// checkUnknownSession looks for a PADT that answers packets of a session that its sender does not know.
func (c *conversation) checkUnknownSession(f *frame, s side) {
	if !c.disc.seen && c.s.End == nil && c.frames[s] == 0 && c.frames[s.other()] > 0 {
		c.problem(f, "session-unknown-to-peer", fmt.Sprintf("%s sends packets of a session that %s does not know, which ends it by PADT.", upperThe(s.other()), the(s)))
	}
}

// foreignPADT returns the session that a PADT of an address of neither end names; nil: there is none.
func (a *Analyzer) foreignPADT(f *frame) *conversation {
	if f.cooked {
		return nil
	}
	c := a.ends[endKey{f.place, f.dst, f.id}]
	if c == nil || !c.padt.IsZero() {
		return nil
	}
	c.problem(f, "padt-unknown-sender", fmt.Sprintf("A PADT came from %s, which is neither %s nor %s.", f.src, the(0), the(1)))
	return c
}
