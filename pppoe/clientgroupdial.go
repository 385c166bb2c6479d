package pppoe

import (
	"encoding/binary"
	"fmt"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// groupClient is the state of one client. Its zero value, but for index, is an idle client.
type groupClient struct {
	key      datapath.Key // Local and VLAN: since the dial; the others: of the session
	index    uint32
	dials    uint32           // started so far
	dial     *groupDial       // nil: not in discovery
	ppp      *session.Session // nil: no session
	opened   time.Time        // when the first address family came up; zero: none has
	padtTags wire.Tags
	families familySet // that are up
	waiting  bool      // it is in toDial
	progress bool      // it counts as in progress
	closing  bool      // it is in toClose, or closes
	noPADT   bool      // the peer has sent a PADT

	echoPending bool // the last Echo-Request has no answer yet
}

// groupDial is the state of a client in discovery.
type groupDial struct {
	identity  GroupClient
	discovery *discovery.Client
}

// familySet is a set of address families.
type familySet uint8

const (
	familyIPv4 familySet = 1 << iota
	familyIPv6
)

// Dial makes an idle client dial, as soon as Rate and MaxInProgress allow. It does nothing if the
// client is not idle, or if Run is about to end.
func (g *ClientGroup) Dial(client int) {
	c := &g.clients[client]
	if g.closing || c.waiting || c.dial != nil || c.ppp != nil {
		return
	}
	c.waiting = true
	g.toDial.push(c)
}

// startQueued starts dials and closes as far as they are allowed.
func (g *ClientGroup) startQueued() {
	for g.inProgress < g.cfg.MaxInProgress && g.toClose.len() > 0 {
		g.closeClient(g.toClose.pop())
	}
	for g.mayDial() && !g.nextDial.After(g.now) {
		if c := g.toDial.pop(); c.waiting {
			g.countDial()
			g.dial(c)
		}
	}
}

func (g *ClientGroup) mayDial() bool {
	return g.toDial.len() > 0 && g.inProgress < g.cfg.MaxInProgress
}

// maxDialBurst is how much time of the rate may be made up for, after a delay.
const maxDialBurst = 20 * time.Millisecond

// countDial counts a dial against the rate.
func (g *ClientGroup) countDial() {
	if g.cfg.Rate <= 0 {
		return
	}
	if earliest := g.now.Add(-maxDialBurst); g.nextDial.Before(earliest) {
		g.nextDial = earliest
	}
	g.nextDial = g.nextDial.Add(time.Duration(float64(time.Second) / g.cfg.Rate))
}

func (g *ClientGroup) dial(c *groupClient) {
	identity := g.cfg.Client(int(c.index))
	c.waiting = false
	c.dials++
	c.key = datapath.Key{VLAN: identity.VLAN, Local: identity.Addr}
	cfg := g.cfg.Discovery
	if identity.AccessLine != (wire.AccessLine{}) {
		cfg.AccessLine = identity.AccessLine
	}
	cfg.MaxPayload = min(cfg.MaxPayload, g.maxPayload(identity.VLAN))
	cfg.HostUniq = c.hostUniq()
	c.dial = &groupDial{identity, discovery.NewClient(identity.Addr, cfg)}
	g.setProgress(c, true)
	g.notify(c, Dialling{})
	c.dial.discovery.Start(g.now, &g.queue)
	g.sendDiscovery(c)
	g.setTimer(c)
}

// hostUniqLen is the length of the Host-Uniq that a group sends: the client's index, and a counter,
// so that an answer to an earlier dial is not taken for one to this.
const hostUniqLen = 8

func (c *groupClient) hostUniq() []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, hostUniqLen), c.index)
	return binary.BigEndian.AppendUint32(b, c.dials)
}

// dialler returns the client that a packet answers, by its Host-Uniq; nil: none.
func (g *ClientGroup) dialler(tags wire.Tags) *groupClient {
	v, _ := tags.Find(wire.TagHostUniq)
	if len(v) != hostUniqLen {
		return nil
	}
	i := binary.BigEndian.Uint32(v)
	if int(i) >= len(g.clients) {
		return nil
	}
	return &g.clients[i]
}

// receiveDiscovery handles a frame of the discovery port.
func (g *ClientGroup) receiveDiscovery(frame []byte) {
	f, tags, err := parseTaggedDiscovery(frame)
	if err != nil {
		g.drops.count(err)
		return
	}
	if f.Code == wire.PADT {
		g.receivePADT(f, tags)
		return
	}
	c := g.dialler(f.Tags)
	if c == nil || c.dial == nil || c.key.VLAN != tags {
		g.drops.count(discovery.ErrNotOurs)
		return
	}
	result, err := c.dial.discovery.Receive(g.now, f, &g.queue)
	g.drops.count(err)
	g.handleResult(c, result)
}

// parseTaggedDiscovery parses a discovery frame with VLAN tags. The packet's tags alias it.
func parseTaggedDiscovery(frame []byte) (f wire.DiscoveryFrame, s vlan.Stack, err error) {
	s, etherType, ok := vlan.Split(frame)
	if !ok {
		return f, s, wire.ErrShort
	}
	if etherType != wire.EtherTypeDiscovery {
		return f, s, wire.ErrCode
	}
	f.Dst, f.Src = wire.Addr(frame[:6]), wire.Addr(frame[6:12])
	f.Discovery, err = wire.ParseDiscovery(frame[payloadOffset(s):])
	return f, s, err
}

// payloadOffset is where the payload of a frame with VLAN tags begins.
func payloadOffset(s vlan.Stack) int { return 14 + s.Depth()*vlan.TagLen }

// handleResult acts on a result of a client's discovery.
func (g *ClientGroup) handleResult(c *groupClient, r discovery.Result) {
	g.sendDiscovery(c)
	switch {
	case r.Offer != nil:
		g.notify(c, Offered{Offer: *r.Offer})
	case r.Rejection != nil:
		g.notify(c, Rejected{Rejection: *r.Rejection})
	case r.TimedOut != 0:
		g.notify(c, DiscoveryTimeout{Missing: r.TimedOut, Unmatched: c.dial.discovery.Unmatched()})
	}
	switch {
	case r.Grant != nil:
		g.openSession(c, *r.Grant)
		return
	case !c.dial.discovery.Done():
		g.setTimer(c)
	case r.Rejection != nil:
		g.failDial(c, fmt.Errorf("%w: %v rejected the request: %v %s", ErrDiscovery, r.Rejection.AC, r.Rejection.Tag, wire.EscapeText(r.Rejection.Text)))
	default:
		g.failDial(c, fmt.Errorf("%w: no %v", ErrDiscovery, r.TimedOut))
	}
}

func (g *ClientGroup) failDial(c *groupClient, err error) {
	c.dial = nil
	g.endProgress(c)
	g.notify(c, DialFailed{Err: err})
}

// openSession begins PPP.
func (g *ClientGroup) openSession(c *groupClient, grant discovery.Grant) {
	identity := c.dial.identity
	c.dial = nil
	c.key.Peer, c.key.SessionID, c.padtTags = grant.AC, grant.SessionID, grant.PADTTags
	if old := g.sessions[c.key]; old != nil { // the concentrator has given the ID away
		old.noPADT = true
		g.endSession(old, session.Reason{Cause: session.CauseReplaced, Text: "session ID granted again"})
	}
	cfg := g.cfg.Session
	cfg.Credentials.Name = identity.User
	secret := []byte(identity.Password)
	cfg.Credentials.Secret = func(string) ([]byte, bool) { return secret, true }
	c.ppp = session.New(&cfg, session.Peer{
		MaxMRU: min(max(grant.MaxPayload, discovery.EthernetPayload), g.maxPayload(identity.VLAN)), RoundTrip: grant.RTT,
	})
	g.sessions[c.key] = c
	g.notify(c, SessionEstablished{Grant: grant})
	c.ppp.Up(g.now, &g.out)
	g.flushSession(c)
	for _, packet := range g.early.take(c.key) {
		g.receivePacket(c, packet)
	}
}

// maxPayload returns the longest PPP payload that the session port can carry in a VLAN, in octets,
// without the Protocol field.
func (g *ClientGroup) maxPayload(in vlan.Stack) int { return g.cfg.Ports.maxPayload(in) }
