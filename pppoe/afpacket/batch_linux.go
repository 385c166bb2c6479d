package afpacket

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"upppoe/pppoe"
)

// batchSize is how many frames cross into the kernel, or out of it, at once.
const batchSize = 64

// controlSize has room for one control message of a tpacket_auxdata.
const controlSize = 48

// batch is the memory that recvmmsg(2) and sendmmsg(2) work on: kept, so that no
// packet costs an allocation.
type batch struct {
	messages [batchSize]unix.Mmsghdr
	vectors  [batchSize]unix.Iovec
	control  [batchSize][controlSize]byte
	held     int // messages in use
	done     int // what the system call did
	errno    syscall.Errno
	call     func(fd uintptr) bool // kept, since a closure is an allocation
}

func (b *batch) init(call func(fd uintptr) bool) {
	b.call = call
	for i := range b.messages {
		b.messages[i].Hdr.Iov = &b.vectors[i]
		b.messages[i].Hdr.SetIovlen(1)
	}
}

// point has a message read into, or from, a buffer.
func (b *batch) point(i int, buf []byte) {
	b.vectors[i].Base = unsafe.SliceData(buf)
	b.vectors[i].SetLen(len(buf))
}

// receive is the system call of ReadBatch. It says no if it must be called again
// when the socket is readable.
func (p *Port) receive(fd uintptr) bool { return p.rx.system(unix.SYS_RECVMMSG, fd, unix.MSG_DONTWAIT) }

// send is that of WriteBatch.
func (p *Port) send(fd uintptr) bool { return p.tx.system(unix.SYS_SENDMMSG, fd, unix.MSG_DONTWAIT) }

func (b *batch) system(number, fd, flags uintptr) bool {
	n, _, errno := unix.Syscall6(number, fd, uintptr(unsafe.Pointer(&b.messages[0])), uintptr(b.held), flags, 0, 0)
	for errno == unix.EINTR {
		n, _, errno = unix.Syscall6(number, fd, uintptr(unsafe.Pointer(&b.messages[0])), uintptr(b.held), flags, 0, 0)
	}
	b.done, b.errno = int(n), errno
	return errno != unix.EAGAIN
}

// read fills frames. It may return none, and no error: all that came was cut short.
func (b *batch) read(raw syscall.RawConn, frames []pppoe.Frame) (int, error) {
	b.held = min(len(frames), batchSize)
	for i := range b.held {
		b.point(i, frames[i].Data[:cap(frames[i].Data)])
		b.messages[i].Hdr.Control = &b.control[i][0]
		b.messages[i].Hdr.SetControllen(controlSize)
	}
	if err := raw.Read(b.call); err != nil {
		return 0, err
	}
	if b.errno != 0 {
		return 0, b.errno
	}
	kept := 0
	for i := range b.done {
		if b.messages[i].Hdr.Flags&unix.MSG_TRUNC != 0 {
			continue
		}
		// Swapping keeps every buffer with the caller.
		frames[kept].Data, frames[i].Data = frames[i].Data, frames[kept].Data
		frames[kept].Data = frames[kept].Data[:b.messages[i].Len]
		frames[kept].ChecksumPending = b.pending(i)
		kept++
	}
	return kept, nil
}

// pending says whether the auxiliary data of a message has TP_STATUS_CSUMNOTREADY.
func (b *batch) pending(i int) bool {
	if int(b.messages[i].Hdr.Controllen) < unix.CmsgSpace(int(unsafe.Sizeof(unix.TpacketAuxdata{}))) {
		return false
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b.control[i][0]))
	if h.Level != unix.SOL_PACKET || h.Type != unix.PACKET_AUXDATA {
		return false
	}
	aux := (*unix.TpacketAuxdata)(unsafe.Pointer(&b.control[i][unix.CmsgLen(0)]))
	return aux.Status&unix.TP_STATUS_CSUMNOTREADY != 0
}

// write sends frames and says how many went out.
func (b *batch) write(raw syscall.RawConn, frames [][]byte) (sent int, err error) {
	for len(frames) > 0 {
		b.held = min(len(frames), batchSize)
		for i, frame := range frames[:b.held] {
			b.point(i, frame)
		}
		if err := raw.Write(b.call); err != nil {
			return sent, err
		}
		switch {
		case b.errno == 0:
			sent += b.done
			frames = frames[b.done:]
		case lost(b.errno):
			return sent, b.errno
		default:
			err = b.errno
			frames = frames[1:]
		}
	}
	return sent, err
}

// lost says whether an error means that the interface is down or gone.
func lost(err error) bool {
	return errors.Is(err, unix.ENETDOWN) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENODEV)
}
