package fastpath

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// wireCheck listens on an interface, where nothing has touched the frames yet, and checks
// every frame of a PPPoE session that comes in: LENGTH, the length in IP's header, and
// all checksums.
type wireCheck struct {
	conn *packet.Conn
	done sync.WaitGroup

	frames  int
	longest int         // octets of a frame
	lengths map[int]int // how many frames of each length of IP packet
	bad     error
}

// watchWire begins. It must be called at the station.
func watchWire(name string) (*wireCheck, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	w := &wireCheck{lengths: make(map[int]int)}
	if w.conn, err = packet.Listen(iface, packet.Raw, unix.ETH_P_ALL, nil); err != nil {
		return nil, err
	}
	raw, err := w.conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := raw.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
	}); err != nil {
		return nil, err
	}
	w.done.Go(w.read)
	return w, nil
}

func (w *wireCheck) read() {
	buf := make([]byte, 1<<17)
	for {
		n, _, err := w.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		w.check(buf[:n])
	}
}

// stop ends the watch, after what is still waiting, and returns the first fault.
func (w *wireCheck) stop() error {
	w.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	w.done.Wait()
	w.conn.Close()
	return w.bad
}

func (w *wireCheck) check(b []byte) {
	if len(b) < 22 || binary.BigEndian.Uint16(b[12:]) != 0x8864 || b[20] != 0 || b[14] != 0x11 {
		return
	}
	if [6]byte(b[6:12]) != addrs[0] {
		return // what we send
	}
	w.frames++
	w.longest = max(w.longest, len(b))
	if err := checkPPPoE(b[14:]); err != nil && w.bad == nil {
		w.bad = fmt.Errorf("frame %d of %d octets: %w", w.frames, len(b), err)
	}
	w.lengths[len(b)-22]++
}

// checkPPPoE checks a frame's payload.
func checkPPPoE(b []byte) error {
	length, protocol, ip := int(binary.BigEndian.Uint16(b[4:])), binary.BigEndian.Uint16(b[6:]), b[8:]
	switch {
	case length != len(b)-6:
		return fmt.Errorf("LENGTH is %d, not %d", length, len(b)-6)
	case len(ip) > 1492:
		return errors.New("too long")
	case protocol == 0x21:
		return checkIPv4(ip)
	case protocol == 0x57:
		return checkIPv6(ip)
	}
	return fmt.Errorf("protocol %#04x", protocol)
}

func checkIPv4(ip []byte) error {
	header := int(ip[0]&15) * 4
	if total := int(binary.BigEndian.Uint16(ip[2:])); total != len(ip) {
		return fmt.Errorf("IPv4's length is %d, not %d", total, len(ip))
	}
	if sum(0, ip[:header]) != 0xffff {
		return errors.New("IPv4 header checksum")
	}
	if binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 {
		return nil // a fragment
	}
	return checkTransport(ip[9], ip[12:20], ip[header:])
}

func checkIPv6(ip []byte) error {
	if payload := int(binary.BigEndian.Uint16(ip[4:])); payload != len(ip)-40 {
		return fmt.Errorf("IPv6's length is %d, not %d", payload, len(ip)-40)
	}
	return checkTransport(ip[6], ip[8:40], ip[40:])
}

func checkTransport(protocol byte, pseudo, b []byte) error {
	start := uint32(protocol) + uint32(len(b))
	switch {
	case protocol == 1:
		start, pseudo = 0, nil
	case protocol != 6 && protocol != 17 && protocol != 58:
		return nil
	case protocol == 17 && len(pseudo) == 8 && binary.BigEndian.Uint16(b[6:]) == 0:
		return nil // none
	}
	if sum(sum(start, pseudo), b) != 0xffff {
		return fmt.Errorf("checksum of protocol %d", protocol)
	}
	return nil
}

// sum is that of the Internet checksum (RFC 1071).
func sum(start uint32, b []byte) uint32 {
	total := uint64(start)
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
