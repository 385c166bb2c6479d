package fastpath

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Where TC programs are attached.
const (
	ingress = ebpf.AttachTCXIngress
	egress  = ebpf.AttachTCXEgress
)

// hooks are programs and their links, all of which the process alone holds.
type hooks struct {
	programs []*ebpf.Program
	links    []link.Link
}

// load has the kernel verify and take a program.
func (h *hooks) load(kind ebpf.ProgramType, flags uint32, name string, ins asm.Instructions) (*ebpf.Program, error) {
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "pppoe_" + name, Type: kind, Instructions: ins, Flags: flags, License: "MIT",
	})
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", name, err)
	}
	h.programs = append(h.programs, program)
	return program, nil
}

// tc loads a program and attaches it to an interface.
func (h *hooks) tc(index int, where ebpf.AttachType, name string, ins asm.Instructions) error {
	program, err := h.load(ebpf.SchedCLS, 0, name, ins)
	if err != nil {
		return err
	}
	attached, err := attachTC(index, where, program)
	if err != nil {
		return fmt.Errorf("program %s: %w", name, err)
	}
	h.links = append(h.links, attached)
	return nil
}

func attachTC(index int, where ebpf.AttachType, program *ebpf.Program) (link.Link, error) {
	return link.AttachTCX(link.TCXOptions{Interface: index, Program: program, Attach: where})
}

// xdp loads a program and attaches it to the driver of an interface.
func (h *hooks) xdp(index int, name string, ins asm.Instructions) error {
	program, err := h.load(ebpf.XDP, unix.BPF_F_XDP_HAS_FRAGS, name, ins)
	if err != nil {
		return err
	}
	attached, err := link.AttachXDP(link.XDPOptions{Interface: index, Program: program, Flags: link.XDPDriverMode})
	if err != nil {
		return fmt.Errorf("program %s: %w", name, err)
	}
	h.links = append(h.links, attached)
	return nil
}

// close detaches everything, the last attached first. Again it does nothing.
func (h *hooks) close() (err error) {
	for i := len(h.links) - 1; i >= 0; i-- {
		err = errors.Join(err, h.links[i].Close())
	}
	for _, p := range h.programs {
		err = errors.Join(err, p.Close())
	}
	h.links, h.programs = nil, nil
	return err
}
