package pppoe

import (
	"crypto/rand"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// ackPort is a port that records the Identifiers of the packets that it sends.
type ackPort struct {
	noPort
	sent []byte
}

func (p *ackPort) WriteBatch(frames [][]byte) (int, error) {
	for _, f := range frames {
		_, packet, _ := wire.ParseSession(f[14:])
		p.sent = append(p.sent, packet[3])
	}
	return len(frames), nil
}

// ipcpPacket returns a packet whose options are an IP-Address.
func ipcpPacket(code ppp.Code, id, host byte) []byte {
	return []byte{0x80, 0x21, byte(code), id, 0, 10, 3, 6, 192, 0, 2, host}
}

// heldLoop returns a server's loop and a session whose Ack with the Identifier 1 is held from epoch on.
func heldLoop() (*loop, *sessionState, *ackPort) {
	port := &ackPort{}
	l := newLoop("eth0", Ports{Discovery: noPort{}, Session: port}, nil, datapath.KindPlain, nil, false, new(atomic.Uint64))
	l.owner, l.isServer = nopOwner{}, true
	s := l.addSession(SessionInfo{SessionID: 7, Peer: hostAddr}, &session.Config{Rand: rand.Reader}, session.Peer{}, &SessionLimits{})
	l.holdAck(epoch, s, ipcpPacket(ppp.ConfigureAck, 1, 10))
	l.extendHold(epoch, s, ppp.IPCP)
	return l, s, port
}

// TestRepeatsOfHeldAck: however often the peer repeats its request, it gets one Ack, with the latest
// Identifier; and one for each repeat that crosses the Ack.
func TestRepeatsOfHeldAck(t *testing.T) {
	const ms = time.Millisecond
	request := func(id byte) []byte { return ipcpPacket(ppp.ConfigureRequest, id, 10) }
	type step struct {
		at     time.Duration
		packet []byte // nil: the device is configured
		passed bool   // to IPCP
	}
	for what, c := range map[string]struct {
		steps []step
		want  []byte
	}{
		"configured at once":                {[]step{{100 * ms, nil, false}, {150 * ms, request(2), true}}, []byte{1}},
		"configured late":                   {[]step{{3000 * ms, request(2), false}, {6000 * ms, request(3), false}, {7000 * ms, nil, false}}, []byte{3}},
		"a repeat crosses the Ack":          {[]step{{2999 * ms, nil, false}, {3000 * ms, request(2), false}, {3001 * ms, request(2), false}}, []byte{1, 2, 2}},
		"a request a second after the Ack":  {[]step{{2999 * ms, nil, false}, {4000 * ms, request(2), true}}, []byte{1}},
		"five repeats":                      {[]step{{3000 * ms, request(2), false}, {4000 * ms, request(3), false}, {5000 * ms, request(4), false}, {6000 * ms, request(5), false}, {7000 * ms, request(6), false}, {8500 * ms, nil, false}}, []byte{6}},
		"held for 15 s":                     {[]step{{15000 * ms, request(2), false}, {16000 * ms, request(3), true}}, []byte{1, 2}},
		"another request":                   {[]step{{3000 * ms, ipcpPacket(ppp.ConfigureRequest, 2, 11), true}, {4000 * ms, nil, false}}, nil},
		"another request crosses the Ack":   {[]step{{3000 * ms, nil, false}, {3001 * ms, ipcpPacket(ppp.ConfigureRequest, 2, 11), true}, {3002 * ms, request(3), true}}, []byte{1}},
		"the protocol is terminated":        {[]step{{100 * ms, ipcpPacket(ppp.TerminateRequest, 2, 10), true}, {4000 * ms, nil, false}}, nil},
		"an answer to a request of our own": {[]step{{100 * ms, ipcpPacket(ppp.ConfigureAck, 2, 1), true}, {200 * ms, nil, false}}, []byte{1}},
	} {
		l, s, port := heldLoop()
		for _, step := range c.steps {
			now := epoch.Add(step.at)
			l.sendLateAcks(now, s)
			switch {
			case step.packet == nil:
				l.sendConfiguredAcks(now, s, configuredIPv4())
			case l.repeatsRequest(now, s, step.packet) == step.passed:
				t.Errorf("%s: after %v, the packet is passed to IPCP: %v", what, step.at, !step.passed)
			}
		}
		l.sendFrames()
		if !slices.Equal(port.sent, c.want) {
			t.Errorf("%s: sent Acks %v, want %v", what, port.sent, c.want)
		}
		if l.sendLateAcks(epoch.Add(time.Minute), s); len(l.heldAcks) != 0 {
			t.Errorf("%s: an Ack is kept", what)
		}
	}
}

func configuredIPv4() (a Addressing) {
	a.IPv4.Local = addr4("192.0.2.1")
	return a
}

// TestAckOfEarlierNetworkPhase: an Ack is not sent after the network phase has ended.
func TestAckOfEarlierNetworkPhase(t *testing.T) {
	l, s, port := heldLoop()
	s.start = nil
	l.flush(epoch, s) // the session is in an earlier phase
	l.sendLateAcks(epoch.Add(time.Minute), s)
	if l.sendFrames(); len(port.sent) != 0 || len(l.heldAcks) != 0 {
		t.Errorf("sent Acks %v", port.sent)
	}
}
