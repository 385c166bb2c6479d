package ebpf

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// TestSharedChurn: while 10,000 sessions are added and removed, each with four prefixes and rates, no
// packet of the others is lost or carried in user space; nothing is left of the removed ones.
func TestSharedChurn(t *testing.T) {
	const churn, alive = 10_000, 1000
	h := newHub(t, hubConfig{})
	var stop atomic.Bool
	var echoes [4]*echoes
	var running sync.WaitGroup
	for i, to := range []netip.Addr{h.ipv4, h.ipv6} {
		for j, client := range h.clients {
			e := newEchoes(client, h.sessionEnd, to)
			echoes[2*i+j] = e
			running.Go(func() { e.run(&stop) })
		}
	}
	began := time.Now()
	h.do(func() error { // network namespaces are those of threads
		var open [alive]datapath.Session
		for i := range churn {
			at := &open[i%alive]
			if *at != nil {
				(*at).Remove()
			}
			*at = h.churned(i)
		}
		for _, s := range open {
			s.Remove()
		}
		return nil
	})
	took := time.Since(began)
	stop.Store(true)
	running.Wait()
	var total echoesCount
	for _, e := range echoes {
		total.answered, total.lost = total.answered+e.answered, total.lost+e.lost
	}
	t.Logf("%.0f sessions a second were added and removed; of %d echoes %d were lost", churn/took.Seconds(), total.answered+total.lost, total.lost)
	if total.lost > 0 || total.answered < 1000 {
		t.Errorf("%+v", total)
	}
	if got, want := h.counted(0).ReceivedPackets+h.counted(1).ReceivedPackets, uint64(total.answered); got < want {
		t.Errorf("the kernel has received %d packets, want %d", got, want)
	}
	if n := h.engine.slots.inUse; n != 2 {
		t.Errorf("%d slots are in use", n)
	}
	for _, m := range []*ebpf.Map{h.engine.maps.prefixes4, h.engine.maps.prefixes6} {
		if n := entries(t, m); n != 2*len(h.clients) {
			t.Errorf("%d prefixes are left", n)
		}
	}
	if n := entries(t, h.at[0].received); n != 1 {
		t.Errorf("%d keys are left", n)
	}
}

// churned adds session number i of those that are removed again.
func (h *hub) churned(i int) datapath.Session {
	s, err := h.paths[0].Add(datapath.SessionConfig{Key: datapath.Key{SessionID: uint16(2 + i), Local: addrs[1], Peer: wire.Addr{2, 1, byte(i >> 8), byte(i)}}, Shared: h.shared})
	check(h.t, err)
	check(h.t, s.SetPrefixes(prefixesOf(0x100+i)))
	s.SetRates(datapath.Rate{Bits: 10_000_000}, datapath.Rate{Bits: 100_000_000})
	s.SetMTU(hubMTU)
	s.SetFamilies(true, true)
	return s
}

// entries counts the entries of a map.
func entries(t *testing.T, m *ebpf.Map) (n int) {
	t.Helper()
	key, value := make([]byte, m.KeySize()), make([]byte, m.ValueSize())
	all := m.Iterate()
	for all.Next(&key, &value) {
		n++
	}
	check(t, all.Err())
	return n
}

// echoes are datagrams that are sent one after the other, each when the last was answered.
type echoes struct {
	echoesCount
	client *net.UDPConn
	ended  atomic.Int64 // answered or lost
}

type echoesCount struct{ answered, lost, repeated int }

func newEchoes(from, at *sessionEnd, to netip.Addr) *echoes {
	from.t.Helper()
	var server, client *net.UDPConn
	at.do(func() (err error) {
		server, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 0)))
		return err
	})
	from.t.Cleanup(func() { server.Close() })
	go func() {
		for buf := make([]byte, 100); ; {
			n, sender, err := server.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			server.WriteToUDPAddrPort(buf[:n], sender)
		}
	}()
	from.do(func() (err error) {
		client, err = net.DialUDP("udp", nil, server.LocalAddr().(*net.UDPAddr))
		return err
	})
	from.t.Cleanup(func() { client.Close() })
	return &echoes{client: client}
}

// run sends until it is to stop.
func (e *echoes) run(stop *atomic.Bool) {
	sent := make([]byte, 8)
	for i := uint64(0); !stop.Load(); i++ {
		binary.BigEndian.PutUint64(sent, i)
		e.client.Write(sent)
		e.client.SetReadDeadline(time.Now().Add(10 * time.Second))
		if e.await(i) {
			e.answered++
		} else {
			e.lost++
		}
		e.ended.Add(1)
	}
}

// awaitMore waits until a number of further datagrams were answered or lost.
func (e *echoes) awaitMore(t *testing.T, n int64) {
	t.Helper()
	before := e.ended.Load()
	for until := time.Now().Add(time.Minute); e.ended.Load() < before+n; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%d datagrams in a minute", e.ended.Load()-before)
		}
	}
}

// await reports whether the answer to a datagram arrives. Answers to earlier ones have come twice.
func (e *echoes) await(number uint64) bool {
	for got := make([]byte, 8); ; e.repeated++ {
		n, err := e.client.Read(got)
		if err != nil || n != 8 {
			return false
		}
		if binary.BigEndian.Uint64(got) == number {
			return true
		}
	}
}

// BenchmarkSharedChurn adds a session of a shared device with four prefixes and rates, and removes
// another, of 1,000.
func BenchmarkSharedChurn(b *testing.B) {
	h := newHub(b, hubConfig{})
	h.do(func() error { // network namespaces are those of threads
		var open [1000]datapath.Session
		for i := 0; b.Loop(); i++ {
			at := &open[i%len(open)]
			if *at != nil {
				(*at).Remove()
			}
			*at = h.churned(i % 10_000)
		}
		return nil
	})
}
