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
			err = fault(b[4*tags.Depth():]) // of the addresses it sees nothing
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
	binary.BigEndian.PutUint16(b[at:], ^uint16(sum(0, b[start:])))
	return nil
}

// fault finds fault with a session frame that carries an IP packet.
func fault(b []byte) error {
	if len(b) < pppoe.Headers {
		return fmt.Errorf("a frame of %d octets", len(b))
	}
	length := int(binary.BigEndian.Uint16(b[18:]))
	if 20+length > len(b) || 20+length < len(b) && len(b) > 60 {
		return fmt.Errorf("a frame of %d octets says that it has %d", len(b), 20+length)
	}
	p := b[22 : 20+length]
	switch binary.BigEndian.Uint16(b[20:]) {
	case 0x21:
		return fault4(p)
	case 0x57:
		return fault6(p)
	}
	return nil
}

func fault4(p []byte) error {
	if n := int(binary.BigEndian.Uint16(p[2:])); n != len(p) || p[0] != 0x45 {
		return fmt.Errorf("an IPv4 packet of %d octets says %d", len(p), n)
	}
	if sum(0, p[:20]) != 0xffff {
		return fmt.Errorf("the IPv4 header's checksum is wrong")
	}
	if binary.BigEndian.Uint16(p[6:])&0x3fff != 0 {
		return nil // a fragment has no checksum of its own
	}
	return faultTransport(p[9], sum(uint32(p[9])+uint32(len(p)-20), p[12:20]), p[20:])
}

func fault6(p []byte) error {
	if n := 40 + int(binary.BigEndian.Uint16(p[4:])); n != len(p) {
		return fmt.Errorf("an IPv6 packet of %d octets says %d", len(p), n)
	}
	return faultTransport(p[6], sum(uint32(p[6])+uint32(len(p)-40), p[8:40]), p[40:])
}

func faultTransport(proto byte, pseudo uint32, b []byte) error {
	if proto == 1 {
		pseudo = 0 // ICMP sums no pseudo-header
	}
	if (proto == 1 || proto == 6 || proto == 17 || proto == 58) && sum(pseudo, b) != 0xffff {
		return fmt.Errorf("the checksum of protocol %d is wrong", proto)
	}
	return nil
}

// sum is the checksum of RFC 1071.
func sum(s uint32, b []byte) uint32 {
	total := uint64(s)
	for ; len(b) > 1; b = b[2:] {
		total += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		total += uint64(b[0]) << 8
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint32(total)
}
