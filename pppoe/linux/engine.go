package linux

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"upppoe/internal/ebpf"
	"upppoe/internal/host/nic"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// attached is the kernel data path of the interface with an index, or the error why it is
// unavailable there.
type attached struct {
	*ebpf.Interface
	index int
	err   error
}

// restore restores settings of an interface that an earlier program has changed before it crashed.
func (o *Opener) restore(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.StateDir == "" || o.restored[name] || o.Pin != "" && !o.Clean && o.DataPath == datapath.KindKernel { // else it goes on with them
		return
	}
	if o.restored == nil {
		o.restored = make(map[string]bool)
	}
	o.restored[name] = true
	if err := ebpf.Restore(o.StateDir, name); err != nil {
		logger(o.Log).Warn(fmt.Sprintf("%s: restore the settings that an earlier program has changed: %v", name, err))
	}
}

// offload returns the kernel data path for an attachment. Ports that receive all Ethernet frames
// (with tags, or another address) are given a filter for the session frames that the kernel moves.
func (o *Opener) offload(a afpacket.Attachment, ports pppoe.Ports) (datapath.Offload, error) {
	at, err := o.attach(a.Interface)
	if err != nil {
		return nil, err
	}
	link := at.Link(a.VLAN, a.DataPriority)
	if a.VLAN == (vlan.Stack{}) && a.Source == (wire.Addr{}) {
		return link, nil
	}
	if err := filter(ports, link.FilterSessions); err != nil {
		return nil, fmt.Errorf("%v: %w", a, err)
	}
	return link, nil
}

// filter sets the filter of each session port.
func filter(ports pppoe.Ports, set func(ebpf.Socket) error) error {
	for _, port := range append([]datapath.Port{ports.Session}, ports.Fanout...) {
		socket, ok := port.(ebpf.Socket)
		if !ok {
			return fmt.Errorf("%w: its port accepts no filter", ebpf.ErrUnavailable)
		}
		if err := set(socket); err != nil {
			return err
		}
	}
	return nil
}

// attach returns an interface in the kernel data path. It is attached at first use, and again after
// it has been re-created. A permanent error is kept, too, and returned without another try.
func (o *Opener) attach(name string) (*ebpf.Interface, error) {
	is, err := nic.ByName(name)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if a := o.attached[name]; a != nil {
		if a.index == is.Index {
			return a.Interface, a.err
		}
		if a.err == nil {
			a.Close() // its programs were removed with the interface
		}
		delete(o.attached, name)
	}
	at, err := o.newAttached(name)
	if err != nil && isTemporary(err) {
		return nil, err
	}
	if o.attached == nil {
		o.attached = make(map[string]*attached)
	}
	o.attached[name] = &attached{at, is.Index, err}
	return at, err
}

// newAttached attaches an interface to the engine, which it opens at first.
func (o *Opener) newAttached(name string) (*ebpf.Interface, error) {
	if o.engine == nil {
		open := o.openEngine
		if open == nil {
			open = ebpf.Open
		}
		e, err := open(ebpf.Config{
			Sessions: o.MaxSessions, Exclusive: o.DataPath == datapath.KindKernel, UndoDir: o.StateDir,
			Pin: o.Pin, Clean: o.Clean, InNamespace: o.InNamespace, Notify: func(text string) { logger(o.Log).Info(text) },
		})
		if err != nil {
			return nil, err
		}
		e.SetDeadline(o.deadline)
		o.engine = e
	}
	return o.engine.Attach(name)
}

// isTemporary reports whether the kernel may accept at the next try what it has refused now.
func isTemporary(err error) bool {
	return slices.ContainsFunc([]error{ebpf.ErrTooManyPrograms, unix.ENOMEM, unix.ENOBUFS, unix.EAGAIN, unix.EINTR, unix.EBUSY, unix.EMFILE, unix.ENFILE, unix.ENODEV},
		func(of error) bool { return errors.Is(err, of) })
}

// shortened drops the details of an error about missing capabilities, which are missing in most
// containers.
func shortened(err error) error {
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w: this process lacks the capabilities", ebpf.ErrUnavailable)
	}
	return err
}

// unavailable is an Offload that refuses every session with the reason.
type unavailable struct{ err error }

func (u unavailable) Add(datapath.SessionConfig) (datapath.OffloadSession, error) { return nil, u.err }
func (u unavailable) Describe() string                                            { return u.err.Error() }
