// Package linux opens the ports of lines together with what moves their packets: the
// kernel (package ebpf), where it does that and the process may ask it to, or else user
// space.
//
// Chosen of itself the kernel's data path leaves the Ethernet interface as it is. Asked for
// by name it has the interface for itself, and switches what makes it faster.
package linux

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"upppoe/internal/ebpf"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Opener opens lines. Its fields do not change while it is in use; methods may be called
// concurrently.
type Opener struct {
	// DataPath is the data path that is wanted.
	DataPath datapath.Kind
	// Queues is how many ports each line has for session frames; 0 and 1: one. The plain
	// data path has one in any case.
	Queues int
	// Sessions is the most that there may be on an interface at once; 0: 65,535.
	Sessions int
	// Inside is as fastpath.Config has it: for a process with threads in several network
	// namespaces.
	Inside func(func() error) error
	// Memory is a directory that remembers what is switched at interfaces, so that after a crash
	// the next program puts it back, whatever its data path; empty: none does.
	Memory string
	// Log is told what changes in how the kernel moves an interface's packets. It must be set.
	Log *slog.Logger

	mu      sync.Mutex
	engines map[string]*engine                      // by the interface's name
	looked  map[string]bool                         // interfaces whose files have been looked for
	try     func(ebpf.Config) (*ebpf.Engine, error) // for tests: in place of fastpath.Open
}

// engine is that of an interface, which has an index as long as it is there; or why there
// can be none.
type engine struct {
	*ebpf.Engine
	index int
	why   error
}

// Open opens the ports of a line, with an Accelerator if the kernel is to move packets.
// The error is that of afpacket.OpenQueues; or, where the kernel's data path is asked for by
// name, it tells why that cannot be.
func (s *Opener) Open(line afpacket.Attachment) (pppoe.Ports, error) {
	s.restore(line.Interface)
	queues := s.Queues
	if s.DataPath == datapath.KindPlain {
		queues = 1
	}
	ports, err := afpacket.OpenQueues(line, queues)
	if err != nil || !s.accelerates() {
		return ports, err
	}
	fast, err := s.accelerator(line, ports)
	switch {
	case err == nil:
		ports.Offload = fast
	case s.DataPath == datapath.KindKernel:
		ports.Close()
		return pppoe.Ports{}, err
	default:
		ports.Offload = none{withoutDetail(err)}
	}
	return ports, nil
}

// withoutDetail tells of rights that are not there in words of their own: to have none of
// these is usual in containers, and no fault.
func withoutDetail(err error) error {
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w: this process has not the capabilities", ebpf.ErrUnavailable)
	}
	return err
}

// none is an Accelerator where there is none: it tells why.
type none struct{ why error }

func (n none) Add(datapath.Session) error                         { return n.why }
func (none) SetFamilies(uint16, bool, bool)                       {}
func (none) SetSourceFilter(uint16, *datapath.SourceFilter) error { return nil }
func (none) Counters(uint16) datapath.Counters                    { return datapath.Counters{} }
func (none) Remove(uint16) datapath.Counters                      { return datapath.Counters{} }
func (n none) Describe() string                                   { return n.why.Error() }

// accelerates reports whether the kernel is to move packets, if it can.
func (s *Opener) accelerates() bool {
	return s.DataPath == datapath.KindKernel || s.DataPath == datapath.KindAuto
}

// Prepare does beforehand what Open will need the most rights for: the kernel takes programs
// from those only that have CAP_BPF. What cannot be done Open will tell.
func (s *Opener) Prepare(name string) {
	s.restore(name)
	if s.accelerates() {
		s.engine(name)
	}
}

// restore puts back what a crash has left switched at an interface, before that is used.
func (s *Opener) restore(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Memory == "" || s.looked[name] {
		return
	}
	if s.looked == nil {
		s.looked = make(map[string]bool)
	}
	s.looked[name] = true
	if err := ebpf.Restore(s.Memory, name); err != nil {
		s.Log.Warn(fmt.Sprintf("%s: put back what an earlier program has switched: %v", name, err))
	}
}

// Close detaches all that the kernel was told to do. Sessions must have ended.
func (s *Opener) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for name, e := range s.engines {
		errs = append(errs, e.close())
		delete(s.engines, name)
	}
	return errors.Join(errs...)
}

func (s *Opener) accelerator(line afpacket.Attachment, ports pppoe.Ports) (datapath.Offload, error) {
	e, err := s.engine(line.Interface)
	if err != nil {
		return nil, err
	}
	fast := e.Link(line.VLAN, line.DataPriority)
	if line.VLAN == (vlan.Stack{}) && line.Source == (wire.Addr{}) {
		return fast, nil
	}
	for _, port := range append([]datapath.Port{ports.Session}, ports.More...) {
		socket, ok := port.(ebpf.Socket)
		if !ok {
			return nil, fmt.Errorf("%v: %w: its port takes no filter", line, ebpf.ErrUnavailable)
		}
		if err := fast.FilterSessions(socket); err != nil {
			return nil, fmt.Errorf("%v: %w", line, err)
		}
	}
	return fast, nil
}

// engine is that of an interface, made when it is first asked for, and anew for one that
// has gone and come back. That there can be none is found out no more often.
func (s *Opener) engine(name string) (*ebpf.Engine, error) {
	nic, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.engines[name]; e != nil {
		if e.index == nic.Index {
			return e.Engine, e.why
		}
		e.close() // what was attached has gone with the interface
		delete(s.engines, name)
	}
	made, err := s.open(name)
	if err != nil && passing(err) {
		return nil, err
	}
	if s.engines == nil {
		s.engines = make(map[string]*engine)
	}
	s.engines[name] = &engine{made, nic.Index, err}
	return made, err
}

func (s *Opener) open(name string) (*ebpf.Engine, error) {
	try := s.try
	if try == nil {
		try = ebpf.Open
	}
	return try(ebpf.Config{
		Interface: name, Sessions: s.Sessions, Own: s.DataPath == datapath.KindKernel,
		Memory: s.Memory, Inside: s.Inside, Notice: func(text string) { s.Log.Info(text) },
	})
}

// passing reports whether what the kernel refuses now it may grant the next time.
func passing(err error) bool {
	return slices.ContainsFunc([]error{ebpf.ErrTooManyPrograms, unix.ENOMEM, unix.ENOBUFS, unix.EAGAIN, unix.EINTR, unix.EBUSY, unix.EMFILE, unix.ENFILE, unix.ENODEV},
		func(of error) bool { return errors.Is(err, of) })
}

func (e *engine) close() error {
	if e.why != nil {
		return nil
	}
	return e.Engine.Close()
}
