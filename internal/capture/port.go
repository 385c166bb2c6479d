package capture

import (
	"encoding/binary"
	"time"

	"upppoe/internal/capture/pcapngwriter"
	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Link is where ports send and receive.
type Link struct {
	Interface string
	// VLAN is what the ports add to and remove from frames. A trunk's frames have their tags at its ports.
	VLAN vlan.Stack
	// ControlPriority and DataPriority are the priorities (PCP) with which the ports send.
	ControlPriority, DataPriority uint8
}

// Ports returns ports that capture their frames.
func (c *Capture) Ports(p pppoe.Ports, on Link) pppoe.Ports {
	if c == nil {
		return p
	}
	p.Discovery, p.Session = c.Port(p.Discovery, on), c.Port(p.Session, on)
	fanout := make([]datapath.Port, len(p.Fanout))
	for i, port := range p.Fanout {
		fanout[i] = c.Port(port, on)
	}
	p.Fanout = fanout
	return p
}

// Reopen returns a function that opens ports by another and captures their frames.
func (c *Capture) Reopen(open func() (pppoe.Ports, error), on Link) func() (pppoe.Ports, error) {
	if c == nil {
		return open
	}
	return func() (pppoe.Ports, error) {
		p, err := open()
		if err != nil {
			return p, err
		}
		return c.Ports(p, on), nil
	}
}

// Port returns a port that captures its frames. It is a Gatherer if the port is.
func (c *Capture) Port(p datapath.Port, on Link) datapath.Port {
	if c == nil {
		return p
	}
	captured := &port{p, c, on}
	if g, ok := p.(datapath.Gatherer); ok {
		return &gatherer{captured, g}
	}
	return captured
}

type port struct {
	datapath.Port
	capture *Capture
	on      Link
}

// ReadBatch implements datapath.Port.
func (p *port) ReadBatch(frames []datapath.Frame) (int, error) {
	n, err := p.Port.ReadBatch(frames)
	now := time.Now()
	for _, f := range frames[:max(n, 0)] {
		p.add(now, pcapngwriter.Received, f.Data, nil)
	}
	return n, err
}

// WriteBatch implements datapath.Port. Frames are captured before they are sent, so that answers follow them.
func (p *port) WriteBatch(frames [][]byte) (int, error) {
	now := time.Now()
	for _, f := range frames {
		p.add(now, pcapngwriter.Sent, f, nil)
	}
	return p.Port.WriteBatch(frames)
}

type gatherer struct {
	*port
	gatherer datapath.Gatherer
}

// WriteGather implements datapath.Gatherer.
func (p *gatherer) WriteGather(frames [][2][]byte) (int, error) {
	now := time.Now()
	for _, f := range frames {
		p.add(now, pcapngwriter.Sent, f[0], f[1])
	}
	return p.gatherer.WriteGather(frames)
}

// add captures a frame in two pieces, of which the second may be empty, if it is wanted.
func (p *port) add(now time.Time, way pcapngwriter.Direction, head, tail []byte) {
	control := isControl(head)
	if !control && !p.capture.cfg.Data || p.capture.failed.Load() {
		return
	}
	frame := append(append(make([]byte, 0, len(head)+len(tail)), head...), tail...)
	if p.on.VLAN != (vlan.Stack{}) {
		frame = p.on.VLAN.Insert(frame, p.priority(way, control))
	}
	if control && !p.capture.cfg.ShowPasswords {
		frame = maskPasswords(frame)
	}
	p.capture.put(pcapngwriter.Packet{Time: now, Interface: p.on.Interface, Direction: way, Data: frame})
}

// priority returns the priority in the tags of a frame. That of a received one is not known.
func (p *port) priority(way pcapngwriter.Direction, control bool) uint8 {
	switch {
	case way != pcapngwriter.Sent:
		return 0
	case control:
		return p.on.ControlPriority
	}
	return p.on.DataPriority
}

// isControl reports whether a frame is one of discovery, or of a PPP protocol that carries no network-layer
// packets.
func isControl(frame []byte) bool {
	at, ok := sessionHeader(frame)
	if protocol := at + wire.HeaderLen; ok && len(frame) >= protocol+2 {
		return !ppp.Protocol(binary.BigEndian.Uint16(frame[protocol:])).IsData()
	}
	return true
}
