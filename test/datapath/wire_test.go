package datapath

import (
	"encoding/binary"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"upppoe/pppoe"
	"upppoe/test/lab"
)

// watcher looks at all that comes to an Ethernet interface, as an analyser at the wire
// would, and finds fault with lengths and checksums.
type watcher struct {
	conn   *packet.Conn
	done   chan struct{}
	frames int
	faults []string
}

func watch(t *testing.T, in *lab.Namespace) *watcher {
	t.Helper()
	w := &watcher{done: make(chan struct{})}
	must(t, in.Do(func() error {
		eth, err := net.InterfaceByName("eth0")
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
		return raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
		})
	}))
	go w.run()
	return w
}

func (w *watcher) run() {
	defer close(w.done)
	for buf := make([]byte, 1<<16); ; {
		n, _, err := w.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if b := buf[:n]; n > 14 && binary.BigEndian.Uint16(b[12:]) == pppoe.EtherTypeSession {
			w.frames++
			if err := fault(b); err != nil && len(w.faults) < 10 {
				w.faults = append(w.faults, fmt.Sprintf("%v: % x", err, b[:min(n, 100)]))
			}
		}
	}
}

// end ends the watch, and tells what was wrong; there must have been some frames.
func (w *watcher) end(t *testing.T, least int) {
	t.Helper()
	w.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // for the last ones
	<-w.done
	w.conn.Close()
	for _, f := range w.faults {
		t.Error(f)
	}
	if w.frames < least {
		t.Errorf("%d frames were seen, want %d at least", w.frames, least)
	}
}

// fault finds fault with a session frame that carries an IP packet.
func fault(b []byte) error {
	length := int(binary.BigEndian.Uint16(b[18:]))
	if 20+length > len(b) || len(b) > 14+1500 {
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

// sum is the checksum of RFC 1071, octet by octet.
func sum(s uint32, b []byte) uint32 {
	for i, octet := range b {
		s += uint32(octet) << (8 - i%2*8)
		s = s&0xffff + s>>16
	}
	return s&0xffff + s>>16
}
