package pppoe

import (
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// outgoing collects the frames of a turn of the loop, so that few system calls send them. The PADS
// of a session precedes its frames, and they its PADT.
type outgoing struct {
	discovery frameBatch // all but PADTs
	session   frameBatch
	padts     frameBatch
}

// allows reports whether a discovery packet may be added: none overtakes a PADT, after which the
// concentrator may have room for another session.
func (o *outgoing) allows(c wire.Code) bool { return c == wire.PADT || len(o.padts.all) == 0 }

func (o *outgoing) addDiscovery(f wire.DiscoveryFrame) {
	to := &o.discovery
	if f.Code == wire.PADT {
		to = &o.padts
	}
	to.buf = f.AppendInPlace(to.buf)
	to.end()
}

func (o *outgoing) addSession(to *sessionIdentity, frame []byte) {
	b := &o.session
	b.buf = wire.AppendTaggedSession(b.buf, to.Peer, to.Local, to.vlan, to.SessionID, frame)
	b.end()
}

// isFull reports whether there are enough frames of a kind for a system call.
func (o *outgoing) isFull() bool {
	return max(len(o.discovery.all), len(o.session.all), len(o.padts.all)) >= maxBatch
}

// sendFullBatch sends the frames if there are many, or if they are not to be collected.
func (l *loop) sendFullBatch() {
	if !l.batching || l.outgoing.isFull() {
		l.sendFrames()
	}
}

// sendFrames sends the frames that were collected. Lost ones are repeated by their protocol.
func (l *loop) sendFrames() {
	l.outgoing.discovery.send(l.ports.Discovery)
	l.outgoing.session.send(l.ports.Session)
	l.outgoing.padts.send(l.ports.Discovery)
}

// frameBatch collects frames, and reuses its memory.
type frameBatch struct {
	buf   []byte
	start int // of the frame that is being added
	all   [][]byte
}

// end completes a frame, which was appended to buf.
func (b *frameBatch) end() {
	b.all = append(b.all, b.buf[b.start:len(b.buf):len(b.buf)])
	b.start = len(b.buf)
}

// send sends the frames, and empties the batch.
func (b *frameBatch) send(to datapath.Port) {
	if len(b.all) > 0 {
		to.WriteBatch(b.all)
		b.buf, b.start, b.all = b.buf[:0], 0, b.all[:0]
	}
}
