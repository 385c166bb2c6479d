// Package stage opens the ports of lines together with what moves their packets: the
// kernel (package fastpath), where that is asked for, or else user space.
//
// The kernel's data path is not chosen of itself: it takes a veth pair, to cut packets
// into segments, that everybody sees in the list of interfaces, and CAP_SYS_ADMIN to make
// it. Without that pair it is slower than user space with offloads.
package stage

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"upppoe/internal/fastpath"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/vlan"
)

// Lines opens lines. Its fields do not change while it is in use; methods may be called
// concurrently.
type Lines struct {
	// Want is the data path that is wanted.
	Want pppoe.DataPath
	// Sessions is the most that there may be on an interface at once; 0: 65,535.
	Sessions int
	// Log is told how the kernel moves an interface's packets. It must be set.
	Log *slog.Logger

	mu      sync.Mutex
	engines map[int]*fastpath.Engine // by the interface's index
}

// Open opens the ports of a line, with an Accelerator if the kernel is to move packets.
// The error is that of afpacket.OpenPorts, or tells why the kernel cannot.
func (s *Lines) Open(line afpacket.Line) (pppoe.Ports, error) {
	ports, err := afpacket.OpenPorts(line)
	if err != nil || s.Want != pppoe.DataPathKernel {
		return ports, err
	}
	if ports.Accelerator, err = s.accelerator(line, ports); err != nil {
		ports.Close()
		return pppoe.Ports{}, err
	}
	return ports, nil
}

// Prepare does beforehand what Open will need the most rights for: the kernel's way to cut
// packets takes CAP_SYS_ADMIN. What cannot be done Open will tell.
func (s *Lines) Prepare(name string) {
	if s.Want == pppoe.DataPathKernel {
		s.engine(name)
	}
}

// Close detaches all that the kernel was told to do. Sessions must have ended.
func (s *Lines) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for index, e := range s.engines {
		errs = append(errs, e.Close())
		delete(s.engines, index)
	}
	return errors.Join(errs...)
}

func (s *Lines) accelerator(line afpacket.Line, ports pppoe.Ports) (pppoe.Accelerator, error) {
	e, err := s.engine(line.Interface)
	if err != nil {
		return nil, err
	}
	fast := e.Line(line.VLAN, line.DataPriority)
	if line.VLAN == (vlan.Stack{}) && line.Source == (pppoe.Addr{}) {
		return fast, nil
	}
	socket, ok := ports.Session.(fastpath.Socket)
	if !ok {
		return nil, fmt.Errorf("%v: %w: its port takes no filter", line, fastpath.ErrUnavailable)
	}
	if err := fast.Shield(socket); err != nil {
		return nil, fmt.Errorf("%v: %w", line, err)
	}
	return fast, nil
}

// engine is that of an interface, made when it is first asked for. An interface that goes
// and comes back is another one.
func (s *Lines) engine(name string) (*fastpath.Engine, error) {
	nic, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.engines[nic.Index]; e != nil {
		return e, nil
	}
	e, err := fastpath.Open(fastpath.Config{
		Interface: name, Sessions: s.Sessions, Notice: func(text string) { s.Log.Info(text) },
	})
	if err != nil {
		return nil, err
	}
	if s.engines == nil {
		s.engines = make(map[int]*fastpath.Engine)
	}
	s.engines[nic.Index] = e
	s.Log.Info(fmt.Sprintf("%s: packets go through the kernel: %s", name, e.About()))
	return e, nil
}
