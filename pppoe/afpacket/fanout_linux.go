package afpacket

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// OpenQueues opens PPPoE's ports on a line, with as many for session frames as are asked
// for, at least one. The kernel divides the frames between them as pppoe.Ports.More wants
// it. Errors are OpenPorts'.
func OpenQueues(a Attachment, sessions int) (pppoe.Ports, error) {
	ports, err := OpenPorts(a)
	if err != nil || sessions <= 1 {
		return ports, err
	}
	err = addSessionPorts(a, &ports, sessions)
	if err == nil {
		err = setShared(a, &ports)
	}
	if err != nil {
		ports.Close()
		return pppoe.Ports{}, fmt.Errorf("%s: %d ports for sessions: %w", a, sessions, err)
	}
	return ports, nil
}

// addSessionPorts makes a group of the session port, and has others join.
func addSessionPorts(a Attachment, ports *pppoe.Ports, sessions int) error {
	group, err := ports.Session.(*Port).newFanout(fanoutProgram(a))
	if err != nil {
		return err
	}
	for len(ports.Fanout) < sessions-1 {
		p, err := open(a, wire.EtherTypeSession, group)
		if err != nil {
			return err
		}
		ports.Fanout = append(ports.Fanout, p)
	}
	return nil
}

// newFanout makes a fan-out group, with a number that nobody else has, of the port alone. The
// kernel takes what the program returns, modulo the number of ports, for the port that
// gets the frame, in the order in which they join.
func (p *Port) newFanout(program []bpf.Instruction) (group int, err error) {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return 0, err
	}
	failed := p.raw.Control(func(fd uintptr) { group, err = newFanoutGroup(int(fd), raw) })
	return group, errors.Join(failed, err)
}

// fanoutFlags is a group that a program divides, and which is not given what goes out.
const fanoutFlags = (unix.PACKET_FANOUT_CBPF | unix.PACKET_FANOUT_FLAG_IGNORE_OUTGOING) << 16

func newFanoutGroup(fd int, program []bpf.RawInstruction) (int, error) {
	const anew = fanoutFlags | unix.PACKET_FANOUT_FLAG_UNIQUEID<<16
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT, anew); err != nil {
		return 0, err
	}
	data := fprog(program)
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_PACKET, unix.PACKET_FANOUT_DATA, &data); err != nil {
		return 0, err
	}
	group, err := unix.GetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
	return group & 0xffff, err
}

// joinFanout has a port become one of a group, and hear what its filter passes, which has passed
// nothing until then: a frame that it hears on its own is one that the group hears too.
func (p *Port) joinFanout(group int, filter []bpf.RawInstruction) (err error) {
	failed := p.raw.Control(func(fd uintptr) {
		if err = unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_FANOUT, fanoutFlags|group); err != nil {
			return
		}
		program := fprog(filter)
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program)
	})
	return errors.Join(failed, err)
}

// fprog is a program as the kernel takes it.
func fprog(program []bpf.RawInstruction) unix.SockFprog {
	all := make([]unix.SockFilter, len(program))
	for i, in := range program {
		all[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return unix.SockFprog{Len: uint16(len(all)), Filter: unsafe.SliceData(all)}
}
