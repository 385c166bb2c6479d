package linux

import (
	"errors"
	"fmt"

	"upppoe/internal/ebpf"
	"upppoe/internal/host/netconfig"
)

// Sweep removes from the kernel data path what the sessions of an earlier process have left there and no
// session has been added for since; all of it, if this Opener has another data path. It returns the number of
// these sessions, as far as it is known. It must be called once when all that are to be adopted were added.
func (o *Opener) Sweep() (sessions int) {
	e := o.current()
	switch {
	case e != nil:
		return e.Sweep()
	case o.Pin != "":
		if err := ebpf.RemovePins(o.Pin); err != nil {
			logger(o.Log).Warn(fmt.Sprintf("the kernel goes on with sessions of an earlier program: %v", err))
		}
	}
	return 0
}

// Sweeper is a HostNetwork that an earlier process may have left devices for: that of NewNetwork.
type Sweeper interface {
	// Sweep removes the devices of NetworkConfig.Owner that no session has opened. It must be called once
	// when all sessions that are to be adopted have theirs.
	Sweep()
}

var _ Sweeper = (*netconfig.Configurer)(nil)

// Leave is Close of a process that has a successor: what is pinned goes on carrying packets.
func (o *Opener) Leave() error { return o.close((*ebpf.Engine).Leave) }

// Release lets a successor open what is pinned before this process has ended. Until Take no session is added
// to the kernel data path, whose queue waits; the Opener and its sessions must not be used; Close is Leave.
func (o *Opener) Release() {
	if e := o.current(); e != nil {
		e.Release()
	}
}

// Take undoes Release, and has the kernel data path do what has waited. The error says that another process has what is pinned.
func (o *Opener) Take() error {
	if e := o.current(); e != nil {
		return e.Take()
	}
	return nil
}

// IsPinned reports whether the kernel carries packets while no process runs.
func (o *Opener) IsPinned() bool {
	e := o.current()
	return e != nil && e.IsPinned()
}

// current returns the engine; nil: it is not open.
func (o *Opener) current() *ebpf.Engine {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.engine
}

// close closes the engine by one of its methods, and the fence of the kernel.
func (o *Opener) close(by func(*ebpf.Engine) error) (err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.egress != nil {
		err = o.egress.Close()
	}
	e := o.engine
	o.engine, o.attached, o.egress = nil, nil, nil
	if e == nil {
		return err
	}
	return errors.Join(err, by(e))
}
