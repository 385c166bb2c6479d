package ebpf

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Attach points of TC programs.
const (
	ingress = ebpf.AttachTCXIngress
	egress  = ebpf.AttachTCXEgress
)

// hooks holds programs and their attachments. The process alone holds them, except what is pinned, and
// filters of clsact on kernels without TCX.
type hooks struct {
	pins     *pins
	programs []*ebpf.Program
	attached []io.Closer
	// useClsact: the kernel has no TCX.
	useClsact bool
	// atHead: with TCX programs come before those that are attached already, which may decide.
	atHead bool
	// stubs are the programs that filters run instead; each tail-calls its program.
	stubs      map[*ebpf.Program]*ebpf.Program
	progArrays []*ebpf.Map
}

// load loads a program into the kernel.
func (h *hooks) load(kind ebpf.ProgramType, flags uint32, name string, ins asm.Instructions) (*ebpf.Program, error) {
	if unaligned {
		// Unaligned loads work on this CPU even if the kernel was configured without them.
		flags |= unix.BPF_F_ANY_ALIGNMENT
	}
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "pppoe_" + name, Type: kind, Instructions: ins, Flags: flags, License: "MIT",
	})
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", name, err)
	}
	h.programs = append(h.programs, program)
	return program, nil
}

// attachTC loads a program and attaches it to TC of an interface until close. Its pin has its name.
func (h *hooks) attachTC(index int, where ebpf.AttachType, name string, ins asm.Instructions) error {
	program, err := h.load(ebpf.SchedCLS, 0, name, ins)
	if err != nil {
		return err
	}
	attached, err := h.attach(index, where, program, pinName(name, index))
	if err != nil {
		return fmt.Errorf("program %s: %w", name, err)
	}
	h.attached = append(h.attached, attached)
	return nil
}

// pinName is the name of the pin of a program at an interface.
func pinName(program string, index int) string { return program + "-" + strconv.Itoa(index) }

// attach attaches a loaded program to TC of an interface, and pins that by a name. The caller closes the
// attachment.
func (h *hooks) attach(index int, where ebpf.AttachType, program *ebpf.Program, pin string) (io.Closer, error) {
	if !h.useClsact {
		attached, err := h.pins.attach(pin, index, program, func() (link.Link, error) {
			return link.AttachTCX(link.TCXOptions{Interface: index, Program: program, Attach: where, Anchor: h.anchor()})
		})
		switch {
		case errors.Is(err, unix.ERANGE):
			return nil, ErrTooManyPrograms
		case !errors.Is(err, ebpf.ErrNotSupported):
			return attached, err
		}
		h.useClsact = true
		h.pins.disable(errNoTCX)
	}
	stub, err := h.stub(program)
	if err != nil {
		return nil, err
	}
	return newFilter(index, where, stub)
}

// anchor is the place of a program among others.
func (h *hooks) anchor() link.Anchor {
	if h.atHead {
		return link.Head()
	}
	return link.Tail()
}

// errNoTCX: filters of clsact are not pinned.
var errNoTCX = errors.New("the kernel has no TCX (Linux 6.6)")

// stub returns the stub of a program.
func (h *hooks) stub(program *ebpf.Program) (*ebpf.Program, error) {
	if stub := h.stubs[program]; stub != nil {
		return stub, nil
	}
	stub, progArray, err := newStub(program)
	if err != nil {
		return nil, err
	}
	if h.stubs == nil {
		h.stubs = make(map[*ebpf.Program]*ebpf.Program)
	}
	h.stubs[program] = stub
	h.programs, h.progArrays = append(h.programs, stub), append(h.progArrays, progArray)
	return stub, nil
}

// attachXDP loads a program and attaches it to XDP in the driver of an interface, until close.
func (h *hooks) attachXDP(index int, name string, ins asm.Instructions) error {
	program, err := h.load(ebpf.XDP, unix.BPF_F_XDP_HAS_FRAGS, name, ins)
	if err != nil {
		return err
	}
	attached, err := h.pins.attach(pinName(name, index), index, program, func() (link.Link, error) {
		return link.AttachXDP(link.XDPOptions{Interface: index, Program: program, Flags: link.XDPDriverMode})
	})
	if err != nil {
		return fmt.Errorf("program %s: %w", name, err)
	}
	h.attached = append(h.attached, attached)
	return nil
}

// close detaches all programs, the last attached first. It may be called again.
func (h *hooks) close() (err error) {
	for _, progArray := range h.progArrays {
		err = errors.Join(err, progArray.Delete(uint32(0)), progArray.Close())
	}
	for i := len(h.attached) - 1; i >= 0; i-- {
		err = errors.Join(err, h.attached[i].Close())
	}
	for _, p := range h.programs {
		err = errors.Join(err, p.Close())
	}
	h.attached, h.programs, h.stubs, h.progArrays = nil, nil, nil, nil
	return err
}
