package pppoe_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// padtTimes records when PADTs of session 1 are sent to the client, by source address.
type padtTimes struct {
	mu    sync.Mutex
	begin time.Time
	from  map[wire.Addr][]time.Duration
}

func (p *padtTimes) watch(frame []byte) {
	f, err := wire.ParseDiscoveryFrame(frame)
	if err != nil || f.Code != wire.PADT || f.SessionID != 1 || f.Dst != clientAddr {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.begin.IsZero() {
		p.from[f.Src] = append(p.from[f.Src], time.Since(p.begin))
	}
}

// start begins the recording.
func (p *padtTimes) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin, p.from = time.Now(), map[wire.Addr][]time.Duration{}
}

// want checks the times of the PADTs from an address, in seconds.
func (p *padtTimes) want(t *testing.T, from wire.Addr, seconds ...int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var want []time.Duration
	for _, s := range seconds {
		want = append(want, time.Duration(s)*time.Second)
	}
	if got := p.from[from]; !slices.Equal(got, want) {
		t.Errorf("PADTs from %v came at %v, want %v", from, got, want)
	}
}

// bridged is a server with one slot, and so one session ID, whose interface is a bridge port.
type bridged struct {
	*lab
	nic   *fakeNIC
	s     *pppoe.Server
	times padtTimes
}

// goes removes the interface.
func (b *bridged) goes() {
	b.nic.set(true, serverAddr)
	b.s.SetInterfaceState("s", pppoe.InterfaceGone, wire.Addr{})
	synctest.Wait()
}

// returns restores the interface with an address.
func (b *bridged) returns(addr wire.Addr) {
	b.nic.set(false, addr)
	b.s.SetInterfaceState("s", pppoe.InterfaceUp, addr)
	synctest.Wait()
}

// TestLatePADT: a PADT that could not be sent while the interface was gone is repeated when it is
// back, as the bridge may not forward yet; but not to a client that has the session again.
func TestLatePADT(t *testing.T) {
	for _, c := range []struct {
		what  string
		check func(t *testing.T, b *bridged)
	}{
		{"no client receives them", func(t *testing.T, b *bridged) {
			b.returns(serverAddr)
			time.Sleep(10 * time.Minute)
			b.times.want(t, serverAddr, 0, 3, 10, 35)
		}},
		{"the interface comes up twice", func(t *testing.T, b *bridged) {
			b.returns(serverAddr)
			time.Sleep(time.Second)
			b.returns(serverAddr)
			time.Sleep(10 * time.Minute)
			b.returns(serverAddr)
			b.times.want(t, serverAddr, 0, 3, 10, 35)
		}},
		{"the interface comes up later", func(t *testing.T, b *bridged) {
			b.nic.set(false, serverAddr)
			b.s.SetInterfaceState("s", pppoe.InterfaceNoCarrier, serverAddr)
			time.Sleep(5 * time.Second)
			b.returns(serverAddr)
			time.Sleep(10 * time.Minute)
			b.times.want(t, serverAddr, 5, 8, 15, 40)
		}},
		{"the session comes back under its ID", func(t *testing.T, b *bridged) {
			b.returns(serverAddr)
			time.Sleep(5 * time.Second)
			b.segment.Plug(clientAddr)
			time.Sleep(10 * time.Minute)
			b.checkOnline(2, "in the end")
			b.times.want(t, serverAddr, 0, 3, 10)
		}},
		{"another client gets the ID", func(t *testing.T, b *bridged) {
			b.returns(serverAddr)
			other := b.secondClient(b.segment)
			other.startClient()
			time.Sleep(10 * time.Minute)
			other.checkOnline(1, "all the time")
			if n := count[pppoe.Ended](&other.clientEvents); n != 0 {
				t.Errorf("the other client's session ended %d times", n)
			}
			b.times.want(t, serverAddr, 0, 3, 10, 35)
			other.stopClient()
			other.running.Wait()
		}},
		{"the session comes back under its ID, from another address", func(t *testing.T, b *bridged) {
			b.returns(otherAddr)
			time.Sleep(5 * time.Second)
			b.segment.Plug(clientAddr)
			time.Sleep(10 * time.Minute)
			b.checkOnline(2, "in the end")
			b.times.want(t, serverAddr, 0, 3, 10, 35)
			b.times.want(t, otherAddr)
		}},
		{"the interface goes again", func(t *testing.T, b *bridged) {
			b.returns(serverAddr)
			time.Sleep(5 * time.Second)
			b.goes()
			time.Sleep(15 * time.Second)
			b.returns(serverAddr)
			time.Sleep(10 * time.Minute)
			b.times.want(t, serverAddr, 0, 3, 20, 23, 30, 55)
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bridged{}
				b.lab = newLab(t, ethertest.Config{Watch: b.times.watch})
				b.server.Pool.Max = 1
				b.client.Redial = persist(0, 0)
				b.nic = &fakeNIC{segment: b.segment, address: serverAddr}
				b.s = b.startServerOnNICs(b.nic)
				b.startClient()
				b.checkOnline(1, "at first")
				b.segment.Unplug(clientAddr)
				b.goes()
				b.times.start()
				c.check(t, b)
				b.segment.Plug(clientAddr)
				b.stop()
			})
		})
	}
}
