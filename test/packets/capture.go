package packets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Capture looks at all frames of PPPoE sessions that come to an interface and leave it, as an
// analyser would, and finds fault with lengths and checksums. Watch begins; what was seen may
// be read once End has returned.
type Capture struct {
	// From is whose frames are looked at; zero: everybody's.
	From wire.Addr
	// Filled: no checksum may be open. Else one that a sender on this very machine has
	// left open is finished first.
	ChecksumsFilled bool

	Frames  int         // how many were seen
	MaxLen  int         // octets of a frame
	Lengths map[int]int // how many frames of each length in octets
	Errors  []string    // the first ten

	conn, marker *packet.Conn
	done         chan struct{}
}

// Start begins to look. It must be called in the interface's network namespace.
func (w *Capture) Start(name string) (err error) {
	if w.conn, err = listen(name, true); err != nil {
		return err
	}
	// A socket does not hear what it sends itself.
	if w.marker, err = listen(name, false); err != nil {
		return errors.Join(err, w.conn.Close())
	}
	w.Lengths, w.done = make(map[int]int), make(chan struct{})
	// Ends with End.
	go w.run()
	return nil
}

// lastFrame is one of nobody's: what is seen after all others. Its ethertype is for
// experiments (IEEE 802, table 9-3).
var lastFrame = append([]byte{2, 0, 0x5e, 0, 0x53, 0xff, 2, 0, 0x5e, 0, 0x53, 0xff, 0x88, 0xb5}, make([]byte, 46)...)

// Stop ends the watch after all that has come and gone until now.
func (w *Capture) Stop() error {
	err := Send(w.marker, lastFrame)
	if err == nil {
		<-w.done
	}
	return errors.Join(err, w.conn.Close(), w.marker.Close())
}

func (w *Capture) run() {
	defer close(w.done)
	for buf := make([]byte, virtioLen+1<<17); ; {
		n, _, err := w.conn.ReadFrom(buf)
		switch {
		case errors.Is(err, unix.EINVAL):
			continue // a GSO packet that kernels before Linux 6.2 have no header for
		case err != nil || bytes.Equal(buf[virtioLen:n], lastFrame):
			return
		}
		w.inspect(buf[:virtioLen], buf[virtioLen:n])
	}
}

// inspect takes a frame, and the virtio-net header that says what is open in it.
func (w *Capture) inspect(header, b []byte) {
	tags, kind, ok := vlan.Split(b)
	if !ok || kind != wire.EtherTypeSession || w.From != (wire.Addr{}) && w.From != wire.Addr(b[6:12]) {
		return
	}
	w.Frames++
	w.MaxLen = max(w.MaxLen, len(b))
	w.Lengths[len(b)]++
	err := w.complete(header, b)
	if err == nil {
		err = CheckFrame(b[4*tags.Depth():]) // of the addresses it sees nothing
	}
	if err != nil && len(w.Errors) < 10 {
		w.Errors = append(w.Errors, fmt.Sprintf("frame %d: %v: % x", w.Frames, err, b[:min(len(b), 100)]))
	}
}

// complete finishes a checksum that a frame's sender, on this very machine, has left open.
func (w *Capture) complete(header, b []byte) error {
	if kind := header[1]; kind != 0 {
		return fmt.Errorf("a frame of %d octets that is yet to be cut (%d)", len(b), kind)
	}
	if header[0]&unix.VIRTIO_NET_HDR_F_NEEDS_CSUM == 0 {
		return nil
	}
	if w.ChecksumsFilled {
		return fmt.Errorf("a frame of %d octets with an open checksum", len(b))
	}
	start := int(binary.NativeEndian.Uint16(header[6:]))
	at := start + int(binary.NativeEndian.Uint16(header[8:]))
	if at+2 > len(b) {
		return fmt.Errorf("an open checksum at %d in a frame of %d octets", at, len(b))
	}
	binary.BigEndian.PutUint16(b[at:], ^Sum(0, b[start:]))
	return nil
}
