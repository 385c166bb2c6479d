package handover

import (
	"net"
	"os"

	"golang.org/x/sys/unix"

	"upppoe/internal/process/passfd"
)

// FrameSender passes frames that a predecessor has received and not handled to the successor: over a socket
// (SOCK_SEQPACKET) on which each packet is the length of the name of a listener in one octet, the name, and a
// frame. Its methods may be called concurrently.
type FrameSender struct{ conn *net.UnixConn }

// NewFrameSender returns a sender, and the successor's end of its socket, for ReceiveFrames.
func NewFrameSender() (*FrameSender, *os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	theirs := os.NewFile(uintptr(pair[1]), "frames")
	conn, err := unixConn(os.NewFile(uintptr(pair[0]), "frames"))
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return &FrameSender{conn}, theirs, nil
}

// Send sends a frame. It waits while the successor is busy. A frame that the successor cannot be sent is
// dropped: it has ended.
func (s *FrameSender) Send(listener string, frame []byte) {
	if len(listener) > maxName {
		return
	}
	b := append(make([]byte, 0, 1+len(listener)+len(frame)), byte(len(listener)))
	passfd.Send(s.conn, append(append(b, listener...), frame...))
}

// Close tells the successor that there are no more frames.
func (s *FrameSender) Close() error { return s.conn.Close() }

// maxFrame is the longest frame that is passed on, in octets.
const maxFrame = 1 << 16

// ReceiveFrames calls a function with each frame from a predecessor until that has ended, or has no more. It
// closes the socket. The frame belongs to the function.
func ReceiveFrames(socket *os.File, handle func(listener string, frame []byte)) error {
	conn, err := unixConn(socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	buf := make([]byte, 1+maxName+maxFrame)
	for {
		n, err := conn.Read(buf)
		if err != nil || n == 0 {
			return nil
		}
		name := 1 + int(buf[0])
		if n < name {
			return errMessage
		}
		handle(string(buf[1:name]), append([]byte(nil), buf[name:n]...))
	}
}
