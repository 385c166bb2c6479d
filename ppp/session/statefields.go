package session

import (
	"time"

	"upppoe/internal/tlv"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
)

// Tags of the fields of a network protocol.
const (
	tagAutomaton  = 1
	tagNegotiator = 2
	tagUp         = 3
	tagWasUp      = 4
	tagFailed     = 5
)

// encoding is what AppendState writes and Restore reads.
type encoding struct {
	*parked
	cfg           *Config
	now           time.Time
	authenticator []byte // its state; nil: none
}

func (e *encoding) fields(c *tlv.Codec) {
	link, v6 := e.cfg.protocols()
	c.Part(tagLink, "LCP",
		func(b []byte) []byte { return e.link.AppendState(b, link, e.now) },
		func(b []byte) error { return e.link.RestoreState(link, b, e.now) })
	i := 0
	if v4 := e.cfg.IPv4; v4 != nil {
		if !e.layer(c, tagIPCP, "IPCP", i, e.ipcp.AppendState, func(b []byte) error { return e.ipcp.RestoreState(v4, b) }) {
			e.ipcp = ipcp.New(v4).Park()
		}
		i++
	} else if c.Optional(tagIPCP, false) {
		c.Fail("it has IPv4, which the configuration has not")
	}
	if v6 != nil {
		if !e.layer(c, tagIPv6CP, "IPv6CP", i, e.ipv6cp.AppendState, func(b []byte) error { return e.ipv6cp.RestoreState(v6, b) }) {
			e.ipv6cp = ipv6cp.New(v6).Park()
		}
	} else if c.Optional(tagIPv6CP, false) {
		c.Fail("it has IPv6, which the configuration has not")
	}
	e.counters(c)
	e.authentication(c)
}

// layer is the field of the network protocol with index i. It returns false if the state does not have the
// protocol, as the configuration did not: then it answers the peer's first Configure-Request.
func (e *encoding) layer(c *tlv.Codec, tag uint8, what string, i int, appendTo func([]byte) []byte, parse func([]byte) error) (ok bool) {
	if !c.Optional(tag, true) {
		e.automaton[i] = ppp.StoppedAutomaton()
		return false
	}
	fields := func(c *tlv.Codec) { e.layerFields(c, i, appendTo, parse) }
	c.Part(tag, what,
		func(b []byte) []byte { return tlv.Append(b, fields) },
		func(b []byte) error { return tlv.Parse(b, fields) })
	return true
}

func (e *encoding) layerFields(c *tlv.Codec, i int, appendTo func([]byte) []byte, parse func([]byte) error) {
	a, l := &e.automaton[i], &e.layers[i]
	c.Part(tagAutomaton, "automaton", a.AppendState, a.RestoreState)
	c.Part(tagNegotiator, "options", appendTo, parse)
	c.Bool(tagUp, &l.up)
	c.Bool(tagWasUp, &l.wasUp)
	c.Bool(tagFailed, &l.failed)
	if l.up != (a.State() == ppp.Opened) || l.up && (l.failed || !l.wasUp) {
		c.Fail("it is in state %v, up: %v, was up: %v, failed: %v", a.State(), l.up, l.wasUp, l.failed)
	}
}

func (e *encoding) counters(c *tlv.Codec) {
	tlv.Uint(c, tagRoundTrip, &e.roundTrip)
	tlv.Uint(c, tagUps, &e.ups)
	age := uint8(upsPeriod)
	if elapsed := e.now.Unix() - e.upsSince; elapsed >= 0 && elapsed < upsPeriod {
		age = uint8(elapsed)
	}
	tlv.Uint(c, tagUpsAge, &age)
	e.upsSince = e.now.Unix() - int64(age)
	c.Bool(tagEarlyTerminate, &e.earlyTerminate)
}

func (e *encoding) authentication(c *tlv.Codec) {
	c.Bool(tagPeerAuthenticated, &e.peerAuthenticated)
	c.Bool(tagSelfAuthenticated, &e.selfAuthenticated)
	if c.Optional(tagAuthenticator, e.authenticator != nil) {
		tlv.Bytes(c, tagAuthenticator, &e.authenticator)
	}
}
