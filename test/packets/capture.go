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

// Capture captures all frames of PPPoE sessions that an interface receives and sends, and checks
// their lengths and checksums. Results may be read after Stop has returned.
type Capture struct {
	// From restricts the capture to frames from an address; zero: all.
	From wire.Addr
	// ChecksumsFilled: a partial checksum is an error. Otherwise one that a sender on this machine
	// has left partial is completed before the check.
	ChecksumsFilled bool

	Frames  int         // number of frames
	MaxLen  int         // the length of the longest, in octets
	Lengths map[int]int // number of frames by length in octets
	Errors  []string    // of the first ten invalid frames

	conn, marker *packet.Conn
	done         chan struct{}
}

// Start starts the capture. It must be called in the network namespace of the interface.
func (w *Capture) Start(name string) (err error) {
	if w.conn, err = listen(name, true); err != nil {
		return err
	}
	// A socket does not receive what it sends.
	if w.marker, err = listen(name, false); err != nil {
		return errors.Join(err, w.conn.Close())
	}
	w.Lengths, w.done = make(map[int]int), make(chan struct{})
	// Ends with Stop.
	go w.run()
	return nil
}

// lastFrame ends the capture. Its EtherType is for local experiments (IEEE 802, table 9-3).
var lastFrame = append([]byte{2, 0, 0x5e, 0, 0x53, 0xff, 2, 0, 0x5e, 0, 0x53, 0xff, 0x88, 0xb5}, make([]byte, 46)...)

// Stop stops the capture after all frames sent and received so far.
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

// inspect checks a frame, with the virtio-net header before it.
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
		err = CheckFrame(b[4*tags.Depth():]) // the addresses are not checked
	}
	if err != nil && len(w.Errors) < 10 {
		w.Errors = append(w.Errors, fmt.Sprintf("frame %d: %v: % x", w.Frames, err, b[:min(len(b), 100)]))
	}
}

// complete completes a partial checksum of a sender on this machine.
func (w *Capture) complete(header, b []byte) error {
	if kind := header[1]; kind != 0 {
		return fmt.Errorf("a GSO packet of %d octets (%d)", len(b), kind)
	}
	if header[0]&unix.VIRTIO_NET_HDR_F_NEEDS_CSUM == 0 {
		return nil
	}
	if w.ChecksumsFilled {
		return fmt.Errorf("a frame of %d octets with a partial checksum", len(b))
	}
	start := int(binary.NativeEndian.Uint16(header[6:]))
	at := start + int(binary.NativeEndian.Uint16(header[8:]))
	if at+2 > len(b) {
		return fmt.Errorf("a partial checksum at %d in a frame of %d octets", at, len(b))
	}
	binary.BigEndian.PutUint16(b[at:], ^Sum(0, b[start:]))
	return nil
}
