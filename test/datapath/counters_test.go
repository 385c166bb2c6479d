package datapath

import (
	"math/rand/v2"
	"os"
	"regexp"
	"testing"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/test/packets"
)

// TestCounters: counters equal what was carried, and both ends of an ended session agree, whichever
// path carried it.
func TestCounters(t *testing.T) {
	eachPair(t, func(t *testing.T, e *ends) {
		e.exactCounts(t)
		e.udp(t)
		streams(t, e.client.Namespace, e.server.Namespace, serverIP, 20<<10)
		for _, one := range []*end{e.client, e.server} {
			one.awaitConnectionsClosed(t)
		}
		e.client.stop()
		client, server := e.client.ended(t).Counters, e.server.ended(t).Counters
		mirrored := datapath.Counters{
			SentPackets: server.ReceivedPackets, SentBytes: server.ReceivedBytes,
			ReceivedPackets: server.SentPackets, ReceivedBytes: server.SentBytes,
		}
		if client != mirrored || server.Dropped != 0 {
			t.Errorf("the client counted %+v, the server %+v", client, server)
		}
		if client.SentPackets < 1000 || client.ReceivedPackets < 1000 {
			t.Errorf("only %+v", client)
		}
	})
}

// awaitConnectionsClosed waits until no TCP connection sends any more.
func (e *end) awaitConnectionsClosed(t *testing.T) {
	t.Helper()
	const open = `(?m)^ *\d+: \S+ \S+ (0[1-57-9B-F])` // all but TIME_WAIT and LISTEN (proc_net_tcp)
	for end := time.Now().Add(timeout); ; time.Sleep(time.Millisecond) {
		var list []byte
		must(t, e.Do(func() (err error) {
			list, err = os.ReadFile("/proc/thread-self/net/tcp")
			return err
		}))
		if !regexp.MustCompile(open).Match(list) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("connections do not close:\n%s", list)
		}
	}
}

// exactCounts transfers known packets and compares the counters. Other packets are transferred
// first, until the kernel has sent its own, which it does when a device comes up.
func (e *ends) exactCounts(t *testing.T) {
	t.Helper()
	client, server := tap(t, e.client), tap(t, e.server)
	s := &packets.Source{Rand: rand.New(rand.NewPCG(8, 9)), MaxLen: mtu, Flows: true}
	_, err := packets.Transfer(client, server, s, 1000)
	must(t, err)
	before, _ := e.dialer.Counters()
	there, err := packets.Transfer(client, server, s, 500)
	must(t, err)
	back, err := packets.Transfer(server, client, s, 600)
	must(t, err)
	want := datapath.Counters{
		SentPackets: uint64(there.Packets), SentBytes: uint64(there.Octets),
		ReceivedPackets: uint64(back.Packets), ReceivedBytes: uint64(back.Octets),
	}
	var got datapath.Counters
	for end := time.Now().Add(timeout); got != want && time.Now().Before(end); time.Sleep(time.Millisecond) {
		got = e.countedSince(before) // a received packet is counted shortly after its delivery
	}
	if got != want {
		t.Errorf("counted %+v, carried %+v", got, want)
	}
}

// countedSince returns the difference of the client's counters.
func (e *ends) countedSince(before datapath.Counters) datapath.Counters {
	after, _ := e.dialer.Counters()
	return datapath.Counters{
		SentPackets: after.SentPackets - before.SentPackets, SentBytes: after.SentBytes - before.SentBytes,
		ReceivedPackets: after.ReceivedPackets - before.ReceivedPackets, ReceivedBytes: after.ReceivedBytes - before.ReceivedBytes,
	}
}
