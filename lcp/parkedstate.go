package lcp

import (
	"time"

	"upppoe/internal/tlv"
	"upppoe/ppp"
)

// Tags of a link's fields. They do not change.
const (
	tagAutomaton    = 1
	tagMaxMRU       = 2
	tagMRU          = 3
	tagPeerMRU      = 4
	tagMagic        = 5
	tagRequestMagic = 6
	tagLoops        = 7
	tagPeerMethod   = 8
	tagOwnMethod    = 9
	tagEchoID       = 10
	tagUnanswered   = 11
	tagTraffic      = 12
	tagChecking     = 13
	tagEchoDeadline = 14
	tagRoundTrip    = 15
	tagPathID       = 16
	tagPathChecking = 17
)

// Snapshot returns what Unpark continues, in another program, the link of. It returns false if the link
// is not open.
func (l *Link) Snapshot() (p Parked, ok bool) {
	if l.State() != ppp.Opened || l.echo.dead {
		return p, false
	}
	return Parked{l.automaton.Snapshot(), l.echo, l.path, l.negotiator.options, l.roundTrip}, true
}

// AppendState appends the state of the link, encoded, which RestoreState reads. The configuration is the
// link's.
func (p *Parked) AppendState(b []byte, cfg *Config, now time.Time) []byte {
	return tlv.Append(b, func(c *tlv.Codec) { p.fields(c, cfg, now) })
}

// RestoreState reads what AppendState has encoded, maybe in another version. What was agreed on must be
// something that the configuration allows. A path check that was running begins again.
func (p *Parked) RestoreState(cfg *Config, state []byte, now time.Time) error {
	*p = Parked{}
	return tlv.Parse(state, func(c *tlv.Codec) { p.fields(c, cfg, now) })
}

func (p *Parked) fields(c *tlv.Codec, cfg *Config, now time.Time) {
	c.Part(tagAutomaton, "LCP's automaton", p.automaton.AppendState, p.automaton.RestoreState)
	if state := p.automaton.State(); state != ppp.Opened {
		c.Fail("LCP is in state %v", state)
	}
	p.options.fields(c, cfg)
	p.echo.fields(c, cfg, now)
	tlv.Uint(c, tagRoundTrip, &p.roundTrip)
	p.pathFields(c, cfg, now)
}

func (o *options) fields(c *tlv.Codec, cfg *Config) {
	tlv.Uint(c, tagMaxMRU, &o.maxMRU)
	tlv.Uint(c, tagMRU, &o.requestMRU)
	tlv.Uint(c, tagPeerMRU, &o.peerMRU)
	tlv.Uint(c, tagMagic, &o.magic)
	c.Bool(tagRequestMagic, &o.requestMagic)
	tlv.Uint(c, tagLoops, &o.loops)
	o.peerMethod.field(c, tagPeerMethod, cfg.RequireAuth)
	o.ownMethod.field(c, tagOwnMethod, cfg.AllowAuth)
	if c.Reading() {
		o.check(c, cfg)
	}
}

// field is that of a method that was agreed on: the value of its option, as the list may be another in
// another program.
func (m *method) field(c *tlv.Codec, tag uint8, list []ppp.Method) {
	if !c.Optional(tag, *m != 0) {
		return
	}
	var option []byte
	if agreed := m.of(list); agreed != nil {
		option = agreed.Option()
	}
	tlv.Bytes(c, tag, &option)
	if *m = index(list, option); *m == 0 {
		c.Fail("the configuration does not allow the authentication protocol %x", option)
	}
}

// check checks options that were read: the negotiation has only such results.
func (o *options) check(c *tlv.Codec, cfg *Config) {
	n := negotiator{cfg: cfg}
	switch {
	case o.maxMRU < MinMRU:
		c.Fail("the MRU is bounded by %d", o.maxMRU)
	case o.requestMRU < MinMRU || o.requestMRU > o.maxMRU && o.requestMRU != DefaultMRU:
		c.Fail("MRU %d", o.requestMRU)
	case o.peerMRU < MinMRU || o.peerMRU > o.maxMRU:
		c.Fail("the peer's MRU %d", o.peerMRU)
	case o.requestMagic && o.magic == 0:
		c.Fail("the Magic-Number is zero")
	case o.loops >= n.maxLoops():
		c.Fail("the link is looped")
	case o.peerMethod == 0 && len(cfg.RequireAuth) > 0:
		c.Fail("the peer need not authenticate itself, but the configuration requires it")
	}
}

func (k *keepalive) fields(c *tlv.Codec, cfg *Config, now time.Time) {
	tlv.Uint(c, tagEchoID, &k.id)
	tlv.Uint(c, tagUnanswered, &k.pending)
	c.Bool(tagTraffic, &k.traffic)
	c.Bool(tagChecking, &k.checking)
	interval := cfg.Echo.Interval
	if k.checking {
		interval = checkInterval
	}
	c.Deadline(tagEchoDeadline, now, interval, &k.deadline)
	if interval <= 0 {
		k.deadline = time.Time{}
	}
}

// pathFields are those of the path check, if there is one.
func (p *Parked) pathFields(c *tlv.Codec, cfg *Config, now time.Time) {
	var path pathCheck
	if p.path != nil {
		path = *p.path
	}
	running := !path.deadline.IsZero()
	tlv.Uint(c, tagPathID, &path.id)
	c.Bool(tagPathChecking, &running)
	if !c.Reading() || !cfg.CheckPath {
		return
	}
	p.path = &path
	if running {
		p.path.start(now, min(p.PeerMRU(), p.MRU()))
	}
}
