package linux

import (
	"fmt"
	"time"

	"upppoe/internal/ebpf"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// AnnouncementType is the EtherType of frames that mean nothing, by which switches learn the port to an address:
// that of local experiments (IEEE 802 section 9.2.4, number 2). Stations drop them.
const AnnouncementType = 0x88b6

// NewFence returns a fence whose clock goes on while the machine is suspended.
func NewFence() *datapath.Fence { return datapath.NewFence(ebpf.BootTime) }

// SetDeadline sets the time from which on the kernel drops the packets of all sessions, also when this
// process does not run, and the frames of FencedSource, and the deadline of Fence; the zero time, the initial one:
// none. It takes effect at once, and on a kernel data path that is opened later.
func (o *Opener) SetDeadline(t time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deadline = t
	if o.engine != nil {
		o.engine.SetDeadline(t)
	}
	if o.egress != nil {
		o.egress.SetDeadline(t)
	}
	if o.Fence != nil {
		o.Fence.SetDeadline(t)
	}
}

// Fenced returns how many frames of FencedSource the kernel has dropped since the Opener was opened.
func (o *Opener) Fenced() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.egress == nil {
		return 0
	}
	return o.egress.Dropped()
}

// fenced puts the fence before ports.
func (o *Opener) fenced(ports pppoe.Ports) pppoe.Ports {
	if o.Fence == nil {
		return ports
	}
	ports.Discovery, ports.Session = o.Fence.Port(ports.Discovery), o.Fence.Port(ports.Session)
	for i, p := range ports.Fanout {
		ports.Fanout[i] = o.Fence.Port(p)
	}
	return ports
}

// fenceEgress lets the kernel check the frames of FencedSource that leave an interface, or logs why it cannot.
func (o *Opener) fenceEgress(name string) {
	if o.FencedSource == (wire.Addr{}) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.attachEgress(name); err != nil {
		logger(o.Log).Warn(fmt.Sprintf("%s: the kernel does not check frames against the deadline: if this program is stopped and goes on after it, a batch of frames that it has checked before is sent: %v", name, shortened(err)))
	}
}

// attachEgress attaches the fence of the kernel to an interface. o.mu is held.
func (o *Opener) attachEgress(name string) (err error) {
	if o.egress == nil {
		if o.egress, err = ebpf.OpenEgressFence(o.FencedSource, wire.EtherTypeDiscovery, wire.EtherTypeSession, AnnouncementType); err != nil {
			return err
		}
		o.egress.SetDeadline(o.deadline)
	}
	return o.egress.Attach(name)
}
