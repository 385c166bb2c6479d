package shared

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
)

// idle returns a responder with n sessions that have a network and a delegated prefix, and the
// live heap that they take, without that of the pools.
func idle(t testing.TB, n int) (r *responder[int], octets int) {
	t.Helper()
	cfg := assign.Config{DUID: serverDUID, Networks: newPool(t, "2001:db8::/40", 64), Prefixes: newPool(t, "2001:db8:100::/40", 56)}
	b := newBench(t, cfg)
	b.r.cfg.Assigned, b.r.cfg.Send = nil, func(int, []byte) {}
	ask := datagram(peer, dhcp6.AllRelayAgentsAndServers, clientMessage(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{}))
	before := heap()
	for key := range n {
		l := link()
		l.Subscriber = fmt.Sprint("user", key)
		b.r.up(start, key, &l)
		if err := b.r.receive(start, key, ask); err != nil {
			t.Fatal(err)
		}
	}
	after := heap()
	b.r.cfg.Networks, b.r.cfg.Prefixes = nil, nil
	cfg.Networks, cfg.Prefixes = nil, nil
	pools := after - heap()
	runtime.KeepAlive(b)
	return b.r, after - before - pools
}

// heap returns the octets of live objects.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// maxSessionOctets bounds what an idle session with a delegated prefix takes, in all: its record, the client's
// DUID, its entries in the table and in the heap of timers.
const maxSessionOctets = 260

// TestMemory: an idle session takes little.
func TestMemory(t *testing.T) {
	const n = 20000
	r, octets := idle(t, n)
	if each := octets / n; each > maxSessionOctets || each < 100 {
		t.Errorf("a session takes %d octets, want at most %d", each, maxSessionOctets)
	}
	runtime.KeepAlive(r)
}

// BenchmarkMemory reports the octets of an idle session, of 65,534.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		r, octets := idle(b, 65534)
		b.ReportMetric(float64(octets)/65534, "B/session")
		runtime.KeepAlive(r)
	}
}

// BenchmarkIdleHour is the periodic advertisements of 65,534 sessions in an hour.
func BenchmarkIdleHour(b *testing.B) {
	r, _ := idle(b, 65534)
	sent, wakes := 0, 0
	r.cfg.Send = func(int, []byte) { sent++ }
	now := start
	hour := func() {
		for end := now.Add(time.Hour); now.Before(end); wakes++ {
			now = now.Add(max(r.advance(now), time.Nanosecond))
		}
	}
	hour() // the initial advertisements
	sent, wakes = 0, 0
	for b.Loop() {
		hour()
	}
	b.ReportMetric(float64(sent)/float64(b.N), "RAs/op")
	b.ReportMetric(float64(wakes)/float64(b.N), "wakes/op")
}

// BenchmarkReceive is a solicitation and a DHCPv6 Renew.
func BenchmarkReceive(b *testing.B) {
	for name, p := range map[string][]byte{
		"solicitation": solicitation(b), "renew": datagram(peer, dhcp6.AllRelayAgentsAndServers, clientMessage(dhcpv6.MessageTypeRenew, &dhcpv6.OptIAPD{})),
	} {
		b.Run(name, func(b *testing.B) {
			r, _ := idle(b, 1000)
			now := start
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Second)
				if err := r.receive(now, 1, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
