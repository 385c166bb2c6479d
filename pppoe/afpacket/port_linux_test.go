package afpacket_test

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

func TestOpenErrors(t *testing.T) {
	w := newWire(t)
	w.link(w.near, "near", netlink.LinkSetDown)
	w.do(w.near, func() error {
		device, err := tun.Open(tun.Config{Name: "tun"})
		if err != nil {
			return err
		}
		defer device.Close()
		for name, want := range map[string]error{
			"nowhere": afpacket.ErrNoInterface,
			"lo":      afpacket.ErrNotEthernet,
			"tun":     afpacket.ErrNotEthernet,
			"near":    afpacket.ErrDown,
		} {
			if _, err := afpacket.OpenPorts(afpacket.Attachment{Interface: name}); !errors.Is(err, want) {
				t.Errorf("opening %s: %v, want %v", name, err, want)
			} else if want == afpacket.ErrDown && !strings.Contains(err.Error(), "`ip link set near up`") {
				t.Errorf("opening %s: %v does not say what to do", name, err)
			}
		}
		return nil
	})
	w.link(w.near, "near", netlink.LinkSetUp)
	w.do(w.near, func() error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil { // of this thread only, which ends
			return err
		}
		if _, err := afpacket.Open(afpacket.Attachment{Interface: "near"}, wire.EtherTypeDiscovery); !errors.Is(err, afpacket.ErrPermission) {
			t.Errorf("opening without a capability: %v, want %v", err, afpacket.ErrPermission)
		}
		return nil
	})
}

// TestExchange sends more frames than a batch has, which are received in order and unchanged.
func TestExchange(t *testing.T) {
	w := newWire(t)
	a, b := w.port(w.near, "near", wire.EtherTypeSession), w.port(w.far, "far", wire.EtherTypeSession)
	if a.Addr() != near || b.Addr() != far || a.MTU() != 1500 {
		t.Errorf("stations %v and %v with an MTU of %d, want %v, %v and 1500", a.Addr(), b.Addr(), a.MTU(), near, far)
	}
	var sent [][]byte
	for i := range 200 {
		sent = append(sent, frame(far, near, wire.EtherTypeSession, string(bytes.Repeat([]byte{byte(i)}, 1+7*i))))
	}
	if n, err := a.WriteBatch(sent); n != len(sent) || err != nil {
		t.Fatalf("WriteBatch sent %d frames: %v", n, err)
	}
	for i, got := range w.read(b, len(sent)) {
		if !bytes.Equal(got.Data, sent[i]) {
			t.Fatalf("frame %d is % x, want % x", i, got.Data, sent[i])
		}
		if got.ChecksumPending {
			t.Errorf("frame %d, which has no checksum, is marked as pending", i)
		}
	}
}

// TestOnlyOurs: the filter passes only frames for us from others.
func TestOnlyOurs(t *testing.T) {
	w := newWire(t)
	discovery, session := w.port(w.near, "near", wire.EtherTypeDiscovery), w.port(w.near, "near", wire.EtherTypeSession)
	for _, etherType := range []uint16{wire.EtherTypeDiscovery, wire.EtherTypeSession} {
		tag := string([]byte{0, 7, byte(etherType >> 8), byte(etherType)})
		w.raw(w.far, "far",
			frame(near, far, 0x8100, tag+"in a VLAN"),
			frame(other, far, etherType, "for another"),
			frame(near, near, etherType, "our own"),
			frame(wire.Addr{0x33, 0x33, 0, 0, 0, 1}, far, etherType, "for a group"),
			frame(near, far, 0x88b5, "another ethertype"),
			frame(wire.Broadcast, far, etherType, "for all"),
			frame(near, far, etherType, "for us"))
	}
	if got := payloads(w.read(discovery, 2)); !slices.Equal(got, []string{"for all", "for us"}) {
		t.Errorf("discovery receives %q, want what is for all and for us", got)
	}
	if got := payloads(w.read(session, 1)); !slices.Equal(got, []string{"for us"}) {
		t.Errorf("sessions hear %q, want what is for us", got)
	}
	for what, port := range map[string]*afpacket.Port{"discovery": discovery, "sessions": session} {
		want := map[string]uint64{"discovery": 2, "sessions": 1}[what]
		if s, err := port.Stats(); err != nil || s.Received != want {
			t.Errorf("for %s %d frames passed the filter, want %d: %v", what, s.Received, want, err)
		}
	}
}

// TestTooLong: a frame that is longer than its buffer is not delivered, and those around it are.
func TestTooLong(t *testing.T) {
	w := newWire(t)
	a, b := w.port(w.near, "near", wire.EtherTypeSession), w.port(w.far, "far", wire.EtherTypeSession)
	long := string(make([]byte, 100))
	fits := func(s string) []byte { return frame(far, near, wire.EtherTypeSession, s) }
	if n, err := a.WriteBatch([][]byte{fits("first"), fits(long), fits("second"), fits(long), fits("third")}); n != 5 {
		t.Fatalf("sent %d frames: %v", n, err)
	}
	var got []string
	for len(got) < 3 {
		frames := buffers(8, 64)
		n, err := b.ReadBatch(frames)
		if err != nil {
			t.Fatal(err)
		}
		for i := range frames {
			if cap(frames[i].Data) != 64 {
				t.Fatalf("buffer %d has a capacity of %d after ReadBatch, want the 64 it had", i, cap(frames[i].Data))
			}
		}
		got = append(got, payloads(frames[:n])...)
	}
	if !slices.Equal(got, []string{"first", "second", "third"}) {
		t.Errorf("read %q, want the three that fit", got)
	}
}

// TestWriteGoesOn: a frame that the kernel refuses does not stop the next one.
func TestWriteGoesOn(t *testing.T) {
	w := newWire(t)
	a, b := w.port(w.near, "near", wire.EtherTypeSession), w.port(w.far, "far", wire.EtherTypeSession)
	good := frame(far, near, wire.EtherTypeSession, "fits")
	n, err := a.WriteBatch([][]byte{good, make([]byte, 3000), good})
	if n != 2 || !errors.Is(err, unix.EMSGSIZE) {
		t.Errorf("sent %d frames (%v), want 2 and that one was too long", n, err)
	}
	if got := w.read(b, 2); len(got) != 2 {
		t.Errorf("%d frames came, want 2", len(got))
	}
}

// reading reads from a port until it fails, and then sends the error.
func reading(p *afpacket.Port) (frames chan string, failed chan error) {
	frames, failed = make(chan string, 4096), make(chan error, 1)
	// Ends with the port.
	go func() {
		for {
			in := buffers(1, 1514)
			if _, err := p.ReadBatch(in); err != nil {
				failed <- err
				return
			}
			frames <- string(in[0].Data[14:])
		}
	}()
	return frames, failed
}

// onlyControlFrames sends so many frames without a packet to a port that it expects none any more.
func (w *testWire) onlyControlFrames(peer *afpacket.Port, frames <-chan string) {
	w.Helper()
	for range 100 {
		if n, err := peer.WriteBatch([][]byte{frame(near, far, wire.EtherTypeSession, "")}); n != 1 {
			w.Fatal(err)
		}
		<-frames
	}
}

func TestCloseEndsReadBatch(t *testing.T) {
	for _, packetless := range []bool{false, true} {
		w := newWire(t)
		p := w.port(w.near, "near", wire.EtherTypeSession)
		frames, failed := reading(p)
		if packetless {
			w.onlyControlFrames(w.port(w.far, "far", wire.EtherTypeSession), frames)
		}
		testClose(t, p, failed)
	}
}

func testClose(t *testing.T, p *afpacket.Port, failed <-chan error) {
	t.Helper()
	p.Close()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("ReadBatch returned %v, want net.ErrClosed", err)
	}
	if _, err := p.ReadBatch(buffers(1, 64)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("ReadBatch after Close returned %v, want net.ErrClosed", err)
	}
	if _, err := p.WriteBatch([][]byte{frame(far, near, wire.EtherTypeSession, "")}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("WriteBatch after Close returned %v, want net.ErrClosed", err)
	}
}

// TestInterfaceRemoved: an interface that is down for a while is not lost; one that is removed is,
// whether the kernel reported the down state to the reader or to a writer.
func TestInterfaceRemoved(t *testing.T) {
	for i := range 4 {
		writes, packetless := i&1 != 0, i&2 != 0
		w := newWire(t)
		p := w.port(w.near, "near", wire.EtherTypeSession)
		peer := w.port(w.far, "far", wire.EtherTypeSession)
		frames, failed := reading(p)
		if packetless {
			w.onlyControlFrames(peer, frames)
		}

		w.link(w.near, "near", netlink.LinkSetDown)
		if writes {
			if n, err := p.WriteBatch([][]byte{frame(far, near, wire.EtherTypeSession, "")}); n != 0 || !errors.Is(err, unix.ENETDOWN) {
				t.Errorf("sent %d frames (%v) on an interface that is down", n, err)
			}
		}
		w.link(w.near, "near", netlink.LinkSetUp)
		w.until(peer, frame(near, far, wire.EtherTypeSession, "again"), frames)

		w.link(w.near, "near", netlink.LinkDel)
		if err := <-failed; !errors.Is(err, afpacket.ErrNoInterface) {
			t.Errorf("ReadBatch returned %v when the interface went, want %v", err, afpacket.ErrNoInterface)
		}
		if _, err := p.WriteBatch([][]byte{frame(far, near, wire.EtherTypeSession, "")}); err == nil {
			t.Error("WriteBatch sent a frame on a removed interface")
		}
	}
}

// TestStats: the number of frames waiting for a reader is bounded, and lost ones are counted.
func TestStats(t *testing.T) {
	w := newWire(t)
	a, b := w.port(w.near, "near", wire.EtherTypeSession), w.port(w.far, "far", wire.EtherTypeSession)
	batch := make([][]byte, 1000)
	for i := range batch {
		batch[i] = frame(far, near, wire.EtherTypeSession, "a flood")
	}
	var last afpacket.Stats
	for round := 0; last.Dropped == 0; round++ {
		if round == 100 {
			t.Fatal("of 100,000 frames that nobody reads none is dropped")
		}
		if n, err := a.WriteBatch(batch); n != len(batch) {
			t.Fatalf("sent %d frames: %v", n, err)
		}
		s, err := b.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if s.Received <= last.Received {
			t.Fatalf("received %d frames after %d: counts must add up", s.Received, last.Received)
		}
		last = s
	}
	if last.Dropped >= last.Received {
		t.Errorf("%d frames of %d were dropped, want a queue of some length", last.Dropped, last.Received)
	}
}

// TestNoAllocation: frames do not allocate, in either direction.
func TestNoAllocation(t *testing.T) {
	w := newWire(t)
	exchange := exchange(w, vlan.Stack{})
	if n := testing.AllocsPerRun(200, exchange); n != 0 {
		t.Errorf("a batch there costs %v allocations, want none", n)
	}
}

// TestNoAllocationWaiting: a reader that waits for each frame allocates nothing, whether packets are
// expected or not.
func TestNoAllocationWaiting(t *testing.T) {
	w := newWire(t)
	a, b := w.port(w.near, "near", wire.EtherTypeSession), w.port(w.far, "far", wire.EtherTypeSession)
	read := make(chan struct{})
	// Ends with the port.
	go func() {
		in := buffers(1, 1514)
		for {
			if _, err := b.ReadBatch(in); err != nil {
				return
			}
			read <- struct{}{}
		}
	}()
	for what, payload := range map[string]string{"packets": "\x11\x00\x00\x01\x00\x02\x00\x21", "control frames": "\x11\x00\x00\x01\x00\x02\xc0\x21"} {
		out := [][]byte{frame(far, near, wire.EtherTypeSession, payload)}
		if n := testing.AllocsPerRun(200, func() {
			if n, err := a.WriteBatch(out); n != 1 {
				t.Fatal(err)
			}
			<-read
		}); n != 0 {
			t.Errorf("%s: %v allocations for each, want none", what, n)
		}
	}
}

// exchange sends a batch of 32 frames and reads it.
func exchange(w *testWire, tags vlan.Stack) func() {
	a := w.on(w.near, afpacket.Attachment{Interface: "near", VLAN: tags}, wire.EtherTypeSession)
	b := w.on(w.far, afpacket.Attachment{Interface: "far", VLAN: tags}, wire.EtherTypeSession)
	out, in := make([][]byte, 32), buffers(32, 1514)
	for i := range out {
		out[i] = frame(far, near, wire.EtherTypeSession, string(make([]byte, 1400)))
	}
	return func() {
		if n, err := a.WriteBatch(out); n != len(out) {
			w.Fatalf("sent %d frames: %v", n, err)
		}
		for left := len(out); left > 0; {
			n, err := b.ReadBatch(in)
			if err != nil {
				w.Fatal(err)
			}
			left -= n
		}
	}
}

// BenchmarkExchange sends and reads batches of 32 frames of 1414 octets.
func BenchmarkExchange(b *testing.B) {
	exchange := exchange(newWire(b), vlan.Stack{})
	b.ReportAllocs()
	b.SetBytes(32 * 1414)
	for b.Loop() {
		exchange()
	}
}
