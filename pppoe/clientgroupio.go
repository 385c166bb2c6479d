package pppoe

import (
	"encoding/binary"
	"time"

	"upppoe/ppp"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// protocolLen is the length of a PPP frame's Protocol field, in octets.
const protocolLen = 2

// groupBatch is the number of frames that are read at once, and handled before the answers are sent.
const groupBatch = 64

// While manyInProgress clients dial or close, a reader that has not read a whole batch pauses for
// readPause. Otherwise each frame wakes it, which costs several times what handling the frame does.
const (
	manyInProgress = 64
	readPause      = time.Millisecond
)

// read handles the frames of a port until it is lost or closed.
func (g *ClientGroup) read(port datapath.Port, handle func(frame []byte)) error {
	return datapath.ReadFrames(port, groupBatch, func(frames []datapath.Frame) {
		if busy := g.handleBatch(frames, handle); busy && len(frames) < groupBatch {
			time.Sleep(readPause)
		}
	})
}

// handleBatch handles frames, and sends the answers together. It reports whether many clients are
// in progress.
func (g *ClientGroup) handleBatch(frames []datapath.Frame, handle func(frame []byte)) (busy bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = time.Now()
	g.counters.ReceivedFrames += uint64(len(frames))
	for i := range frames {
		handle(frames[i].Data)
	}
	g.finish()
	return g.inProgress >= manyInProgress
}

// flush sends the queued frames: session frames first, so that a Terminate-Ack precedes the PADT.
func (g *ClientGroup) flush() {
	for _, f := range []struct {
		frames *frameBuffer
		port   datapath.Port
	}{{&g.session, g.cfg.Ports.Session}, {&g.discovery, g.cfg.Ports.Discovery}} {
		if len(f.frames.ends) > 0 {
			n, _ := f.port.WriteBatch(f.frames.list()) // lost frames are repeated by their protocol
			g.counters.SentFrames += uint64(n)
			f.frames.reset()
		}
	}
}

// sendDiscovery queues the packets of a client's discovery.
func (g *ClientGroup) sendDiscovery(c *groupClient) {
	for _, f := range g.queue.All() {
		g.discovery.appendDiscovery(c.key.VLAN, f)
	}
	g.queue.Reset()
}

// deadline returns when to call advance; zero: never.
func (g *ClientGroup) deadline() time.Time {
	next := ppp.Earliest(g.timers.Next(), g.tickAt)
	if g.mayDial() {
		next = ppp.Earliest(next, g.nextDial)
	}
	return next
}

// advance handles the timers that have expired.
func (g *ClientGroup) advance(now time.Time) {
	for c, ok := g.timers.Pop(now); ok; c, ok = g.timers.Pop(now) {
		switch {
		case c.dial != nil:
			g.handleResult(c, c.dial.discovery.Advance(now, &g.queue))
		case c.ppp != nil:
			c.ppp.Advance(now, &g.out)
			g.flushSession(c)
		}
	}
	if !g.tickAt.IsZero() && !g.tickAt.After(now) {
		g.tickAt = g.cfg.Tick(now)
	}
}

// setTimer sets a client's timer to its next deadline.
func (g *ClientGroup) setTimer(c *groupClient) {
	at := time.Time{}
	switch {
	case c.dial != nil:
		at = c.dial.discovery.Deadline()
	case c.ppp != nil:
		at = c.ppp.Deadline()
	}
	g.timers.Set(c, at)
}

func (g *ClientGroup) notify(c *groupClient, e Event) {
	if g.cfg.Notify != nil {
		g.cfg.Notify(int(c.index), g.now, e)
	}
}

func (g *ClientGroup) setProgress(c *groupClient, on bool) {
	if c.progress != on {
		c.progress = on
		if on {
			g.inProgress++
		} else {
			g.inProgress--
		}
	}
}

// endProgress records that a client neither dials nor closes.
func (g *ClientGroup) endProgress(c *groupClient) {
	g.setProgress(c, false)
	g.setTimer(c)
}

// Counters returns the counters.
func (g *ClientGroup) Counters() GroupCounters { return g.counters }

// Drops returns how many received frames were dropped, by reason.
func (g *ClientGroup) Drops() map[error]uint64 { return g.drops.read() }

// frameBuffer collects whole frames in memory that is kept.
type frameBuffer struct {
	buf    []byte
	ends   []int
	frames [][]byte
}

func (b *frameBuffer) appendSession(k datapath.Key, frame []byte) {
	start := len(b.buf)
	b.buf = wire.AppendSessionFrame(b.buf, k.Peer, k.Local, k.SessionID, frame)
	b.end(start, k.VLAN)
}

// appendData appends the frame of an IP packet.
func (b *frameBuffer) appendData(k datapath.Key, p ppp.Protocol, packet []byte) {
	start := len(b.buf)
	b.buf = wire.AppendSessionFrame(b.buf, k.Peer, k.Local, k.SessionID, binary.BigEndian.AppendUint16(nil, uint16(p)))
	b.buf = append(b.buf, packet...)
	binary.BigEndian.PutUint16(b.buf[start+14+4:], uint16(protocolLen+len(packet)))
	b.end(start, k.VLAN)
}

func (b *frameBuffer) appendDiscovery(s vlan.Stack, f wire.DiscoveryFrame) {
	start := len(b.buf)
	b.buf = append(append(b.buf, f.Dst[:]...), f.Src[:]...)
	b.buf = binary.BigEndian.AppendUint16(b.buf, wire.EtherTypeDiscovery)
	b.buf = f.Discovery.AppendTo(b.buf)
	b.end(start, s)
}

// end inserts the tags into the frame that has begun at start, and completes it.
func (b *frameBuffer) end(start int, s vlan.Stack) {
	if n := s.Depth() * vlan.TagLen; n > 0 {
		const addresses = 12
		b.buf = append(b.buf, make([]byte, n)...)
		tags := b.buf[start+addresses:]
		copy(tags[n:], tags)
		s.Append(tags[:0], 0)
	}
	b.ends = append(b.ends, len(b.buf))
}

// list returns the frames, valid until reset.
func (b *frameBuffer) list() [][]byte {
	start := 0
	for _, end := range b.ends {
		b.frames = append(b.frames, b.buf[start:end:end])
		start = end
	}
	return b.frames
}

func (b *frameBuffer) reset() { b.buf, b.ends, b.frames = b.buf[:0], b.ends[:0], b.frames[:0] }

// clientQueue is a queue of clients.
type clientQueue struct {
	clients []*groupClient
	head    int
}

func (q *clientQueue) len() int { return len(q.clients) - q.head }

func (q *clientQueue) push(c *groupClient) {
	if q.head > len(q.clients)/2 {
		q.clients = q.clients[:copy(q.clients, q.clients[q.head:])]
		q.head = 0
	}
	q.clients = append(q.clients, c)
}

func (q *clientQueue) pop() *groupClient {
	q.head++
	return q.clients[q.head-1]
}
