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

// OpenQueues opens the ports of an attachment, with several for session frames, at least one. The
// kernel distributes the frames over them as pppoe.Ports.Fanout requires. Errors are those of
// OpenPorts.
func OpenQueues(a Attachment, sessions int) (pppoe.Ports, error) {
	ports, err := OpenPorts(a)
	if err != nil || sessions <= 1 {
		return ports, err
	}
	err = addSessionPorts(&ports, fanoutProgram(a), sessions, func(group int) (*Port, error) {
		return open(a, wire.EtherTypeSession, group)
	})
	if err == nil {
		err = setSharedUnlessTagged(a, &ports)
	}
	if err != nil {
		ports.Close()
		return pppoe.Ports{}, fmt.Errorf("%s: %d ports for sessions: %w", a, sessions, err)
	}
	return ports, nil
}

// addSessionPorts makes a fanout group of the session port, and opens more ports that join it.
func addSessionPorts(ports *pppoe.Ports, program []bpf.Instruction, sessions int, open func(group int) (*Port, error)) error {
	group, err := ports.Session.(*Port).newFanout(program)
	if err != nil {
		return err
	}
	for len(ports.Fanout) < sessions-1 {
		p, err := open(group)
		if err != nil {
			return err
		}
		ports.Fanout = append(ports.Fanout, p)
	}
	return nil
}

// newFanout creates a fanout group with a unique ID and this port as its first member. The result
// of the program, modulo the number of ports, selects the port that gets a frame, in the order of
// joining.
func (p *Port) newFanout(program []bpf.Instruction) (group int, err error) {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return 0, err
	}
	failed := p.raw.Control(func(fd uintptr) { group, err = newFanoutGroup(int(fd), raw) })
	return group, errors.Join(failed, err)
}

// fanoutFlags are the flags of a group with a program, which ignores outgoing frames.
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

// joinFanout adds the port to a group, and then sets its filter, which has dropped all frames until
// then: otherwise the port would receive frames that the group receives, too.
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

// fprog converts a program for the kernel.
func fprog(program []bpf.RawInstruction) unix.SockFprog {
	all := make([]unix.SockFilter, len(program))
	for i, in := range program {
		all[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return unix.SockFprog{Len: uint16(len(all)), Filter: unsafe.SliceData(all)}
}
