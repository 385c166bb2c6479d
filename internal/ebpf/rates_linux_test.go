package ebpf

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
)

// TestRatesLimit: of the packets that are sent at once, as many pass as the bucket holds, in each
// direction; the others are dropped in the kernel and counted.
func TestRatesLimit(t *testing.T) {
	tags := vlan.Stack{{TPID: vlan.CTag, VID: 7}, {TPID: vlan.CTag, VID: 8}}
	for name, c := range map[string]struct {
		tags    vlan.Stack
		prepare []func(*station, *Config)
	}{
		"TC": {}, "XDP": {prepare: []func(*station, *Config){withExclusive}}, "QinQ": {tags: tags}, "no TCX": {prepare: []func(*station, *Config){withoutTCX}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, c.prepare...)
			here, there := s.session(1, c.tags, 1484)
			const sent, passing, size = 60, 15, 1001 // the smallest bucket has 15,000 octets
			slow, no := datapath.Rate{Bits: 1}, datapath.Rate{}
			for _, to := range []netip.Addr{there.ipv4, there.ipv6} {
				here.kernel.SetRates(no, slow)
				got := here.burst(there, to, sent, size, passing)
				if want := (datapath.Counters{SentPackets: passing, SentBytes: passing * size, Exceeded: sent - passing, Dropped: sent - passing}); got[0] != want {
					t.Errorf("to %v, sent: %+v, want %+v", to, got[0], want)
				}
				here.kernel.SetRates(no, no)
				there.kernel.SetRates(slow, no)
				got = here.burst(there, to, sent, size, passing)
				if want := (datapath.Counters{ReceivedPackets: passing, ReceivedBytes: passing * size, Exceeded: sent - passing, Dropped: sent - passing}); got[1] != want {
					t.Errorf("to %v, received: %+v, want %+v", to, got[1], want)
				}
				there.kernel.SetRates(no, no)
			}
			if n := here.userSpace.sent.Load() + there.userSpace.received.Load(); n > 0 {
				t.Errorf("%d packets through user space", n)
			}
		})
	}
}

// burst sends UDP datagrams that are IP packets of a size, reads those that pass, and returns what
// the kernel has counted meanwhile at both ends.
func (t *sessionEnd) burst(at *sessionEnd, to netip.Addr, n, size, passing int) (counted [2]datapath.Counters) {
	t.t.Helper()
	before := [2]datapath.Counters{t.kernel.Counters(), at.kernel.Counters()}
	headers := 28
	if to.Is6() {
		headers = 48
	}
	server, client := t.udpPair(at, to)
	defer server.Close()
	defer client.Close()
	for range n {
		if _, err := client.Write(make([]byte, size-headers)); err != nil {
			t.t.Fatal(err)
		}
	}
	server.SetReadDeadline(time.Now().Add(5 * time.Second))
	for i := range passing {
		if _, err := server.Read(make([]byte, size)); err != nil {
			t.t.Fatalf("after %d datagrams: %v", i, err)
		}
	}
	awaitTrue(t.t, "all are counted", func() bool {
		counted = [2]datapath.Counters{difference(t.kernel.Counters(), before[0]), difference(at.kernel.Counters(), before[1])}
		return counted[1].ReceivedPackets+counted[0].Exceeded+counted[1].Exceeded == uint64(n)
	})
	return counted
}

// udpPair returns connected sockets at both ends.
func (t *sessionEnd) udpPair(at *sessionEnd, to netip.Addr) (server, client *net.UDPConn) {
	t.t.Helper()
	at.do(func() (err error) {
		server, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 5003)))
		return err
	})
	t.do(func() (err error) {
		client, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 5003)))
		return err
	})
	return server, client
}

func difference(c, before datapath.Counters) datapath.Counters {
	return datapath.Counters{
		SentPackets: c.SentPackets - before.SentPackets, SentBytes: c.SentBytes - before.SentBytes,
		ReceivedPackets: c.ReceivedPackets - before.ReceivedPackets, ReceivedBytes: c.ReceivedBytes - before.ReceivedBytes,
		Dropped: c.Dropped - before.Dropped, Spoofed: c.Spoofed - before.Spoofed, Exceeded: c.Exceeded - before.Exceeded,
		Isolated: c.Isolated - before.Isolated,
	}
}

// TestRateOfGSO: a GSO packet takes tokens for the octets of all its segments; one that is long for
// the bucket is left to user space, and one for which there is no token is dropped with its
// segments.
func TestRateOfGSO(t *testing.T) {
	s := newNetwork(t, withOffloadTUN)
	here, there := s.session(1, vlan.Stack{}, 1492)
	const segments, segment, packet = 20, 1000, 1028
	server, client := here.udpPair(there, there.ipv4)
	defer server.Close()
	defer client.Close()
	here.kernel.SetRates(datapath.Rate{}, datapath.Rate{})
	bucket := here.kernel.(datapath.BucketSharer).Buckets()
	for _, c := range []struct {
		what   string
		rate   datapath.Rate
		empty  bool
		want   datapath.Counters
		leaves int
	}{
		{"a large bucket", datapath.Rate{Bits: 8_000_000, Burst: time.Second}, false, datapath.Counters{SentPackets: segments, SentBytes: segments * packet}, 0},
		{"a small bucket", datapath.Rate{Bits: 1_000_000, Burst: 100 * time.Millisecond}, false, datapath.Counters{}, 1},
		{"an empty small bucket", datapath.Rate{Bits: 1000}, true, datapath.Counters{Exceeded: segments, Dropped: segments}, 0},
		{"an empty bucket", datapath.Rate{Bits: 800_000, Burst: time.Minute}, true, datapath.Counters{Exceeded: segments, Dropped: segments}, 0},
	} {
		here.kernel.SetRates(datapath.Rate{}, c.rate)
		if c.empty {
			bucket.Down.Store((bucket.Now() + int64(time.Hour)) * bucketTicks)
		}
		before, left := here.kernel.Counters(), here.device.(*vnetTUN).leftGSO()
		began := bucket.Now()
		if err := writeGSO(client, make([]byte, segments*segment), segment); err != nil {
			t.Fatal(err)
		}
		awaitTrue(t, c.what, func() bool {
			return difference(here.kernel.Counters(), before) == c.want && here.device.(*vnetTUN).leftGSO()-left == c.leaves
		})
		if c.want.SentPackets > 0 {
			took := bucket.Down.Load()/bucketTicks - began - int64(segments*packet)*int64(time.Microsecond)
			if took < -int64(maxTick) || took > bucket.Now()-began {
				t.Errorf("%s: tokens for %d ns too many were taken", c.what, took)
			}
		}
	}
}

// awaitTrue waits until a condition holds.
func awaitTrue(t testing.TB, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(5 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s: not after 5 s", what)
		}
	}
}
