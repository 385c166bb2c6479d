package afpacket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// ErrInherited is wrapped by errors about sockets that are not those of the ports.
var ErrInherited = errors.New("not the packet sockets of these ports")

// SyscallConn returns the socket, for another program that goes on with it: see FilePorts.
func (p *Port) SyscallConn() (syscall.RawConn, error) { return p.raw, nil }

// Sockets returns the sockets of ports of this package, in the order in which FilePorts and
// FileTrunkPorts expect them.
func Sockets(ports pppoe.Ports) (all []syscall.Conn, err error) {
	for _, port := range append([]datapath.Port{ports.Discovery, ports.Session}, ports.Fanout...) {
		p, ok := port.(*Port)
		if !ok {
			return nil, fmt.Errorf("%w: %T", ErrInherited, port)
		}
		all = append(all, p)
	}
	return all, nil
}

// FilePorts returns the ports of an attachment over Sockets of another program's ports of the same
// attachment, with their filters. Frames that wait in them stay there; while both programs read, each
// frame is one's. The sockets belong to the ports from then on, unless there is an error. Other errors
// are those of OpenPorts.
func FilePorts(a Attachment, sockets []*os.File) (pppoe.Ports, error) {
	ports, err := filePorts(sockets, func(etherType uint16, f *os.File) (*Port, error) {
		if err := a.check(); err != nil {
			return nil, err
		}
		p := &Port{tagBuffer: make([]byte, len(a.inBand())*vlan.TagLen)}
		p.tagger.init(a)
		if err := p.take(a, a.protocol(etherType), f); err != nil {
			return nil, err
		}
		p.mtu = p.iface.MTU - a.overhead()
		return p, nil
	})
	if err == nil {
		err = setSharedUnlessTagged(a, &ports)
	}
	if err != nil {
		return pppoe.Ports{}, fmt.Errorf("%s: %w", a, err)
	}
	return ports, nil
}

// FileTrunkPorts is FilePorts for a trunk with the same VLANs.
func FileTrunkPorts(t Trunk, sockets []*os.File) (pppoe.Ports, error) {
	ports, err := filePorts(sockets, func(_ uint16, f *os.File) (*Port, error) {
		if err := t.check(); err != nil {
			return nil, err
		}
		p := &Port{trunk: true, untagPriority: true}
		p.tagger.initTrunk(t.Attachment)
		if err := p.take(t.Attachment, unix.ETH_P_ALL, f); err != nil {
			return nil, err
		}
		p.mtu = p.iface.MTU + vlan.MaxDepth*vlan.TagLen
		return p, nil
	})
	if err == nil {
		ports.PayloadMTU = ports.Session.(*Port).payloadMTU
		err = t.share(&ports)
	}
	if err != nil {
		return pppoe.Ports{}, fmt.Errorf("%s: %w", t, err)
	}
	return ports, nil
}

// filePorts makes a port of each socket.
func filePorts(sockets []*os.File, port func(etherType uint16, f *os.File) (*Port, error)) (ports pppoe.Ports, err error) {
	if len(sockets) < 2 {
		return ports, fmt.Errorf("%w: %d sockets", ErrInherited, len(sockets))
	}
	discovery, err := port(wire.EtherTypeDiscovery, sockets[0])
	if err != nil {
		return ports, err
	}
	session, err := port(wire.EtherTypeSession, sockets[1])
	if err != nil {
		return ports, err
	}
	ports.Discovery, ports.Session = discovery, session
	for _, f := range sockets[2:] {
		p, err := port(wire.EtherTypeSession, f)
		if err != nil {
			return ports, err
		}
		ports.Fanout = append(ports.Fanout, p)
	}
	return ports, nil
}

// take makes a socket the port's, if it is bound as the port's would be.
func (p *Port) take(a Attachment, protocol int, f *os.File) (err error) {
	if err := p.setStation(a); err != nil {
		return err
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if err := checkBound(raw, p.iface, protocol); err != nil {
		return err
	}
	if err := p.use(f); err != nil {
		return err
	}
	p.inherited = true
	return p.setUp()
}

// checkBound checks where a socket is bound.
func checkBound(raw syscall.RawConn, to *net.Interface, protocol int) error {
	var own unix.Sockaddr
	var err error
	failed := raw.Control(func(fd uintptr) { own, err = unix.Getsockname(int(fd)) })
	if err := errors.Join(failed, err); err != nil {
		return fmt.Errorf("%w (%w)", ErrInherited, err)
	}
	ll, ok := own.(*unix.SockaddrLinklayer)
	if !ok || ll.Ifindex != to.Index || ll.Protocol != networkOrder(uint16(protocol)) {
		return ErrInherited
	}
	return nil
}

// networkOrder returns a number whose octets in memory are those of n in network byte order.
func networkOrder(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}
