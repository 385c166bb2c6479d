package pppoe_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// recorder records the discovery packets of a segment.
type recorder struct {
	mu     sync.Mutex
	frames []wire.DiscoveryFrame
}

func (r *recorder) watch(frame []byte) {
	if f, err := wire.ParseDiscoveryFrame(frame); err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.frames = append(r.frames, f)
	}
}

// all returns the packets of a code.
func (r *recorder) all(code wire.Code) (found []wire.DiscoveryFrame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.frames {
		if f.Code == code {
			found = append(found, f)
		}
	}
	return found
}

func forge(dst, src wire.Addr, code wire.Code, id uint16, tags wire.Tags) []byte {
	return wire.DiscoveryFrame{Dst: dst, Src: src, Discovery: wire.Discovery{Code: code, SessionID: id, Tags: tags}}.AppendTo(nil)
}

// TestRepeatedPADR: a repeated PADR gets the same session.
func TestRepeatedPADR(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.startServer()
		l.startClient()
		synctest.Wait()
		l.segment.Send(seen.all(wire.PADR)[0].AppendTo(nil))
		synctest.Wait()
		pads := seen.all(wire.PADS)
		if len(pads) != 2 || pads[0].SessionID != pads[1].SessionID || pads[0].SessionID == 0 {
			t.Errorf("two copies of a PADR got %v", pads)
		}
		if n := count[pppoe.SessionEstablished](&l.serverEvents); n != 1 {
			t.Errorf("and established %d sessions", n)
		}
		l.exchange()
		l.stop()
	})
}

// TestFull: a client of a full server gets an error tag and session ID 0.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.server.Pool.Max = 1
		l.startServer()
		l.startClient()
		synctest.Wait()
		other := newLab(t, ethertest.Config{})
		other.segment = l.segment
		other.client.OpenPorts = func() (pppoe.Ports, error) { return l.segment.Ports(wire.Addr{2, 9}), nil }
		other.startClient()
		other.running.Wait()
		if !errors.Is(other.clientErr, pppoe.ErrDiscovery) {
			t.Errorf("the second client ended with %v, want ErrDiscovery", other.clientErr)
		}
		last := seen.all(wire.PADS)[1]
		if e, ok := last.Tags.FindError(); last.SessionID != 0 || !ok || e.Tag != wire.TagACSystemError {
			t.Errorf("it was rejected with %+v, want session ID 0 and AC-System-Error", last)
		}
		if count[pppoe.NoFreeSlots](&l.serverEvents) != 1 {
			t.Error("NoFreeSlots was not reported")
		}
		l.stop()
	})
}

// TestForgedPADT: a PADT ends a session only if both addresses and the session ID match.
func TestForgedPADT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.startServer()
		l.startClient()
		synctest.Wait()
		for _, frame := range [][]byte{
			forge(serverAddr, wire.Addr{2, 9}, wire.PADT, 1, nil),
			forge(clientAddr, wire.Addr{2, 9}, wire.PADT, 1, nil),
			forge(serverAddr, clientAddr, wire.PADT, 2, nil),
			forge(clientAddr, serverAddr, wire.PADT, 2, nil),
		} {
			l.segment.Send(frame)
		}
		synctest.Wait()
		l.exchange()
		l.segment.Send(forge(clientAddr, serverAddr, wire.PADT, 1, nil))
		synctest.Wait()
		if end := (*pppoe.EndError)(nil); !errors.As(l.clientErr, &end) || end.Reason.Cause != session.CauseHangUp {
			t.Errorf("after the concentrator's PADT the client ended with %v, want a hang-up", l.clientErr)
		}
		l.stop()
	})
}

// TestForeignFrames: session frames from another station or for another session are dropped.
func TestForeignFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.startServer()
		l.startClient()
		synctest.Wait()
		data := append([]byte{0, 0x21}, pingFromClient...)
		l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, wire.Addr{2, 9}, 1, data))
		l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, clientAddr, 2, data))
		l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, wire.Addr{2, 9}, 1, []byte{0xc0, 0x21, 5, 1, 0, 4}))
		synctest.Wait()
		select {
		case p := <-l.serverHost.device(t, "ppp0").Received():
			t.Errorf("a foreign packet was delivered: % x", p)
		default:
		}
		l.exchange()
		l.stop()
	})
}

// TestUnknownSession: a peer that uses a session of the server before a crash gets a PADT, within
// limits; no PADT is sent for sessions that may be another server's.
func TestUnknownSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.startServer()
		l.startClient()
		synctest.Wait()
		other := wire.Addr{2, 9}
		echo := []byte{0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0}
		for _, id := range []uint16{0, 5, 0xffff} { // none, and beyond the four slots
			l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, other, id, echo))
		}
		synctest.Wait()
		if all := seen.all(wire.PADT); len(all) != 0 {
			t.Errorf("sessions that are not the server's to end: %v", all)
		}
		for i, id := range []uint16{2, 1} { // 1 is the client's now
			l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, other, id, echo))
			synctest.Wait()
			if all := seen.all(wire.PADT); len(all) != i+1 || all[i].Dst != other || all[i].Src != serverAddr || all[i].SessionID != id {
				t.Errorf("session %d before the crash is answered by %v", id, all)
			}
		}
		for range 1000 {
			l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, other, 2, echo))
			synctest.Wait()
		}
		if n := len(seen.all(wire.PADT)); n != 100 {
			t.Errorf("a flood is answered by %d packets, want 100 in a second", n)
		}
		l.exchange()
		l.stop()
	})
}

// TestSharedPort: a server that shares its port with another of the same address does not touch the
// other's sessions.
func TestSharedPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.startServer()
		stop := l.stopServer
		l.server.Concentrator.ACName, l.server.Notify = "other", nil
		ports := l.segment.Ports(serverAddr)
		ports.Shared = func() bool { return true }
		l.startServerOn(ports)
		other := l.stopServer
		l.stopServer = func() { stop(); other() }
		l.client.Discovery.ACNames = []string{"ac"}
		l.startClient()
		synctest.Wait()
		l.exchange()
		if e, ended := last[pppoe.Ended](&l.clientEvents); ended {
			t.Errorf("the session ended: %v", e.Reason)
		}
		l.stop()
	})
}

// TestClientVanishes: a client that does not answer is detected by echoes, and its slot is freed.
func TestClientVanishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Session.LCP.Echo = lcp.Echo{Interval: 10 * time.Second, Failures: 3}
		ports := l.segment.Ports(clientAddr)
		l.client.OpenPorts = func() (pppoe.Ports, error) { return ports, nil }
		l.startServer()
		l.startClient()
		synctest.Wait()
		ports.Close()
		time.Sleep(time.Minute)
		synctest.Wait()
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CausePeerDead {
			t.Errorf("the server's session ended with %+v, want peer-dead", e)
		}
		if end := (*pppoe.EndError)(nil); !errors.As(l.clientErr, &end) || !end.Online || end.Err == nil {
			t.Errorf("the client, whose port was lost, ended with %v, want a local error", l.clientErr)
		}
		l.stop()
	})
}

// TestDeviceRemoved: a session whose device another process removes ends with ErrDeviceLost.
func TestDeviceRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.startServer()
		l.startClient()
		synctest.Wait()
		l.clientHost.device(t, "ppp0").Close()
		time.Sleep(time.Minute)
		synctest.Wait()
		if !errors.Is(l.clientErr, pppoe.ErrDeviceLost) {
			t.Errorf("the client ended with %v, want ErrDeviceLost", l.clientErr)
		}
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CausePeerTerminated {
			t.Errorf("the server's session ended with %+v, want terminated by the peer", e)
		}
		l.stop()
	})
}

// TestFlood: forged PADIs do not affect open sessions.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.startServer()
		l.startClient()
		synctest.Wait()
		for i := range uint32(50000) {
			src := wire.Addr{2, 7}
			binary.BigEndian.PutUint32(src[2:], i)
			l.segment.Send(forge(wire.Broadcast, src, wire.PADI, 0, wire.Tags(nil).Append(wire.TagServiceName, nil)))
		}
		synctest.Wait()
		l.exchange()
		if n := count[pppoe.SessionEstablished](&l.serverEvents); n != 1 {
			t.Errorf("the server has made %d sessions, want the one of its client", n)
		}
		l.stop()
	})
}

// TestServerStops: a server that stops terminates all sessions.
func TestServerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.startServer()
		l.startClient()
		synctest.Wait()
		l.stopServer()
		time.Sleep(time.Minute)
		synctest.Wait()
		if e, ok := last[session.PeerClosed](&l.clientEvents); !ok || e.Text == "" {
			t.Errorf("the client received %+v, want a reason", e)
		}
		if end := (*pppoe.EndError)(nil); !errors.As(l.clientErr, &end) || end.Reason.Cause != session.CausePeerTerminated {
			t.Errorf("the client ended with %v, want peer-terminated", l.clientErr)
		}
		l.stop()
	})
}

// anyUser is an Authenticator that accepts every user with the right password.
type anyUser struct{}

func (anyUser) Authenticate(_ context.Context, _ pppoe.SessionInfo, p ppp.AuthResponse) pppoe.AuthResult {
	message, ok := p.Verify([]byte("testpassword"))
	return pppoe.AuthResult{AuthResult: ppp.AuthResult{Accepted: ok, Message: message}}
}

// TestAddressesFollowEachOther: the slot longest free is assigned next.
func TestAddressesFollowEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Pool.Max = 3
		l.server.Authenticator = anyUser{}
		l.startServer()
		var got []string
		for i := range 4 {
			l.client.Session.Credentials.Name = fmt.Sprintf("user%d", i)
			l.startClient()
			synctest.Wait()
			c, _ := last[pppoe.Configured](&l.clientEvents)
			got = append(got, c.IPv4.Local.String())
			l.stopClient()
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		if want := []string{"192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.10"}; !slices.Equal(got, want) {
			t.Errorf("successive users got %v, want %v", got, want)
		}
		l.stop()
	})
}

// slowPort is a port whose WriteBatch takes time.
type slowPort struct {
	datapath.Port
	takes time.Duration
}

func (p slowPort) WriteBatch(frames [][]byte) (int, error) {
	n, err := p.Port.WriteBatch(frames)
	time.Sleep(p.takes)
	return n, err
}

// TestProbeLatency: the latency includes the time to send.
func TestProbeLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.startServer()
		port := slowPort{l.segment.Port(wire.Addr{2, 9}, wire.EtherTypeDiscovery), time.Millisecond}
		var got []time.Duration
		_, err := pppoe.Probe(t.Context(), port, l.client.Discovery, func(_ discovery.Offer, after time.Duration) { got = append(got, after) })
		if err != nil || len(got) != 1 || got[0] != port.takes {
			t.Errorf("answered after %v, %v; want %v", got, err, port.takes)
		}
		l.stopServer()
		l.running.Wait()
	})
}

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.startServer()
		found := map[wire.Addr]string{}
		began := time.Now()
		_, err := pppoe.Probe(t.Context(), l.segment.Port(wire.Addr{2, 9}, wire.EtherTypeDiscovery), l.client.Discovery,
			func(o discovery.Offer, _ time.Duration) { found[o.AC] = o.Name() })
		if err != nil || len(found) != 1 || found[serverAddr] != "ac" {
			t.Errorf("found %v, %v; want the one server", found, err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %v, want one whole timeout of 5 s", took)
		}
		l.stopServer()
		l.running.Wait()
	})
}
