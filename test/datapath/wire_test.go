package datapath

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"upppoe/pppoe"
	"upppoe/pppoe/vlan"
	"upppoe/test/lab"
	"upppoe/test/packets"
)

// watcher looks at all frames that go over the wire, as an analyser would, and finds fault
// with lengths and checksums.
type watcher struct {
	in     *lab.Namespace
	filled bool // no checksum may be open
	conn   *packet.Conn
	done   chan struct{}
	frames int
	faults []string
}

// virtioLen is the length of a struct virtio_net_hdr, which says what is open in a frame.
const virtioLen = 10

// watch begins.
func (e *ends) watch(t *testing.T) *watcher {
	t.Helper()
	return watch(t, e.wire, e.filled)
}

// watch begins, where the first station of a segment is. Filled: no checksum may be open.
func watch(t *testing.T, wire *lab.Namespace, filled bool) *watcher {
	t.Helper()
	w := &watcher{in: wire, filled: filled, done: make(chan struct{})}
	must(t, wire.Do(func() error {
		eth, err := net.InterfaceByName("0")
		if err != nil {
			return err
		}
		if w.conn, err = packet.Listen(eth, packet.Raw, unix.ETH_P_ALL, nil); err != nil {
			return err
		}
		raw, err := w.conn.SyscallConn()
		if err != nil {
			return err
		}
		return errors.Join(raw.Control(func(fd uintptr) {
			err = errors.Join(
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20),
				unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
			)
		}), err)
	}))
	// Ends with end.
	go w.run()
	return w
}

func (w *watcher) run() {
	defer close(w.done)
	for buf := make([]byte, virtioLen+1<<16); ; {
		n, _, err := w.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		header, b := buf[:virtioLen], buf[virtioLen:n]
		if bytes.Equal(b, lastFrame) {
			return
		}
		tags, kind, ok := vlan.Split(b)
		if !ok || kind != pppoe.EtherTypeSession {
			continue
		}
		w.frames++
		err = w.complete(header, b)
		if err == nil {
			err = packets.Fault(b[4*tags.Depth():]) // of the addresses it sees nothing
		}
		if err != nil && len(w.faults) < 10 {
			w.faults = append(w.faults, fmt.Sprintf("%v: % x", err, b[:min(len(b), 100)]))
		}
	}
}

// lastFrame is one of nobody's: what the watcher sees after all others. Its ethertype is for
// experiments (IEEE 802, table 9-3).
var lastFrame = append([]byte{2, 0, 0x5e, 0, 0x53, 0xff, 2, 0, 0x5e, 0, 0x53, 0xff, 0x88, 0xb5}, make([]byte, 46)...)

// end ends the watch after all that has gone over the wire, and tells what was wrong; there
// must have been some frames.
func (w *watcher) end(t *testing.T, least int) {
	t.Helper()
	must(t, w.in.Do(func() error { return inject("0", [][]byte{append(make([]byte, virtioLen), lastFrame...)}) }))
	<-w.done
	w.conn.Close()
	for _, f := range w.faults {
		t.Error(f)
	}
	if w.frames < least {
		t.Errorf("%d frames were seen, want %d at least", w.frames, least)
	}
}

// complete finishes a checksum that a frame's sender, on this very machine, has left open.
func (w *watcher) complete(header, b []byte) error {
	if kind := header[1]; kind != 0 {
		return fmt.Errorf("a frame of %d octets that is yet to be cut (%d)", len(b), kind)
	}
	if header[0]&unix.VIRTIO_NET_HDR_F_NEEDS_CSUM == 0 {
		return nil
	}
	if w.filled {
		return fmt.Errorf("a frame of %d octets with an open checksum", len(b))
	}
	start := int(binary.NativeEndian.Uint16(header[6:]))
	at := start + int(binary.NativeEndian.Uint16(header[8:]))
	if at+2 > len(b) {
		return fmt.Errorf("an open checksum at %d in a frame of %d octets", at, len(b))
	}
	binary.BigEndian.PutUint16(b[at:], ^packets.Sum(0, b[start:]))
	return nil
}
