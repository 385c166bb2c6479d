package datapath

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/mdlayher/packet"

	"upppoe/internal/roottest"
	"upppoe/test/packets"
)

// TestClosedFamily: packets of a family whose control protocol is not open are neither sent nor
// accepted, and each is counted as dropped.
func TestClosedFamily(t *testing.T) {
	roottest.Need(t)
	for _, path := range paths {
		for closed, what := range map[ipFamily]string{familyIPv4: "IPv4", familyIPv6: "IPv6"} {
			t.Run(fmt.Sprintf("%v without %s", path, what), func(t *testing.T) {
				dial(t, path, path, settings{without: closed}).dropsFamily(t, closed)
			})
		}
	}
}

// dropsFamily sends packets of a family in both directions. Packets of the other family, sent
// afterwards, show that none of them arrives.
func (e *ends) dropsFamily(t *testing.T, closed ipFamily) {
	const some = 50
	client, server := tap(t, e.client), tap(t, e.server)
	random := rand.New(rand.NewPCG(5, 6))
	shut, open := &packets.Source{Rand: random, MaxLen: mtu, Version: 4}, &packets.Source{Rand: random, MaxLen: mtu, Version: 6}
	if closed == familyIPv6 {
		shut, open = open, shut
	}
	shut.FirstNumber = 1 << 30
	before, _ := e.dialer.Counters()
	for range some {
		must(t, packets.Send(client, shut.Next()))
	}
	_, err := packets.Transfer(client, server, open, some)
	must(t, err)
	if after, _ := e.dialer.Counters(); after.Dropped-before.Dropped != some {
		t.Errorf("of %d packets %d are counted as dropped on sending", some, after.Dropped-before.Dropped)
	}
	var frames [][]byte
	for range some {
		frames = append(frames, sessionFrame(shut.Next()))
	}
	must(t, e.server.Do(func() error { return inject("eth0", frames) }))
	_, err = packets.Transfer(server, client, open, some)
	must(t, err)
	for end := time.Now().Add(timeout); e.client.notOpen.Load() < some; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d packets of %d are reported as dropped on receiving", e.client.notOpen.Load(), some)
		}
	}
	e.dropsMismatched(t, server, client, shut, open)
}

// dropsMismatched sends packets of the closed family with the Protocol number of the open one.
func (e *ends) dropsMismatched(t *testing.T, server, client *packet.Conn, shut, open *packets.Source) {
	const some = 50
	before, _ := e.dialer.Counters()
	var frames [][]byte
	for range some {
		f := sessionFrame(shut.Next())
		f[virtioLen+21] ^= 0x21 ^ 0x57 // PPP's Protocol
		frames = append(frames, f)
	}
	must(t, e.server.Do(func() error { return inject("eth0", frames) }))
	_, err := packets.Transfer(server, client, open, some)
	must(t, err)
	if after, _ := e.dialer.Counters(); after.Dropped-before.Dropped != some {
		t.Errorf("%d packets of %d with the other Protocol number are counted as dropped", after.Dropped-before.Dropped, some)
	}
}

// sessionFrame returns a frame with a packet from the server to the client, in session 1, with a
// virtio-net header before it.
func sessionFrame(packet []byte) []byte {
	dst, _ := net.ParseMAC(clientMAC)
	src, _ := net.ParseMAC(serverMAC)
	protocol := uint16(0x21)
	if packet[0]>>4 == 6 {
		protocol = 0x57
	}
	b := append(append(make([]byte, virtioLen), dst...), src...)
	b = append(b, 0x88, 0x64, 0x11, 0, 0, 1)
	b = binary.BigEndian.AppendUint16(b, uint16(2+len(packet)))
	return append(binary.BigEndian.AppendUint16(b, protocol), packet...)
}
