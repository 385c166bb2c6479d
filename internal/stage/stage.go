// Package stage opens the ports of lines together with the fastest data path that there
// is for them: the kernel's (package fastpath), or that of user space.
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
	// Log is told which data path an interface has, and why not a better one. It must be
	// set.
	Log *slog.Logger

	mu      sync.Mutex
	engines map[int]*fastpath.Engine // by the interface's index; nil: there can be none
}

// Open opens the ports of a line, with an Accelerator if the kernel can have one. The
// error is that of afpacket.OpenPorts, or tells why the kernel's data path, which was
// asked for, is not to be had.
func (s *Lines) Open(line afpacket.Line) (pppoe.Ports, error) {
	ports, err := afpacket.OpenPorts(line)
	if err != nil || s.Want != pppoe.DataPathAuto && s.Want != pppoe.DataPathKernel {
		return ports, err
	}
	ports.Accelerator, err = s.accelerator(line, ports)
	if err != nil && s.Want == pppoe.DataPathKernel {
		ports.Close()
		return pppoe.Ports{}, err
	}
	return ports, nil
}

// Prepare does beforehand what Open will need the most rights for: the kernel's way to cut
// packets takes CAP_SYS_ADMIN. What cannot be done Open will tell.
func (s *Lines) Prepare(name string) {
	if s.Want == pppoe.DataPathAuto || s.Want == pppoe.DataPathKernel {
		s.engine(name)
	}
}

// Close detaches all that the kernel was told to do. Sessions must have ended.
func (s *Lines) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for index, e := range s.engines {
		if e != nil {
			errs = append(errs, e.Close())
		}
		delete(s.engines, index)
	}
	return errors.Join(errs...)
}

func (s *Lines) accelerator(line afpacket.Line, ports pppoe.Ports) (pppoe.Accelerator, error) {
	e, err := s.engine(line.Interface)
	if e == nil {
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
		s.Log.Info(fmt.Sprintf("%v: packets go through user space: %v", line, err))
		return nil, fmt.Errorf("%v: %w", line, err)
	}
	return fast, nil
}

// engine is that of an interface, made when it is first asked for. An interface that goes
// and comes back is another one. Nil: the error says why, once.
func (s *Lines) engine(name string) (*fastpath.Engine, error) {
	nic, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, known := s.engines[nic.Index]; known {
		return e, fastpath.ErrUnavailable
	}
	if s.engines == nil {
		s.engines = make(map[int]*fastpath.Engine)
	}
	e, err := fastpath.Open(fastpath.Config{
		Interface: name, Sessions: s.Sessions, NoDetour: s.Want == pppoe.DataPathAuto,
		Notice: func(text string) { s.Log.Info(text) },
	})
	if err != nil {
		s.engines[nic.Index] = nil
		s.Log.Debug(fmt.Sprintf("packets go through user space: %v", err))
		return nil, err
	}
	s.engines[nic.Index] = e
	s.Log.Debug(fmt.Sprintf("%s: packets go through the kernel: %s", name, e.About()))
	return e, nil
}
