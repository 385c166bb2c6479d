package explain

import (
	"container/list"
	"fmt"
	"time"

	"upppoe/ppp"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// noSide is the side of an event of neither end.
const noSide side = -1

// conversation is a session, or an attempt to get one, while it is explained.
type conversation struct {
	s       Session
	place   place
	cooked  bool
	mac     [2]wire.Addr
	known   [2]bool // whether mac is
	host    side    // noSide: not known yet
	attempt attemptKey
	key     sessionKey
	id      uint16
	bound   bool // has a key
	inOrder *list.Element
	retired bool
	text    int // octets of its events' text

	start, last time.Time
	disc        discoveryState
	layers      [4]layer
	auth        [2]authState // of the side that authenticates itself
	echo        [2]echoState
	traffic     [2]counters // sent by the side
	frames      [2]int      // session frames
	unseen      [2]bool     // frames of the side must have been sent that are not in the capture
	recent      [2]recent
	run         run
	tail        []Event
	suspects    []suspect
	setUp       time.Time // when a network protocol opened
	padt        time.Time
	found       map[string]bool // codes of problems
	probe       bool            // the host asked only which concentrators there are
}

type counters struct {
	packets int
	octets  int64
}

// layerProtocols are the protocols of conversation.layers.
var layerProtocols = [4]ppp.Protocol{ppp.LCP, ppp.IPCP, ppp.IPv6CP, ppp.CCP}

// newConversation begins one with the sender of a frame as side 0.
func newConversation(f *frame) *conversation {
	c := &conversation{place: f.place, cooked: f.cooked, host: noSide, start: f.at, found: make(map[string]bool)}
	c.s = Session{Interface: f.place.iface, Problems: []Problem{}, Notes: []string{}, Events: []Event{}, Start: f.at}
	if f.place.vlan != (vlan.Stack{}) {
		c.s.VLAN = f.place.vlan.String()
	}
	for i := range c.layers {
		c.layers[i].protocol = layerProtocols[i]
	}
	return c
}

// learn sets the address of a side.
func (c *conversation) learn(s side, addr wire.Addr) {
	if addr != (wire.Addr{}) {
		c.mac[s], c.known[s] = addr, true
	}
}

// sideOf returns the side that sent a frame; noSide: neither.
func (c *conversation) sideOf(f *frame) side {
	for _, s := range []side{0, 1} {
		if c.known[s] && c.mac[s] == f.src {
			return s
		}
	}
	for _, s := range []side{0, 1} {
		if !c.known[s] && c.cooked {
			c.learn(s, f.src)
			return s
		}
	}
	return noSide
}

// layer returns the state of a protocol that is negotiated, or nil.
func (c *conversation) layer(p ppp.Protocol) *layer {
	for i := range c.layers {
		if c.layers[i].protocol == p {
			return &c.layers[i]
		}
	}
	return nil
}

func (c *conversation) lcp() *layer    { return &c.layers[0] }
func (c *conversation) ipcp() *layer   { return &c.layers[1] }
func (c *conversation) ipv6cp() *layer { return &c.layers[2] }

// hint notes that a side seems to be the host: the first hint counts.
func (c *conversation) hint(s side) {
	if c.host == noSide {
		c.host = s
	}
}

// established reports whether a network protocol was open, or packets passed.
func (c *conversation) established() bool {
	return !c.setUp.IsZero() || c.ipcp().everOpened || c.ipv6cp().everOpened || c.traffic[0].packets+c.traffic[1].packets > 0
}

func (c *conversation) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, n := range c.s.Notes {
		if n == text {
			return
		}
	}
	if len(c.s.Notes) < maxNotes {
		c.s.Notes = append(c.s.Notes, text)
	}
}

// seconds returns the time since the session's start.
func (c *conversation) seconds(t time.Time) float64 {
	if t.IsZero() || c.start.IsZero() {
		return 0
	}
	return t.Sub(c.start).Round(time.Microsecond).Seconds()
}
