package pppoe_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"
	"testing/synctest"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/tun/tuntest"
)

// portCount is how many session ports a station has.
const portCount = 4

// withFanout returns a station's ports with the session port distributed as by PACKET_FANOUT.
func withFanout(p pppoe.Ports, used *[portCount]int) pppoe.Ports {
	whole := p.Session
	var parts [portCount]*fanoutPort
	for i := range parts {
		parts[i] = &fanoutPort{Port: whole, in: make(chan []byte, 1024)}
		p.Fanout = append(p.Fanout, parts[i])
	}
	p.Session, p.Fanout = p.Fanout[0], p.Fanout[1:]
	// Ends when the port is closed.
	go func() {
		frames := []datapath.Frame{{Data: make([]byte, 1514)}}
		for {
			if _, err := whole.ReadBatch(frames); err != nil {
				for _, p := range parts {
					close(p.in)
				}
				return
			}
			b := frames[0].Data
			i := 0
			if p := binary.BigEndian.Uint16(b[20:]); (p == 0x21 || p == 0x57) && len(b) > 42 {
				i = int(b[41]) % portCount
			}
			used[i]++
			parts[i].in <- bytes.Clone(b)
			frames[0].Data = b[:cap(b)]
		}
	}()
	return p
}

// fanoutPort is one of several session ports of a station.
type fanoutPort struct {
	datapath.Port
	in chan []byte
}

func (p *fanoutPort) ReadBatch(frames []datapath.Frame) (int, error) {
	b, ok := <-p.in
	if !ok {
		return 0, net.ErrClosed
	}
	frames[0].Data = append(frames[0].Data[:0], b...)
	return 1, nil
}

// TestFanout: with several session ports at both ends, each control frame is received once, in
// order, and the packets of each flow arrive in order.
func TestFanout(t *testing.T) {
	for _, path := range []datapath.Kind{datapath.KindPlain, datapath.KindGSO} {
		t.Run(path.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				var client, server [portCount]int
				l.client.DataPath, l.server.DataPath = path, path
				l.client.Trace, l.server.Trace = true, true
				l.client.OpenPorts = func() (pppoe.Ports, error) { return withFanout(l.segment.Ports(clientAddr), &client), nil }
				var clientSent, serverSent, clientReceived, serverReceived [][]byte
				l.client.Notify = record(l.client.Notify, &clientSent, &clientReceived)
				l.server.Notify = record(l.server.Notify, &serverSent, &serverReceived)
				l.startServerOn(withFanout(l.segment.Ports(serverAddr), &server))
				l.startClient()
				synctest.Wait()
				l.exchangeFlows()
				l.stop()
				for what, pair := range map[string][2][][]byte{"client": {serverSent, clientReceived}, "server": {clientSent, serverReceived}} {
					// Frames before or after a session are not received.
					sent, received := bytes.Join(pair[0], []byte("|")), bytes.Join(pair[1], []byte("|"))
					if len(pair[1]) < 8 || !bytes.Contains(sent, received) {
						t.Errorf("the %s received % x of % x", what, received, sent)
					}
				}
				for i := range portCount {
					if client[i] == 0 || server[i] == 0 {
						t.Errorf("port %d of the client had %d frames, of the server %d", i, client[i], server[i])
					}
				}
			})
		})
	}
}

// record records control frames, and passes events on.
func record(next func(pppoe.SessionInfo, pppoe.Event), sent, received *[][]byte) func(pppoe.SessionInfo, pppoe.Event) {
	return func(l pppoe.SessionInfo, e pppoe.Event) {
		switch e := e.(type) {
		case pppoe.FrameSent:
			*sent = append(*sent, bytes.Clone(e.Frame))
		case pppoe.FrameReceived:
			*received = append(*received, bytes.Clone(e.Frame))
		}
		next(l, e)
	}
}

// exchangeFlows sends packets of several flows each way.
func (l *lab) exchangeFlows() {
	l.t.Helper()
	const flows, each = 8, 30
	c, s := l.clientHost.device(l.t, "ppp0"), l.serverHost.device(l.t, "ppp0")
	for _, way := range []struct{ from, to *tuntest.Device }{{c, s}, {s, c}} {
		for i := range flows * each {
			p := append(ipv4("192.0.2.10", "203.0.113.1"), byte(i/flows))
			p[3], p[19] = 21, byte(i%flows)
			if !way.from.Inject(p) {
				l.t.Fatal("the device is full")
			}
		}
		synctest.Wait()
		var next [flows]byte
		for range flows * each {
			select {
			case p := <-way.to.Received():
				if flow := p[19]; p[20] != next[flow] {
					l.t.Fatalf("packet %d of flow %d comes instead of %d", p[20], flow, next[flow])
				}
				next[p[19]]++
			default:
				l.t.Fatalf("packets are missing: the flows are at %v, want %d each", next, each)
			}
		}
	}
}
