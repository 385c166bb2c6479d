// Package afpacket is a pppoe.Port on a Linux packet socket, through
// github.com/mdlayher/packet: batches of frames both ways, and a filter in the
// kernel, so that frames for other stations and of other ethertypes never
// wake the program.
package afpacket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"upppoe/pppoe"
)

// Errors of Open, each with what to do about it.
var (
	ErrNoInterface = errors.New("no such interface: `ip link` lists those there are")
	ErrNotEthernet = errors.New("not an Ethernet interface: PPPoE needs one")
	ErrDown        = errors.New("the interface is down: `ip link set NAME up`")
	ErrPermission  = errors.New("no permission for packet sockets: run as root, or give the program CAP_NET_RAW (setcap cap_net_raw,cap_net_admin+ep FILE)")
)

// Port is a packet socket for one ethertype on one interface.
type Port struct {
	conn  *packet.Conn
	raw   syscall.RawConn
	iface *net.Interface
	rx    batch
	mu    sync.Mutex // guards tx: whoever has a batch to send waits for its turn
	tx    batch
}

var _ pppoe.Port = (*Port)(nil)

// Open opens a port for frames of one ethertype that are for the interface's own
// address; those of discovery may also be for all stations.
func Open(name string, etherType uint16) (*Port, error) {
	iface, err := check(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	filter, err := assemble(pppoe.Addr(iface.HardwareAddr), etherType)
	if err != nil {
		return nil, fmt.Errorf("%s: filter: %w", name, err)
	}
	conn, err := packet.Listen(iface, packet.Raw, int(etherType), &packet.Config{Filter: filter})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, explain(err))
	}
	p := &Port{conn: conn, iface: iface}
	if err := p.setUp(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s: %w", name, explain(err))
	}
	return p, nil
}

// OpenPorts opens both of PPPoE's ports on an interface.
func OpenPorts(name string) (pppoe.Ports, error) {
	discovery, err := Open(name, pppoe.EtherTypeDiscovery)
	if err != nil {
		return pppoe.Ports{}, err
	}
	session, err := Open(name, pppoe.EtherTypeSession)
	if err != nil {
		discovery.Close()
		return pppoe.Ports{}, err
	}
	return pppoe.Ports{Discovery: discovery, Session: session}, nil
}

func check(name string) (*net.Interface, error) {
	iface, err := net.InterfaceByName(name)
	switch {
	case err != nil:
		return nil, ErrNoInterface
	case len(iface.HardwareAddr) != len(pppoe.Addr{}) || iface.Flags&net.FlagLoopback != 0:
		return nil, ErrNotEthernet
	case iface.Flags&net.FlagUp == 0:
		return nil, ErrDown
	}
	return iface, nil
}

func explain(err error) error {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w (%w)", ErrPermission, err)
	case errors.Is(err, unix.ENETDOWN):
		return ErrDown
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return ErrNoInterface
	}
	return err
}

// receiveBuffer is what the socket may hold when the program is behind: some
// thousand full frames.
const receiveBuffer = 4 << 20

func (p *Port) setUp() (err error) {
	if p.raw, err = p.conn.SyscallConn(); err != nil {
		return err
	}
	p.rx.init(p.receive)
	p.tx.init(p.send)
	failed := p.raw.Control(func(fd uintptr) {
		// The auxiliary data says whether a checksum is still open.
		if err = unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
			return
		}
		// Beyond the system's limit only with CAP_NET_ADMIN; without, less must do.
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
		}
	})
	return errors.Join(failed, err)
}

// Addr is the interface's address when the port was opened.
func (p *Port) Addr() pppoe.Addr { return pppoe.Addr(p.iface.HardwareAddr) }

// MTU is the interface's when the port was opened.
func (p *Port) MTU() int { return p.iface.MTU }

// Close makes a blocked ReadBatch return.
func (p *Port) Close() error { return p.conn.Close() }

// Drops is how many frames the kernel has dropped since the last call, because
// the program was behind.
func (p *Port) Drops() (uint32, error) {
	s, err := p.conn.Stats()
	if err != nil {
		return 0, err
	}
	return s.Drops, nil
}

// ReadBatch waits for frames.
func (p *Port) ReadBatch(frames []pppoe.Frame) (int, error) {
	for {
		n, err := p.rx.read(p.raw, frames)
		switch {
		case errors.Is(err, os.ErrClosed):
			return 0, net.ErrClosed
		case errors.Is(err, unix.ENETDOWN):
			// The socket tells once that the interface went down: frames come
			// again when it is up, but never if it is gone.
			if _, err := net.InterfaceByIndex(p.iface.Index); err != nil {
				return 0, ErrNoInterface
			}
		case err != nil:
			return 0, err
		case n > 0:
			return n, nil
		}
	}
}

// WriteBatch sends frames. One that the kernel will not take (its queue is
// full, the frame too long) does not hold up those behind it.
func (p *Port) WriteBatch(frames [][]byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tx.write(p.raw, frames)
}
