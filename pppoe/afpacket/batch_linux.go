package afpacket

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
)

// batchSize is the number of frames that a system call sends or receives.
const batchSize = 64

// controlSize has room for one control message with a tpacket_auxdata.
const controlSize = 48

// batch is the memory for recvmmsg(2) and sendmmsg(2). It is kept, so that packets do not allocate.
type batch struct {
	messages [batchSize]unix.Mmsghdr
	vectors  [batchSize][4]unix.Iovec
	control  [batchSize][controlSize]byte
	tags     [batchSize][vlan.MaxDepth * vlan.TagLen]byte // of sent frames of a trunk with priorities
	count    int                                          // messages in use
	done     int                                          // result of the system call
	errno    syscall.Errno
	call     func(fd uintptr) bool // kept, because a closure allocates
}

func (b *batch) init(call func(fd uintptr) bool) {
	b.call = call
	for i := range b.messages {
		b.messages[i].Hdr.Iov = &b.vectors[i][0]
	}
}

// addressesLen is the length of a frame's addresses, which precede its tags, in octets.
const addressesLen = 12

// setBuffer sets the buffer that a message is read into or written from. Tags, if any, are a
// separate buffer between the addresses and the ethertype.
func (b *batch) setBuffer(i int, buf, tags []byte) {
	if len(tags) == 0 || len(buf) < addressesLen {
		b.vectors[i][0] = vector(buf)
		b.messages[i].Hdr.SetIovlen(1)
		return
	}
	b.setBuffers(i, buf[:addressesLen], tags, buf[addressesLen:])
}

// setBuffers sets the buffers of a message: addresses, tags, and the frame from its ethertype on.
func (b *batch) setBuffers(i int, addresses, tags, rest []byte) {
	b.vectors[i] = [4]unix.Iovec{vector(addresses), vector(tags), vector(rest)}
	b.messages[i].Hdr.SetIovlen(3)
}

// appendBuffer appends a buffer to a message.
func (b *batch) appendBuffer(i int, piece []byte) {
	if len(piece) > 0 {
		n := int(b.messages[i].Hdr.Iovlen)
		b.vectors[i][n] = vector(piece)
		b.messages[i].Hdr.SetIovlen(n + 1)
	}
}

func vector(b []byte) (v unix.Iovec) {
	v.Base = unsafe.SliceData(b)
	v.SetLen(len(b))
	return v
}

// receive makes the system call of ReadBatch. It waits until there are frames; EAGAIN means that
// the reader must check whether the interface still exists.
func (p *Port) receive(fd uintptr) bool {
	for p.rx.system(unix.SYS_RECVMMSG, fd) == unix.EAGAIN {
		if p.moderator.pause() && p.rx.system(unix.SYS_RECVMMSG, fd) != unix.EAGAIN {
			return true
		}
		if !p.await(fd) {
			return true
		}
	}
	return true
}

// await waits for frames as waiter.ready says.
func (p *Port) await(fd uintptr) bool {
	if p.moderator.packetless() && p.readable.timeout == 0 {
		return p.poller.ready(fd)
	}
	return p.readable.ready(fd)
}

// send makes the system call of WriteBatch. It waits until the socket has room; EAGAIN means that
// it had none for writeTimeout.
func (p *Port) send(fd uintptr) bool {
	for p.tx.system(unix.SYS_SENDMMSG, fd) == unix.EAGAIN && p.writable.ready(fd) {
	}
	return true
}

func (b *batch) system(number, fd uintptr) syscall.Errno {
	b.errno = unix.EINTR
	for b.errno == unix.EINTR {
		var n uintptr
		n, _, b.errno = unix.RawSyscall6(number, fd, uintptr(unsafe.Pointer(&b.messages[0])), uintptr(b.count), unix.MSG_DONTWAIT, 0, 0)
		b.done = int(n)
	}
	return b.errno
}

// read reads frames. Tags that the kernel leaves in band are read into tags. It may return no frame
// and no error, if all frames were truncated.
func (b *batch) read(raw syscall.RawConn, frames []datapath.Frame, tags []byte) (int, error) {
	b.count = min(len(frames), batchSize)
	for i := range b.count {
		b.setBuffer(i, frames[i].Data[:cap(frames[i].Data)], tags)
	}
	if err := b.receive(raw); err != nil {
		return 0, err
	}
	kept := 0
	for i := range b.done {
		if b.messages[i].Hdr.Flags&unix.MSG_TRUNC == 0 {
			b.deliver(frames, kept, i, int(b.messages[i].Len)-len(tags))
			kept++
		}
	}
	return kept, nil
}

// receive makes the system call with the messages in use.
func (b *batch) receive(raw syscall.RawConn) error {
	for i := range b.count {
		b.messages[i].Hdr.Control = &b.control[i][0]
		b.messages[i].Hdr.SetControllen(controlSize)
	}
	if err := raw.Read(b.call); err != nil {
		return err
	}
	if b.errno != 0 {
		return b.errno
	}
	return nil
}

// deliver makes message i's frame the next to be returned. The buffers are swapped, so that the
// caller keeps all of them.
func (b *batch) deliver(frames []datapath.Frame, next, i, length int) {
	frames[next].Data, frames[i].Data = frames[i].Data, frames[next].Data
	frames[next].Data = frames[next].Data[:length]
	aux := b.auxiliary(i)
	frames[next].ChecksumPending = aux != nil && aux.Status&unix.TP_STATUS_CSUMNOTREADY != 0
}

// auxiliary returns the kernel's auxiliary data of a message; nil: there is none.
func (b *batch) auxiliary(i int) *unix.TpacketAuxdata {
	if int(b.messages[i].Hdr.Controllen) < unix.CmsgSpace(int(unsafe.Sizeof(unix.TpacketAuxdata{}))) {
		return nil
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b.control[i][0]))
	if h.Level != unix.SOL_PACKET || h.Type != unix.PACKET_AUXDATA {
		return nil
	}
	return (*unix.TpacketAuxdata)(unsafe.Pointer(&b.control[i][unix.CmsgLen(0)]))
}

// write sends frames, each with its tags, and returns the number of frames sent.
func (b *batch) write(raw syscall.RawConn, frames [][]byte, tags *tagger) (int, error) {
	return b.transmit(raw, len(frames), func(i, at int) {
		tags.setBuffer(b, i, frames[at])
	})
}

// gather is write for frames in two pieces, the first of which has all headers.
func (b *batch) gather(raw syscall.RawConn, frames [][2][]byte, tags *tagger) (int, error) {
	return b.transmit(raw, len(frames), func(i, at int) {
		tags.setBuffer(b, i, frames[at][0])
		b.appendBuffer(i, frames[at][1])
	})
}

// transmit sends n frames. setBuffers sets message i of a system call to frame at.
func (b *batch) transmit(raw syscall.RawConn, n int, setBuffers func(i, at int)) (sent int, err error) {
	for at := 0; at < n; {
		b.count = min(n-at, batchSize)
		for i := range b.count {
			setBuffers(i, at+i)
		}
		if err := raw.Write(b.call); err != nil {
			return sent, err
		}
		switch {
		case b.errno == 0:
			sent += b.done
			at += b.done
		case isInterfaceLost(b.errno), b.errno == unix.EAGAIN:
			return sent, b.errno
		default:
			err = b.errno
			at++
		}
	}
	return sent, err
}

// isInterfaceLost reports whether an error means that the interface is down or does not exist.
func isInterfaceLost(err error) bool {
	return errors.Is(err, unix.ENETDOWN) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENODEV)
}
