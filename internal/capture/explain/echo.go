package explain

import (
	"encoding/binary"
	"fmt"

	"upppoe/ppp"
)

// echoState is a side's Echo-Requests (RFC 1661 section 5.8).
type echoState struct {
	sent, answered int
	waiting        request // the first since the last answer
	unanswered     int     // since the last answer
	lost           request // the longest run without an answer so far
	mostLost       int
	large          largeEcho
}

// largeEcho is Echo-Requests of about the size of an MRU, which check the path (RFC 4638 section 5.2).
type largeEcho struct {
	waiting  request
	octets   int
	sent     int
	answered bool
}

const (
	// deadAfter is the number of Echo-Requests without an answer from which on the peer seems dead.
	deadAfter = 3
	// fullSize is the size of an Echo-Request from which on it checks the path, in octets.
	fullSize = 1200
)

// echoPacket explains an Echo-Request or an Echo-Reply. They share an event.
func (a *Analyzer) echoPacket(c *conversation, f *frame, s side, p ppp.Control) {
	if len(f.comments) > 0 {
		what, text := a.words(ppp.LCP, p)
		a.event(c, f, s, Event{Protocol: "LCP", What: what, Text: text})
	} else if r := a.inRun(c, f, s); p.Code == ppp.EchoRequest {
		r.echoes[s]++
	} else {
		r.replies[s]++
	}
	if p.Code == ppp.EchoRequest {
		c.echo[s].request(f, len(p.Data))
		return
	}
	asker := &c.echo[s.other()]
	if asker.sent == 0 {
		c.unseen[s.other()] = true
	}
	asker.reply(len(p.Data))
	c.checkMagic(f, s, p)
}

func (e *echoState) request(f *frame, octets int) {
	e.sent++
	if octets >= fullSize {
		e.large.waiting.send(f)
		e.large.octets, e.large.sent = octets+ppp.ControlHeaderLen, e.large.sent+1
		return
	}
	if e.unanswered == 0 {
		e.waiting = request{}
	}
	e.waiting.send(f)
	e.unanswered++
}

func (e *echoState) reply(octets int) {
	e.answered++
	if octets >= fullSize {
		e.large.answered = true
		return
	}
	if e.unanswered > e.mostLost {
		e.mostLost, e.lost = e.unanswered, e.waiting
	}
	e.unanswered = 0
}

// checkMagic looks for an Echo-Reply with the Magic-Number of the side that asked.
func (c *conversation) checkMagic(f *frame, s side, p ppp.Control) {
	asker, replier := magicOf(c.lcp().sides[s.other()].agreed), magicOf(c.lcp().sides[s].agreed)
	if len(p.Data) >= 4 && asker != 0 && asker != replier && binary.BigEndian.Uint32(p.Data) == asker {
		c.problem(f, "echo-wrong-magic", fmt.Sprintf("%s answers Echo-Requests with the Magic-Number of %s.", upperThe(s), the(s.other())))
	}
}

// checkEchoes looks for Echo-Requests without an answer, at the end.
func (c *conversation) checkEchoes() {
	for _, s := range []side{0, 1} {
		e := &c.echo[s]
		if c.onlyOneDirection(s.other()) {
			continue
		}
		switch {
		case e.unanswered >= deadAfter:
			c.missing(e.waiting, "echo-timeout", fmt.Sprintf("%s did not answer the last %d Echo-Requests of %s, for %s.",
				upperThe(s.other()), e.unanswered, the(s), duration(e.waiting.last.Sub(e.waiting.first))))
		case e.mostLost >= deadAfter:
			c.missing(e.lost, "echo-loss", fmt.Sprintf("%s did not answer %d Echo-Requests of %s in succession, but later ones.", upperThe(s.other()), e.mostLost-1, the(s)))
		}
		if l := &e.large; l.sent > 0 && !l.answered && (e.answered > 0 || c.echo[s.other()].answered > 0 || c.established()) {
			c.missing(l.waiting, "mtu-path", fmt.Sprintf("%s did not answer %s of %d octets, though smaller packets pass.",
				upperThe(s.other()), plural(l.sent, "Echo-Request"), l.octets))
		}
	}
}
