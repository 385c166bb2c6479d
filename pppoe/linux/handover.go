package linux

import (
	"time"

	"upppoe/internal/ebpf"
	"upppoe/internal/host/netconfig"
	"upppoe/pppoe/datapath"
)

// Sweep removes from the kernel data path what the sessions of an earlier process have left there and no
// session has been added for since. It returns the number of these sessions. It must be called once when
// all that are to be adopted were added.
func (o *Opener) Sweep() (sessions int) {
	if e := o.current(); e != nil {
		sessions = e.Sweep()
	}
	return sessions
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

// Release lets a successor open what is pinned before this process has ended. Until Take the Opener and
// its sessions must not be used; Close is Leave then.
func (o *Opener) Release() {
	if e := o.current(); e != nil {
		e.Release()
	}
}

// Take undoes Release. The error says that another process has what is pinned.
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

// SetDeadline sets the time from which on the kernel drops the packets of all sessions, also when this
// process does not run, and the deadline of Fence; the zero time, the initial one: none. It takes effect
// at once, and on a kernel data path that is opened later.
func (o *Opener) SetDeadline(t time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deadline = t
	if o.engine != nil {
		o.engine.SetDeadline(t)
	}
	if o.Fence != nil {
		o.Fence.SetDeadline(t)
	}
}

// NewFence returns a fence whose clock goes on while the machine is suspended.
func NewFence() *datapath.Fence { return datapath.NewFence(ebpf.BootTime) }

// current returns the engine; nil: it is not open.
func (o *Opener) current() *ebpf.Engine {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.engine
}

// close closes the engine by one of its methods.
func (o *Opener) close(by func(*ebpf.Engine) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := o.engine
	o.engine, o.attached = nil, nil
	if e == nil {
		return nil
	}
	return by(e)
}
