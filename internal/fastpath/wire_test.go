package fastpath

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"upppoe/test/packets"
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
	if err := packets.Fault(b); err != nil && w.bad == nil {
		w.bad = fmt.Errorf("frame %d of %d octets: %w", w.frames, len(b), err)
	}
	w.lengths[len(b)-22]++
}
