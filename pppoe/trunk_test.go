package pppoe_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// startTrunk starts a server that serves a set of VLANs.
func (l *lab) startTrunk(set string) *pppoe.Server {
	l.t.Helper()
	vlans, err := vlan.ParseSet(set)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.startListener(pppoe.Listener{Interface: "s", Ports: l.segment.TrunkPorts(serverAddr), VLANs: vlans})
}

// startListener starts a server with one listener.
func (l *lab) startListener(at pppoe.Listener) *pppoe.Server {
	l.t.Helper()
	return l.startListeners(at)
}

func (l *lab) startListeners(all ...pppoe.Listener) *pppoe.Server {
	l.t.Helper()
	s, err := pppoe.NewServer(l.server, all)
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stopServer = stop
	l.running.Go(func() {
		if err := s.Run(ctx); err != nil {
			l.t.Errorf("server ended with %v", err)
		}
	})
	return s
}

func stackOf(t *testing.T, text string) vlan.Stack {
	t.Helper()
	if text == "" {
		return vlan.Stack{}
	}
	s, err := vlan.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// clientIn returns another client of the same segment, in a VLAN, all with the same Ethernet
// address.
func (l *lab) clientIn(text string) *lab {
	l.t.Helper()
	tags := stackOf(l.t, text)
	other := newLab(l.t, ethertest.Config{})
	other.segment = l.segment
	other.client.OpenPorts = func() (pppoe.Ports, error) {
		return pppoe.Ports{
			Discovery: l.segment.Tagged(clientAddr, wire.EtherTypeDiscovery, tags),
			Session:   l.segment.Tagged(clientAddr, wire.EtherTypeSession, tags),
		}, nil
	}
	return other
}

// stopAll ends clients and the server.
func (l *lab) stopAll(clients ...*lab) {
	for _, c := range clients {
		c.stopClient()
		c.running.Wait()
	}
	l.stopClient = func() {}
	l.stop()
}

// carries checks that packets pass between a client and a device of the server, and nothing else
// reaches either.
func (l *lab) carries(c *lab, serverDevice string) {
	l.t.Helper()
	near, far := l.serverHost.device(l.t, serverDevice), c.clientHost.device(l.t, "ppp0")
	address := c.clientHost.now["ppp0"].IPv4.Local.String()
	up, down := ipv4(address, "203.0.113.254"), ipv4("203.0.113.254", address)
	far.Inject(up)
	near.Inject(down)
	synctest.Wait()
	for what, way := range map[string]struct {
		got  <-chan []byte
		want []byte
	}{"up": {near.Received(), up}, "down": {far.Received(), down}} {
		if len(way.got) != 1 || string(<-way.got) != string(way.want) {
			l.t.Errorf("%s, %s: the packet was not carried to where it belongs", serverDevice, what)
		}
	}
}

// TestTrunkSessions: clients with one Ethernet address in several VLANs have sessions at the same
// time, two of them with the same session ID; frames and events are those of the VLAN.
func TestTrunkSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.server.Pool.Max = 2
		l.startTrunk("any")
		a, b := l.clientIn("50"), l.clientIn("50.100")
		a.startClient()
		synctest.Wait()
		b.startClient()
		synctest.Wait()
		b.stopClient()
		b.running.Wait()
		time.Sleep(time.Minute)
		b = l.clientIn("50.100")
		b.startClient()
		synctest.Wait()
		var ids []uint16
		names := map[string]bool{}
		for _, c := range []*lab{a, b} {
			e, ok := last[pppoe.SessionEstablished](&c.clientEvents)
			if !ok {
				t.Fatal("a client has no session")
			}
			ids = append(ids, e.Grant.SessionID)
		}
		if ids[0] != ids[1] {
			t.Errorf("the session IDs are %d and %d, want the same", ids[0], ids[1])
		}
		l.serverEvents.mu.Lock()
		for _, info := range l.serverEvents.infos {
			names[info.Interface] = true
		}
		l.serverEvents.mu.Unlock()
		if len(names) != 2 || !names["s.50"] || !names["s.50.100"] {
			t.Errorf("events are on %v", names)
		}
		for _, f := range append(seen.all(wire.PADO), seen.all(wire.PADS)...) {
			if f.VLAN != stackOf(t, "50") && f.VLAN != stackOf(t, "50.100") {
				t.Errorf("%v is sent in VLAN %v", f.Code, f.VLAN)
			}
		}
		l.carries(a, "ppp0")
		l.carries(b, "ppp2")
		l.segment.Send(stackOf(t, "50.101").Insert(forge(serverAddr, clientAddr, wire.PADT, ids[0], nil), 0))
		l.segment.Send(forge(serverAddr, clientAddr, wire.PADT, ids[0], nil))
		synctest.Wait()
		l.carries(a, "ppp0")
		l.segment.Send(stackOf(t, "50").Insert(forge(serverAddr, clientAddr, wire.PADT, ids[0], nil), 6))
		synctest.Wait()
		l.carries(b, "ppp2")
		if n := count[pppoe.Ended](&l.serverEvents); n != 2 {
			t.Errorf("%d sessions have ended, want 2: one by PADT", n)
		}
		l.stopAll(a, b)
	})
}

// TestTrunkFirstPackets: packets that a client sends before the server's device is ready reach it.
func TestTrunkFirstPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		ready := make(chan struct{})
		l.server.Network = lateHost{l.serverHost, ready}
		l.startTrunk("any")
		c := l.clientIn("50.100")
		c.startClient()
		time.Sleep(16 * time.Second) // the server holds its Acks for 15 s
		c.clientHost.device(t, "ppp0").Inject(pingFromClient)
		synctest.Wait()
		close(ready)
		synctest.Wait()
		if got := received(l.serverHost.device(t, "ppp0")); len(got) != 1 || string(got[0]) != string(pingFromClient) {
			t.Errorf("the server's device has received % x", got)
		}
		l.stopAll(c)
	})
}

// TestTrunkPriorityTag: frames with a priority tag are untagged frames.
func TestTrunkPriorityTag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.startTrunk("untagged,7")
		c := l.clientIn("")
		c.startClient()
		synctest.Wait()
		l.carries(c, "ppp0")
		id := seen.all(wire.PADS)[0].SessionID
		l.segment.Send(stackOf(t, "0").Insert(forge(serverAddr, clientAddr, wire.PADT, id, nil), 6))
		synctest.Wait()
		if count[pppoe.Ended](&l.serverEvents) != 1 {
			t.Error("a PADT with a priority tag has not ended the untagged session")
		}
		l.stopAll(c)
	})
}

// TestTrunkSet: a PADI in a VLAN that is not served is dropped and counted; others are answered
// with their tags, without their priority.
func TestTrunkSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		s := l.startTrunk("10-12,5.1-3")
		padi := forge(wire.Broadcast, clientAddr, wire.PADI, 0, wire.Tags(nil).Append(wire.TagServiceName, nil))
		var want []string
		for text, served := range map[string]bool{"": false, "9": false, "10": true, "12": true, "13": false, "0x88a8:10": false, "5.1": true, "5.4": false, "5": false, "0x8100:5.1": false} {
			l.segment.Send(stackOf(t, text).Insert(padi, 7))
			if served {
				want = append(want, stackOf(t, text).String())
			}
		}
		synctest.Wait()
		got := map[string]bool{}
		for _, f := range seen.all(wire.PADO) {
			got[f.VLAN.String()] = true
		}
		for _, in := range want {
			if !got[in] {
				t.Errorf("no PADO in VLAN %s", in)
			}
		}
		if len(got) != len(want) || s.Drops()[pppoe.ErrVLAN] != uint64(10-len(want)) {
			t.Errorf("PADOs in %v, want %v; dropped: %v", got, want, s.Drops())
		}
		l.stopAll()
	})
}

// TestTrunkCookie: a cookie from one VLAN opens no session in another.
func TestTrunkCookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		s := l.startTrunk("1-4094")
		c := l.clientIn("5")
		c.startClient()
		synctest.Wait()
		padr := seen.all(wire.PADR)[0]
		padr.VLAN = stackOf(t, "6")
		l.segment.Send(padr.AppendTo(nil))
		synctest.Wait()
		if n := s.Drops()[discovery.ErrCookie]; n != 1 || count[pppoe.SessionEstablished](&l.serverEvents) != 1 {
			t.Errorf("%d PADRs were dropped for their cookie, and there are %d sessions", n, count[pppoe.SessionEstablished](&l.serverEvents))
		}
		l.stopAll(c)
	})
}

// TestTrunkUnknownSession: a frame of an unknown session gets a PADT in its VLAN, if that is
// served.
func TestTrunkUnknownSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.startTrunk("5,6.7")
		for _, text := range []string{"", "5", "6", "6.7", "6.8"} {
			l.segment.Send(wire.AppendTaggedSession(nil, serverAddr, clientAddr, stackOf(t, text), 3, []byte{0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0}))
		}
		synctest.Wait()
		padts := seen.all(wire.PADT)
		if len(padts) != 2 || padts[0].VLAN != stackOf(t, "5") || padts[1].VLAN != stackOf(t, "6.7") || padts[0].SessionID != 3 {
			t.Errorf("PADTs: %+v", padts)
		}
		l.stopAll()
	})
}

// TestTrunkLatePADT: sessions that the interface's loss has ended get a PADT in their VLAN when it
// is back.
func TestTrunkLatePADT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		vlans, _ := vlan.ParseSet("untagged,50-60")
		s := l.startListener(pppoe.Listener{
			Interface: "s", Ports: l.segment.TrunkPorts(serverAddr), VLANs: vlans,
			Reopen: func() (pppoe.Ports, error) { return l.segment.TrunkPorts(serverAddr), nil },
		})
		a, b := l.clientIn("50"), l.clientIn("")
		a.startClient()
		b.startClient()
		synctest.Wait()
		before := len(seen.all(wire.PADT))
		s.SetInterfaceState("s", pppoe.InterfaceGone, wire.Addr{})
		synctest.Wait()
		s.SetInterfaceState("s", pppoe.InterfaceUp, serverAddr)
		synctest.Wait()
		in := map[vlan.Stack]uint16{}
		for _, f := range seen.all(wire.PADT)[before:] {
			in[f.VLAN] = f.SessionID
		}
		if len(in) != 2 || in[stackOf(t, "50")] == 0 || in[vlan.Stack{}] == 0 {
			t.Errorf("PADTs were sent in %v", in)
		}
		l.stopAll(a, b)
	})
}

// TestTrunkPayload: each VLAN may have the payload that its tags leave (RFC 4638).
func TestTrunkPayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{MTU: 1600})
		ports := l.segment.TrunkPorts(serverAddr)
		ports.PayloadMTU = func(s vlan.Stack) int { return 1512 - 4*s.Depth() }
		l.startListener(pppoe.Listener{Interface: "s", Ports: ports, VLANs: vlan.Any()})
		for text, want := range map[string]int{"": 1504, "5": 1500, "5.6": 1496} {
			c := l.clientIn(text)
			c.client.Discovery.MaxPayload = 1504
			c.startClient()
			synctest.Wait()
			if e, _ := last[pppoe.SessionEstablished](&c.clientEvents); e.Grant.MaxPayload != want {
				t.Errorf("%q: payload %d, want %d", text, e.Grant.MaxPayload, want)
			}
			c.stopClient()
			c.running.Wait()
		}
		l.stopAll()
	})
}

// TestTrunkTrace: packets are reported with the VLAN's interface.
func TestTrunkTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Trace = true
		l.startTrunk("any")
		padi := forge(wire.Broadcast, clientAddr, wire.PADI, 0, wire.Tags(nil).Append(wire.TagServiceName, nil))
		l.segment.Send(stackOf(t, "5.6").Insert(padi, 0))
		synctest.Wait()
		for i, info := range l.serverEvents.infos {
			if info.Interface != "s.5.6" {
				t.Errorf("%T is on %s", l.serverEvents.events[i], info.Interface)
			}
		}
		if len(l.serverEvents.infos) != 2 {
			t.Errorf("%d events, want a PADI and a PADO", len(l.serverEvents.infos))
		}
		l.stopAll()
	})
}

// TestListenerVLANs: VLANs need the ports of a trunk, and these need VLANs.
func TestListenerVLANs(t *testing.T) {
	l := newLab(t, ethertest.Config{})
	for _, at := range []pppoe.Listener{
		{Interface: "eth7", Ports: l.segment.Ports(serverAddr), VLANs: vlan.Any()},
		{Interface: "eth7", Ports: l.segment.TrunkPorts(serverAddr)},
	} {
		if _, err := pppoe.NewServer(l.server, []pppoe.Listener{at}); err == nil || !strings.Contains(fmt.Sprint(err), "eth7") {
			t.Errorf("%v: %v", at.VLANs, err)
		}
	}
}
