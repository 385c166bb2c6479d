package afpacket_test

import (
	"encoding/binary"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// received is a frame, and the port that received it.
type received struct {
	port  int
	frame string
}

// numberedFrame returns a session frame with a number in a datagram of a flow, or in a control
// frame if flow is negative.
func numberedFrame(dst, src wire.Addr, flow int, number uint32) []byte {
	packet := make([]byte, 28, 32)
	packet[0], packet[9] = 0x45, 17
	binary.BigEndian.PutUint16(packet[20:], uint16(5000+flow))
	protocol := uint16(0x21)
	if flow < 0 {
		protocol = 0xc021
	}
	packet = binary.BigEndian.AppendUint32(packet, number)
	b := append([]byte{0x11, 0, 0, 7}, 0, byte(len(packet)+2))
	b = binary.BigEndian.AppendUint16(b, protocol)
	return frame(dst, src, wire.EtherTypeSession, string(append(b, packet...)))
}

// TestQueues: each frame is received by one of the ports, the frames of each flow by one port in
// order; control frames are one flow.
func TestQueues(t *testing.T) {
	other := wire.Addr{2, 0, 0x5e, 0, 0x53, 0x77}
	for what, attachments := range map[string][2]afpacket.Attachment{ // far, near
		"untagged":      {{}, {}},
		"one tag":       {{VLAN: stack(t, "50")}, {VLAN: stack(t, "50")}},
		"priority only": {{VLAN: stack(t, "0")}, {VLAN: stack(t, "0")}},
		"two tags":      {{VLAN: stack(t, "50.100")}, {VLAN: stack(t, "50.100")}},
		"odd tags":      {{VLAN: stack(t, "0x9100:50.100")}, {VLAN: stack(t, "0x9100:50.100")}},
		"its own MAC":   {{}, {Source: other}},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWire(t)
			far, near := attachments[0], attachments[1]
			far.Interface, near.Interface = "far", "near"
			// Frames arrive by one queue, whichever processor sends them.
			if err := w.near.Offload("near", true, lab.GRO); err != nil {
				t.Fatal(err)
			}
			var all pppoe.Ports
			w.do(w.near, func() (err error) {
				all, err = afpacket.OpenQueues(near, ports)
				return err
			})
			from := w.on(w.far, far, wire.EtherTypeSession)
			checkFanout(t, from, all.Session.Addr(), listenAll(t, all))
		})
	}
}

// ports is the number of ports.
const ports = 4

// checkFanout sends frames of several flows. Each must be received once, by the port of its flow,
// in order; control frames are one flow.
func checkFanout(t *testing.T, from *afpacket.Port, to wire.Addr, heard <-chan received) {
	t.Helper()
	checkTaggedFanout(t, from, to, vlan.Stack{}, heard)
}

// checkTaggedFanout is checkFanout for frames that arrive with tags.
func checkTaggedFanout(t *testing.T, from *afpacket.Port, to wire.Addr, tags vlan.Stack, heard <-chan received) {
	t.Helper()
	const flows, rounds = 32, 20
	send := func(flow int, number uint32) {
		if n, err := from.WriteBatch([][]byte{numberedFrame(to, from.Addr(), flow, number)}); n != 1 {
			t.Fatal(err)
		}
	}
	for number := range uint32(rounds) {
		for flow := -1; flow < flows; flow++ {
			send(flow, number)
		}
	}
	at, count := make(map[int]int), make(map[int]int)
	for range rounds * (flows + 1) {
		collect(t, <-heard, tags, at, count)
	}
	// The last frame of each port: duplicates would come before it.
	last := make(map[int]int)
	for flow := range flows {
		last[at[flow]] = flow
	}
	if len(last) != ports {
		t.Fatalf("%d ports have received frames, want %d", len(last), ports)
	}
	for _, flow := range last {
		send(flow, rounds)
	}
	for range last {
		collect(t, <-heard, tags, at, count)
	}
}

// TestQueuesDown: frames are distributed as before after the interface was down.
func TestQueuesDown(t *testing.T) {
	w := newWire(t)
	if err := w.near.Offload("near", true, lab.GRO); err != nil {
		t.Fatal(err)
	}
	var all pppoe.Ports
	w.do(w.near, func() (err error) {
		all, err = afpacket.OpenQueues(afpacket.Attachment{Interface: "near"}, ports)
		return err
	})
	from := w.port(w.far, "far", wire.EtherTypeSession)
	heard := listenAll(t, all)
	checkFanout(t, from, near, heard)
	w.link(w.near, "near", netlink.LinkSetDown)
	w.link(w.near, "near", netlink.LinkSetUp)
	w.settle()
	checkFanout(t, from, near, heard)
}

// listenAll reads all session ports until the end of the test, when it closes them.
func listenAll(t *testing.T, ports pppoe.Ports) <-chan received {
	heard, ended := make(chan received, 4096), make(chan struct{})
	var readers sync.WaitGroup
	for i, p := range append([]datapath.Port{ports.Session}, ports.Fanout...) {
		readers.Go(func() {
			for {
				frames := buffers(32, 1530)
				n, err := p.ReadBatch(frames)
				if err != nil {
					return
				}
				for _, f := range frames[:n] {
					select {
					case heard <- received{i, string(f.Data)}:
					case <-ended:
					}
				}
			}
		})
	}
	t.Cleanup(func() {
		close(ended)
		ports.Close()
		readers.Wait()
	})
	return heard
}

// collect checks that a frame with these tags comes by the port of its flow, and is the next of that flow.
func collect(t *testing.T, h received, tags vlan.Stack, at, count map[int]int) {
	t.Helper()
	const packet = 14 + 8
	have, frame, ok := vlan.Strip([]byte(h.frame))
	if !ok || have != tags {
		t.Fatalf("a frame has the tags %v, want %v: % x", have, tags, h.frame)
	}
	flow := -1
	if binary.BigEndian.Uint16(frame[20:22]) == 0x21 {
		flow = int(binary.BigEndian.Uint16(frame[packet+20:])) - 5000
	}
	number := int(binary.BigEndian.Uint32(frame[packet+28:]))
	if count[flow] == 0 {
		at[flow] = h.port
	}
	if at[flow] != h.port || number != count[flow] {
		t.Fatalf("frame %d of flow %d came to port %d; expected was %d, at port %d", number, flow, h.port, count[flow], at[flow])
	}
	count[flow]++
}

// TestQueuesClose: reads of all ports end when the ports are closed or the interface is removed.
func TestQueuesClose(t *testing.T) {
	w := newWire(t)
	var all pppoe.Ports
	w.do(w.near, func() (err error) {
		all, err = afpacket.OpenQueues(afpacket.Attachment{Interface: "near"}, 3)
		return err
	})
	results := make(chan error)
	for _, p := range append([]datapath.Port{all.Session}, all.Fanout...) {
		go func() {
			_, err := p.ReadBatch(buffers(1, 1514))
			results <- err
		}()
	}
	all.Close()
	for range 3 {
		if err := <-results; err == nil {
			t.Error("a port that is closed has read something")
		}
	}
}
