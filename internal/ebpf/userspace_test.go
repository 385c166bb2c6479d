package ebpf

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"upppoe/pppoe/datapath"
	"upppoe/tun"
)

// userSpacePath carries the packets of one session that the kernel leaves to user space, one by one.
type userSpacePath struct {
	datapath.SessionConfig
	port datapath.Port
	// sent and received count packets.
	sent, received atomic.Uint64
	readers        sync.WaitGroup
}

func newUserSpacePath(port datapath.Port, t datapath.SessionConfig) *userSpacePath {
	r := &userSpacePath{SessionConfig: t, port: port}
	r.readers.Go(r.transmit)
	r.readers.Go(r.receive)
	return r
}

func (r *userSpacePath) close() {
	r.Device.Close()
	r.port.Close()
	r.readers.Wait()
}

func (r *userSpacePath) transmit() {
	buf, sizes := make([]byte, 1<<16), make([]int, 1)
	front := append(append([]byte{}, r.Peer[:]...), r.Local[:]...)
	front = append(front, 0x88, 0x64, 0x11, 0, byte(r.SessionID>>8), byte(r.SessionID))
	for {
		if _, err := r.Device.Read([][]byte{buf}, sizes, datapath.HeadersLen); err != nil {
			return
		}
		copy(buf, front)
		binary.BigEndian.PutUint16(buf[18:], uint16(sizes[0]+2))
		protocol := uint16(0x21)
		if buf[datapath.HeadersLen]>>4 == 6 {
			protocol = 0x57
		}
		binary.BigEndian.PutUint16(buf[20:], protocol)
		r.sent.Add(1)
		r.port.WriteBatch([][]byte{buf[:datapath.HeadersLen+sizes[0]]})
	}
}

func (r *userSpacePath) receive() {
	frames := make([]datapath.Frame, 16)
	for {
		for i := range frames {
			frames[i].Data = make([]byte, 1600)
		}
		n, err := r.port.ReadBatch(frames)
		if err != nil {
			return
		}
		for _, f := range frames[:n] {
			if binary.BigEndian.Uint16(f.Data[16:]) != r.SessionID || f.Data[20] != 0 {
				continue
			}
			r.received.Add(1)
			if f.ChecksumPending {
				tun.CompleteChecksum(f.Data[datapath.HeadersLen:])
			}
			r.Device.Write([][]byte{f.Data}, datapath.HeadersLen)
		}
	}
}
