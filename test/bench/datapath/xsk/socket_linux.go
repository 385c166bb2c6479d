package xsk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"syscall"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"upppoe/pppoe/wire"
)

// frameLen is the memory of one frame, in octets. The kernel leaves 256 of them free in front of a
// received frame.
const frameLen = 2048

// socket is an AF_XDP socket on the first queue of an interface, with its memory: ringLen frames
// for receiving, and as many for sending.
type socket struct {
	fd       int
	memory   []byte
	zeroCopy bool
	native   bool // the driver runs the program
	attached link.Link
	rings
}

func openSocket(nic *net.Interface) (s *socket, err error) {
	s = &socket{}
	if s.fd, err = unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("AF_XDP socket: %w", err)
	}
	err = s.configure(nic)
	if err == nil {
		err = s.redirect(nic)
	}
	if err != nil {
		unix.Close(s.fd)
		return nil, err
	}
	return s, nil
}

// configure allocates memory and rings, and binds the socket. Whether frames are copied depends on
// the driver.
func (s *socket) configure(nic *net.Interface) (err error) {
	s.memory, err = unix.Mmap(-1, 0, 2*ringLen*frameLen, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE)
	if err != nil {
		return fmt.Errorf("memory for frames: %w", err)
	}
	own := unix.XDPUmemReg{Addr: uint64(uintptr(unsafe.Pointer(&s.memory[0]))), Len: uint64(len(s.memory)), Size: frameLen}
	if _, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(s.fd), unix.SOL_XDP, unix.XDP_UMEM_REG,
		uintptr(unsafe.Pointer(&own)), unsafe.Sizeof(own), 0); errno != 0 {
		return fmt.Errorf("register memory for frames: %w", errno)
	}
	if err := s.open(s.fd); err != nil {
		return err
	}
	for i := range uint64(ringLen) {
		s.fill.put(i * frameLen)
	}
	s.fill.publish()
	// Where frames are copied, each is a socket buffer until the device has taken it.
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 4<<20); err != nil {
		return fmt.Errorf("send buffer: %w", err)
	}
	// Since Linux 6.18; earlier a call sends 32 frames.
	unix.SetsockoptInt(s.fd, unix.SOL_XDP, unix.XDP_MAX_TX_SKB_BUDGET, 256)
	if err := unix.Bind(s.fd, &unix.SockaddrXDP{Flags: unix.XDP_USE_NEED_WAKEUP, Ifindex: uint32(nic.Index)}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	options, err := unix.GetsockoptInt(s.fd, unix.SOL_XDP, unix.XDP_OPTIONS)
	s.zeroCopy = options&unix.XDP_OPTIONS_ZEROCOPY != 0
	return err
}

// wake has the kernel process the rings of one direction.
func (s *socket) wake(call uintptr) syscall.Errno {
	_, _, errno := unix.RawSyscall6(call, uintptr(s.fd), 0, 0, unix.MSG_DONTWAIT, 0, 0)
	return errno
}

// redirect attaches a program that redirects PPPoE session frames to the socket; all others pass.
// The attachment ends with the process.
func (s *socket) redirect(nic *net.Interface) error {
	sockets, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.XSKMap, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return fmt.Errorf("map of sockets: %w", err)
	}
	defer sockets.Close() // the program holds it
	if err := sockets.Put(uint32(0), uint32(s.fd)); err != nil {
		return fmt.Errorf("map of sockets: %w", err)
	}
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "MIT", Instructions: sessionFrames(sockets.FD())})
	if err != nil {
		return fmt.Errorf("program: %w", err)
	}
	defer program.Close() // the link holds it
	s.attached, err = link.AttachXDP(link.XDPOptions{Interface: nic.Index, Program: program, Flags: link.XDPDriverMode})
	s.native = err == nil
	if err == nil {
		return nil
	}
	var generic error
	if s.attached, generic = link.AttachXDP(link.XDPOptions{Interface: nic.Index, Program: program, Flags: link.XDPGenericMode}); generic != nil {
		return errors.Join(err, generic)
	}
	return nil
}

// sessionFrames returns the program. Offsets are those of struct xdp_md (linux/bpf.h).
func sessionFrames(sockets int) asm.Instructions {
	const data, dataEnd, queue, pass = 0, 4, 16, 2
	etherType := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, wire.EtherTypeSession))
	return asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, data, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, dataEnd, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, 14),
		asm.JGT.Reg(asm.R4, asm.R3, "pass"),
		asm.LoadMem(asm.R4, asm.R2, 12, asm.Half),
		asm.JNE.Imm(asm.R4, int32(etherType), "pass"),
		asm.LoadMem(asm.R2, asm.R1, queue, asm.Word),
		asm.LoadMapPtr(asm.R1, sockets),
		asm.Mov.Imm(asm.R3, pass), // verdict for a queue without a socket
		asm.FnRedirectMap.Call(),
		asm.Return(),
		asm.Mov.Imm(asm.R0, pass).WithSymbol("pass"),
		asm.Return(),
	}
}
