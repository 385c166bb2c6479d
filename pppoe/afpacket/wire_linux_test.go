package afpacket_test

import (
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"

	"upppoe/internal/roottest"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

const (
	nearMAC = "02:00:5e:00:53:01"
	farMAC  = "02:00:5e:00:53:02"
)

var (
	near  = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	far   = wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
	other = wire.Addr{2, 0, 0x5e, 0, 0x53, 3}
)

// testWire is a veth pair: "near" in one namespace, "far" in another.
type testWire struct {
	testing.TB
	near, far *lab.Namespace
}

func newWire(t testing.TB) *testWire {
	t.Helper()
	roottest.Need(t)
	w := &testWire{TB: t}
	for _, n := range []**lab.Namespace{&w.near, &w.far} {
		var err error
		if *n, err = lab.NewNamespace(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*n).Close() })
	}
	if err := lab.Veth(lab.End{In: w.near, Name: "near", MAC: nearMAC}, lab.End{In: w.far, Name: "far", MAC: farMAC}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	return w
}

// settle waits until frames pass in both directions: for a moment after its peer came up, the
// kernel drops what is sent on a veth interface.
func (w *testWire) settle() {
	w.Helper()
	const experimental = 0x88b5
	a, b := w.port(w.near, "near", experimental), w.port(w.far, "far", experimental)
	w.until(a, frame(far, near, experimental, "there"), receiveAll(b))
	w.until(b, frame(near, far, experimental, "back"), receiveAll(a))
}

// receiveAll yields the payload of the first frame that a port receives.
func receiveAll(p *afpacket.Port) <-chan string {
	first := make(chan string, 1)
	// Ends with the port, or the first frame.
	go func() {
		frames := buffers(1, 1514)
		if _, err := p.ReadBatch(frames); err == nil {
			first <- payloads(frames)[0]
		}
	}()
	return first
}

// until repeats a frame until it has been received.
func (w *testWire) until(from *afpacket.Port, frame []byte, arrived <-chan string) {
	w.Helper()
	for {
		if _, err := from.WriteBatch([][]byte{frame}); err != nil {
			w.Fatal(err)
		}
		select {
		case got := <-arrived:
			if got != string(frame[14:]) {
				w.Fatalf("received %q, want %q", got, frame[14:])
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// port opens a port in a namespace, until the end of the test.
func (w *testWire) port(in *lab.Namespace, name string, etherType uint16) (p *afpacket.Port) {
	w.Helper()
	w.do(in, func() (err error) {
		p, err = afpacket.Open(afpacket.Attachment{Interface: name}, etherType)
		return err
	})
	w.Cleanup(func() { p.Close() })
	return p
}

func (w *testWire) do(in *lab.Namespace, f func() error) {
	w.Helper()
	if err := in.Do(f); err != nil {
		w.Fatal(err)
	}
}

// link changes an interface of a namespace.
func (w *testWire) link(in *lab.Namespace, name string, change func(netlink.Link) error) {
	w.Helper()
	w.do(in, func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		return change(l)
	})
}

// raw sends frames unchanged, with any addresses.
func (w *testWire) raw(in *lab.Namespace, name string, frames ...[]byte) {
	w.Helper()
	w.do(in, func() error {
		iface, err := net.InterfaceByName(name)
		if err != nil {
			return err
		}
		conn, err := packet.Listen(iface, packet.Raw, 0, nil)
		if err != nil {
			return err
		}
		defer conn.Close()
		for _, f := range frames {
			if _, err := conn.WriteTo(f, &packet.Addr{HardwareAddr: f[:6]}); err != nil {
				return err
			}
		}
		return nil
	})
}

func frame(dst, src wire.Addr, etherType uint16, payload string) []byte {
	f := append(append([]byte(nil), dst[:]...), src[:]...)
	return append(binary.BigEndian.AppendUint16(f, etherType), payload...)
}

// buffers returns buffers for ReadBatch.
func buffers(count, size int) []datapath.Frame {
	frames := make([]datapath.Frame, count)
	for i := range frames {
		frames[i].Data = make([]byte, size)
	}
	return frames
}

// read reads a number of frames.
func (w *testWire) read(p *afpacket.Port, count int) (got []datapath.Frame) {
	w.Helper()
	for len(got) < count {
		frames := buffers(32, 1530)
		n, err := p.ReadBatch(frames)
		if err != nil {
			w.Fatal(err)
		}
		got = append(got, frames[:n]...)
	}
	return got
}

// payloads returns the payloads of frames.
func payloads(frames []datapath.Frame) (all []string) {
	for _, f := range frames {
		all = append(all, string(f.Data[14:]))
	}
	return all
}
