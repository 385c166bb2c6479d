package datapath

// singleFrame is the memory for a frame of Session.Send.
type singleFrame struct {
	buf    []byte
	frames [1][]byte
}

// singleFrames are those that are free. They are few, and kept: a sync.Pool loses some of its own accord.
type singleFrames chan *singleFrame

func newSingleFrames() singleFrames { return make(singleFrames, 4) }

func (f singleFrames) get() *singleFrame {
	select {
	case one := <-f:
		return one
	default:
		return &singleFrame{buf: make([]byte, maxTaggedLen)}
	}
}

func (f singleFrames) put(one *singleFrame) {
	select {
	case f <- one:
	default:
	}
}

// Send sends an IP packet to the peer.
func (e *entry) Send(packet []byte) bool {
	if len(packet) == 0 || !e.isOpen(protocolOf(packet[0])) || e.path.sessions.get(e.Key) != e {
		return false
	}
	out := e.outlet(0)
	if len(packet) > out.port.MTU()-(HeadersLen-14) {
		return false
	}
	f := e.path.singles.get()
	defer e.path.singles.put(f)
	f.buf = append(f.buf[:maxTaggedLen], packet...)
	e.headers.put(f.buf, protocolOf(packet[0]), len(packet))
	f.frames[0] = f.buf[e.headers.start:]
	if n, _ := out.port.WriteBatch(f.frames[:]); n != 1 {
		return false
	}
	e.counters.sent(1, len(packet))
	return true
}
