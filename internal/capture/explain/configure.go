package explain

import (
	"bytes"
	"fmt"
	"time"

	"upppoe/ppp"
)

// layer is the negotiation of LCP or a network control protocol (RFC 1661 section 4).
type layer struct {
	protocol   ppp.Protocol
	sides      [2]layerSide
	opened     bool
	everOpened bool
	rejectedBy side // by a Protocol-Reject, if rejected
	rejected   bool
}

// layerSide is the negotiation of what a side requests.
type layerSide struct {
	request  []byte // options of the last Configure-Request
	id       uint8
	sent     int     // how often the request was sent
	requests int     // Configure-Requests of any kind
	waiting  request // for an answer
	unheard  int     // Configure-Requests since the last answer
	acked    bool
	agreed   []byte // options that the other side acknowledged
	refused  int    // Configure-Naks and -Rejects
	refusal  request
}

// maxOptions bounds the options that are kept of a request, in octets.
const maxOptions = 2048

// configure explains a Configure packet.
func (a *Analyzer) configure(c *conversation, l *layer, f *frame, s side, p ppp.Control) {
	switch p.Code {
	case ppp.ConfigureRequest:
		c.configureRequest(l, f, s, p)
	case ppp.ConfigureAck:
		c.configureAck(l, f, s, p)
	case ppp.ConfigureNak, ppp.ConfigureReject:
		c.configureRefusal(l, f, s, p)
	}
	if l.sides[0].acked && l.sides[1].acked && !l.opened {
		c.layerUp(l, f)
	}
}

func (c *conversation) configureRequest(l *layer, f *frame, s side, p ppp.Control) {
	mine := &l.sides[s]
	again := mine.sent > 0 && mine.id == p.ID && bytes.Equal(mine.request, p.Data)
	switch {
	case again:
		mine.sent++
	case l.opened: // RFC 1661 section 4.3: the negotiation begins anew
		l.opened = false
		l.sides[0].acked, l.sides[1].acked = false, false
		c.note("%s was negotiated anew at frame %d, by %s.", l.protocol, f.number, the(s))
		fallthrough
	default:
		mine.request = append([]byte{}, p.Data[:min(len(p.Data), maxOptions)]...)
		mine.id, mine.sent, mine.acked = p.ID, 1, false
	}
	if mine.unheard == 0 {
		mine.waiting = request{}
	}
	mine.waiting.send(f)
	mine.unheard++
	mine.requests++
	c.checkRequest(l, f, s, p)
}

func (c *conversation) configureAck(l *layer, f *frame, s side, p ppp.Control) {
	yours := &l.sides[s.other()]
	switch {
	case yours.sent == 0:
		c.unseen[s.other()] = true
	case yours.id != p.ID:
		return // stale: it is dropped (RFC 1661 section 5.2)
	case !bytes.Equal(yours.request, p.Data) && len(p.Data) <= maxOptions:
		c.suspect(f, "ack-differs", fmt.Sprintf("%s acknowledged other options than %s requested.", upperThe(s), the(s.other())))
		return
	}
	if yours.unheard > 1 && !yours.acked {
		c.slow(l, f, s.other(), yours)
	}
	yours.agreed = append([]byte{}, p.Data[:min(len(p.Data), maxOptions)]...)
	yours.acked, yours.unheard = true, 0
}

// slowAnswer is the delay of an answer from which on it is worth a warning.
const slowAnswer = 500 * time.Millisecond

// slow warns of requests that had to be repeated.
func (c *conversation) slow(l *layer, f *frame, s side, mine *layerSide) {
	waited := f.at.Sub(mine.waiting.first)
	if l.protocol == ppp.LCP && waited >= slowAnswer {
		c.missing(mine.waiting, "lcp-slow", fmt.Sprintf("%s had to send its LCP Configure-Request %d times, and got an answer only after %s.",
			upperThe(s), mine.unheard, duration(waited)))
	}
}

// configureRefusal explains a Configure-Nak or a Configure-Reject.
func (c *conversation) configureRefusal(l *layer, f *frame, s side, p ppp.Control) {
	yours := &l.sides[s.other()]
	if yours.sent == 0 {
		c.unseen[s.other()] = true
	} else if yours.id != p.ID {
		return
	}
	yours.unheard = 0
	yours.refused++
	yours.refusal.send(f)
	options, err := ppp.ParseOptions(p.Data)
	if err != nil {
		return
	}
	for o := range options.All() {
		c.refusedOption(l, f, s, p, o)
	}
}

// layerUp notes that both requests are acknowledged.
func (c *conversation) layerUp(l *layer, f *frame) {
	l.opened, l.everOpened = true, true
	switch l.protocol {
	case ppp.LCP:
		c.lcpUp(l)
	case ppp.IPCP, ppp.IPv6CP:
		if c.setUp.IsZero() {
			c.setUp = f.at
		}
	}
}

// duration is a time for people.
func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
