package explain

import (
	"fmt"
	"time"
)

// patience is how long an answer may take before it counts as missing: the capture may end before.
const patience = time.Second

// onlyOneDirection reports whether the capture has none of a side's session packets, though it must have
// sent some.
func (c *conversation) onlyOneDirection(s side) bool { return c.unseen[s] && c.frames[s] == 0 }

// waited reports whether an answer is missing: the request was repeated, or there was time enough.
func (a *Analyzer) waited(r request) bool {
	return r.last.After(r.first) || a.end.Sub(r.last) >= patience
}

// diagnose finds why a session did not come up, or why it ended.
func (a *Analyzer) diagnose(c *conversation) {
	c.checkEchoes()
	c.confirm("ack-differs")
	switch {
	case c.established() && !c.noAddress():
	case c.disc.seen && !c.disc.done && c.frames == [2]int{}:
		a.diagnoseDiscovery(c)
	case !c.reachedAuth():
		a.diagnoseLCP(c)
	default:
		if !a.diagnoseAuth(c) {
			a.diagnoseNetwork(c)
		}
	}
	c.diagnoseEnd()
}

func (a *Analyzer) diagnoseDiscovery(c *conversation) {
	d := &c.disc
	switch {
	case d.refused || c.failed():
	case d.padrs > 0 && d.padses == 0 && c.unseen[1]:
		c.note("Only what the host sent is in the capture: there is no PADO, though the host sent a PADR.")
	case d.padrs > 0 && d.padses == 0:
		c.confirm("padr-cookie")
		a.noAnswer(c, d.padr, "no-pads", fmt.Sprintf("The AC did not answer %s.", plural(d.padrs, "PADR")))
	case d.offers > 0 && d.padrs == 0 && d.padi.last.Equal(d.padi.first): // it is content with the offers
		c.probe = !c.unseen[0]
	case d.offers > 0 && d.padrs == 0 && !c.unseen[0]:
		a.noAnswer(c, request{d.offer, d.padi.first, d.padi.last}, "no-padr", fmt.Sprintf("The host got %s, but did not request a session: it went on to send PADIs.", plural(d.offers, "PADO")))
	case d.padis > 0 && d.pados == 0:
		text := fmt.Sprintf("No concentrator answered %s for %s, sent %s.", plural(d.padis, "PADI"), serviceText(d.service), onVLAN(c.place.vlan))
		if others := a.answers.except(c.place.vlan); others != "" {
			text += " Concentrators answered others: " + others + "."
		}
		a.noAnswer(c, d.padi, "no-pado", text)
	}
}

// noAnswer adds a problem, unless the capture ends too early to know.
func (a *Analyzer) noAnswer(c *conversation, r request, code, text string) {
	if a.waited(r) {
		c.missing(r, code, text)
		return
	}
	c.note("The capture ends before an answer to frame %d can be expected.", r.frame)
}

// reachedAuth reports whether LCP opened, as far as the capture says: later protocols are used.
func (c *conversation) reachedAuth() bool {
	if c.lcp().everOpened {
		return true
	}
	for s := range c.auth {
		if c.auth[s].sent > 0 || c.auth[s].verdict || c.auth[s].asked.frame > 0 {
			return true
		}
	}
	return c.ipcp().sides[0].sent+c.ipcp().sides[1].sent+c.ipv6cp().sides[0].sent+c.ipv6cp().sides[1].sent > 0
}

func (a *Analyzer) diagnoseLCP(c *conversation) {
	l := c.lcp()
	c.confirm("lcp-loop")
	if c.failed() {
		return
	}
	c.confirm("auth-mismatch")
	if c.failed() {
		return
	}
	if a.silent(c, l, "lcp-silent") || c.noAgreement(l, "lcp-no-agreement") {
		return
	}
	if c.disc.done && c.frames == [2]int{} {
		if c.s.End == nil && a.end.Sub(c.last) < patience {
			c.note("The capture ends with the PADS.")
			return
		}
		c.problemAt(c.lastFrame(), c.seconds(c.last), "no-lcp", "After the PADS nobody sent an LCP packet.")
	}
}

// lastFrame returns the number of the last event's frame.
func (c *conversation) lastFrame() int {
	if len(c.tail)+len(c.s.Events) == 0 {
		return 0
	}
	return c.lastEvent().Frame
}

// silent looks for Configure-Requests of a side that the other did not answer.
func (a *Analyzer) silent(c *conversation, l *layer, code string) bool {
	for _, s := range []side{0, 1} {
		mine := &l.sides[s]
		if mine.unheard == 0 || mine.acked || c.onlyOneDirection(s.other()) || c.unseen[s.other()] {
			continue
		}
		if !a.waited(mine.waiting) {
			c.note("The capture ends before an answer to frame %d can be expected.", mine.waiting.frame)
			continue
		}
		text := fmt.Sprintf("%s did not answer %s of %s", upperThe(s.other()), plural(mine.unheard, l.protocol.String()+" Configure-Request"), the(s))
		if c.frames[s.other()] == 0 {
			text += ", nor send any other session packet"
		}
		c.missing(mine.waiting, code, text+".")
		return true
	}
	return false
}

// noAgreement looks for a negotiation that goes on and on (RFC 1661 section 4.6: Max-Failure).
func (c *conversation) noAgreement(l *layer, code string) bool {
	for _, s := range []side{0, 1} {
		mine := &l.sides[s]
		if mine.refused == 0 || mine.acked {
			continue
		}
		c.missing(mine.refusal, code, fmt.Sprintf("%s refused what %s requested in %s (%s), and they did not agree.", upperThe(s.other()), the(s),
			plural(mine.refused, l.protocol.String()+" Configure-Request"), optionsText(l.protocol, mine.request, "no options")))
		return true
	}
	return false
}

// diagnoseAuth looks for an authentication without a verdict.
func (a *Analyzer) diagnoseAuth(c *conversation) (found bool) {
	c.confirm("eap-no-method")
	for _, s := range []side{0, 1} {
		mine := &c.auth[s]
		if mine.verdict && mine.accepted || mine.required == "" && mine.sent == 0 && mine.asked.frame == 0 {
			continue
		}
		if mine.verdict {
			return true // the problem was found with the verdict
		}
		a.unfinishedAuth(c, s)
		return true
	}
	return c.failed()
}

func (a *Analyzer) unfinishedAuth(c *conversation, s side) {
	mine := &c.auth[s]
	protocol := mine.required
	if protocol == "" {
		protocol = orEAP(mine.protocol)
	}
	opened := request{c.lastFrame(), c.last, c.last}
	switch {
	case c.onlyOneDirection(0) || c.onlyOneDirection(1):
	case mine.sent > 0:
		a.noAnswer(c, mine.answers, "auth-no-answer", fmt.Sprintf("%s did not say whether it accepts the user%s: %s by %s without an answer.",
			upperThe(s.other()), named(mine.user), plural(mine.sent, "packet"), protocol))
	case mine.asked.frame > 0:
		a.noAnswer(c, mine.asked, "auth-not-started", fmt.Sprintf("%s did not answer the request to authenticate itself by %s.", upperThe(s), protocol))
	case protocol == "PAP":
		a.noAnswer(c, opened, "auth-not-started", fmt.Sprintf("%s must authenticate itself by PAP, but sent no user and password.", upperThe(s)))
	default:
		a.noAnswer(c, opened, "auth-no-challenge", fmt.Sprintf("%s requires authentication by %s, but sent no request for it.", upperThe(s.other()), protocol))
	}
}

// noAddress reports whether IPCP opened without an address for the host (RFC 1332 section 3.3).
func (c *conversation) noAddress() bool {
	if !c.ipcp().everOpened || c.host == noSide || c.ipv6cp().everOpened {
		return false
	}
	a := addressOf(c.ipcp().sides[c.host].agreed, addressOption)
	return c.suspected("ipcp-no-address") && (!a.IsValid() || a.IsUnspecified())
}

func (c *conversation) suspected(code string) bool {
	for _, s := range c.suspects {
		if s.code == code {
			return true
		}
	}
	return false
}

func (a *Analyzer) diagnoseNetwork(c *conversation) {
	v4, v6 := c.ipcp(), c.ipv6cp()
	c.confirm("ipcp-rejected", "ipcp-no-address")
	switch {
	case c.failed():
	case c.noAgreement(v4, "network-no-agreement"), a.silent(c, v4, "network-silent"):
	case !v4.used() && (c.noAgreement(v6, "network-no-agreement") || a.silent(c, v6, "network-silent")):
	case !v4.used() && !v6.used() && a.end.Sub(c.last) >= patience && !c.onlyOneDirection(0) && !c.onlyOneDirection(1):
		c.problemAt(c.lastFrame(), c.seconds(c.last), "no-network", "After LCP and authentication nobody negotiated IPv4 or IPv6.")
	}
}

// used reports whether a side sent a request.
func (l *layer) used() bool { return l.sides[0].requests+l.sides[1].requests > 0 }

// diagnoseEnd looks at who ended the session, if nothing else went wrong.
func (c *conversation) diagnoseEnd() {
	e := c.s.End
	if e == nil || c.failed() {
		return
	}
	by := noSide
	for s := range markers {
		if e.By == markers[s] {
			by = side(s)
		}
	}
	ac := c.host != noSide && by == c.host.other()
	text := fmt.Sprintf("%s ended the session with %s%s", upperThe(max(by, 0)), e.How, spaced(e.Text))
	switch {
	case by == noSide:
	case c.established() && ac:
		c.problemAt(e.Frame, e.Seconds, "ac-ended", text+".")
	case !c.established() && c.disc.seen && ac:
		c.problemAt(e.Frame, e.Seconds, "ac-gave-up", text+", before it was up.")
	case !c.established() && c.disc.seen:
		c.problemAt(e.Frame, e.Seconds, "host-gave-up", text+", before it was up.")
	}
}

// endsWell reports whether a session that has ended needs no attention.
func (c *conversation) endsWell() bool {
	return c.established() && !c.failed() && c.s.End != nil && c.host != noSide && c.s.End.By == markers[c.host] && c.echo[0].unanswered < deadAfter && c.echo[1].unanswered < deadAfter
}
