package pppoe

import (
	"encoding/binary"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// receiveSession handles a frame of the session port.
func (g *ClientGroup) receiveSession(frame []byte) {
	key, at, ok := datapath.FrameKey(frame)
	if !ok {
		g.drops.count(wire.ErrShort)
		return
	}
	_, packet, err := wire.ParseSession(frame[at:])
	if err != nil {
		g.drops.count(err)
		return
	}
	c := g.sessions[key]
	if c == nil {
		if !g.early.keep(g.now, key, packet) {
			g.drops.count(discovery.ErrNotOurs)
		}
		return
	}
	g.receivePacket(c, packet)
}

// receivePacket handles the PPP frame of a session frame.
func (g *ClientGroup) receivePacket(c *groupClient, packet []byte) {
	if c.ppp == nil {
		return
	}
	if len(packet) > protocolLen {
		switch p := ppp.Protocol(binary.BigEndian.Uint16(packet)); {
		case p == ppp.IPv4 && c.families&familyIPv4 != 0, p == ppp.IPv6 && c.families&familyIPv6 != 0:
			if g.cfg.Receive != nil {
				g.cfg.Receive(int(c.index), g.now, packet[protocolLen:])
			}
			return
		case isLCP(packet, ppp.EchoReply):
			g.countReply(c)
		}
	}
	c.ppp.Receive(g.now, packet, &g.out)
	g.flushSession(c)
}

func isLCP(packet []byte, code ppp.Code) bool {
	return len(packet) > protocolLen && ppp.Protocol(binary.BigEndian.Uint16(packet)) == ppp.LCP && ppp.Code(packet[protocolLen]) == code
}

// Send sends an IPv4 or IPv6 packet, and reports whether it was queued: the client has a session
// that carries packets of its version.
func (g *ClientGroup) Send(client int, packet []byte) bool {
	c := &g.clients[client]
	if len(packet) == 0 {
		return false
	}
	protocol, family := ppp.IPv4, familyIPv4
	if packet[0]>>4 == 6 {
		protocol, family = ppp.IPv6, familyIPv6
	}
	if c.families&family == 0 {
		return false
	}
	g.session.appendData(c.key, protocol, packet)
	return true
}

// Hangup ends a client's session with a Terminate-Request and a PADT, as soon as MaxInProgress
// allows; or it cancels the dial. It does nothing if the client is idle.
func (g *ClientGroup) Hangup(client int) {
	c := &g.clients[client]
	switch {
	case c.waiting:
		c.waiting = false
		g.notify(c, DialFailed{Err: ErrDialCanceled})
	case c.dial != nil:
		g.failDial(c, ErrDialCanceled)
	case c.ppp != nil && !c.closing:
		c.closing = true
		g.toClose.push(c)
	}
}

// closeAll ends all sessions and dials.
func (g *ClientGroup) closeAll(time.Time) {
	g.closing, g.tickAt = true, time.Time{}
	for i := range g.clients {
		g.Hangup(i)
	}
}

// closeClient sends the Terminate-Request, unless the session has ended meanwhile.
func (g *ClientGroup) closeClient(c *groupClient) {
	if !c.closing {
		return
	}
	g.setProgress(c, true)
	c.ppp.Close(g.now, userRequest, &g.out)
	g.flushSession(c)
}

// receivePADT ends the session that VLAN, addresses and session ID identify.
func (g *ClientGroup) receivePADT(f wire.DiscoveryFrame, tags vlan.Stack) {
	c := g.sessions[datapath.Key{VLAN: tags, Local: f.Dst, Peer: f.Src, SessionID: f.SessionID}]
	if c == nil {
		g.drops.count(discovery.ErrNotOurs)
		return
	}
	c.noPADT = true
	g.endSession(c, session.Reason{Cause: session.CauseHangUp, Text: "concentrator sent PADT"})
}

// endSession ends a session without a Terminate-Request.
func (g *ClientGroup) endSession(c *groupClient, r session.Reason) {
	c.ppp.Down(g.now, r, &g.out)
	g.flushSession(c)
}

// flushSession queues the frames of a session's step, and handles its events.
func (g *ClientGroup) flushSession(c *groupClient) {
	for frame, event := range g.out.All() {
		if event != nil {
			g.handleEvent(c, event)
			continue
		}
		if isLCP(frame, ppp.EchoRequest) {
			g.countEcho(c)
		}
		g.session.appendSession(c.key, frame)
	}
	g.out.Reset()
	g.setTimer(c)
}

// countEcho counts an Echo-Request that is sent.
func (g *ClientGroup) countEcho(c *groupClient) {
	g.counters.SentEchoes++
	if c.echoPending {
		g.counters.LostEchoes++
		g.notify(c, EchoLost{})
	}
	c.echoPending = true
}

// countReply counts an Echo-Reply, unless nothing was asked.
func (g *ClientGroup) countReply(c *groupClient) {
	if c.echoPending {
		g.counters.EchoReplies++
		c.echoPending = false
	}
}

// handleEvent updates a client's state by an event of its session, and reports it.
func (g *ClientGroup) handleEvent(c *groupClient, event session.Event) {
	switch e := event.(type) {
	case session.Dropped:
		g.drops.count(e.Err)
	case session.IPv4Up:
		g.familyUp(c, familyIPv4)
	case session.IPv6Up:
		g.familyUp(c, familyIPv6)
	case session.NetworkDown:
		c.families &^= familyOf(e.Protocol)
	case session.Closed:
		g.removeSession(c, e.Reason)
		return
	}
	g.notify(c, event)
}

func familyOf(p ppp.Protocol) familySet {
	if p == ppp.IPCP {
		return familyIPv4
	}
	return familyIPv6
}

// familyUp records that packets of a family may be sent. With the first, the dial is complete.
func (g *ClientGroup) familyUp(c *groupClient, f familySet) {
	c.families |= f
	if c.opened.IsZero() {
		c.opened = g.now
		g.endProgress(c)
	}
}

// removeSession removes a session that has ended, and sends its PADT.
func (g *ClientGroup) removeSession(c *groupClient, r session.Reason) {
	if !c.noPADT {
		padt := wire.NewPADT(c.key.Peer, c.key.Local, c.key.SessionID, "")
		padt.Tags = c.padtTags
		g.discovery.appendDiscovery(c.key.VLAN, padt)
	}
	ended := Ended{Reason: r, SentPADT: !c.noPADT}
	if !c.opened.IsZero() {
		ended.Uptime = g.now.Sub(c.opened)
	}
	delete(g.sessions, c.key)
	g.endProgress(c)
	*c = groupClient{index: c.index, dials: c.dials}
	g.notify(c, ended)
}
