package linux

import (
	"log/slog"
	"os"
	"sync"
	"time"

	"upppoe/internal/ebpf"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// Opener opens the ports of a Client or Server, with the data path of their sessions. The zero
// value is ready for use: it uses the fastest data path that is available. Its fields must not be
// changed once a method has been called; methods may be called concurrently. Open requires
// CAP_NET_RAW, and the kernel data path CAP_BPF and CAP_NET_ADMIN in addition.
type Opener struct {
	// DataPath is the data path; the Client or Server must have the same one.
	DataPath datapath.Kind
	// Queues is the number of ports for session frames per attachment, over which the kernel
	// spreads the sessions; 0 and 1: one. datapath.KindPlain always has one. See
	// datapath.Queues for a good number.
	Queues int
	// MaxSessions is the largest number of sessions in the kernel data path, on all interfaces;
	// 0: 65,535. For 65,535 the kernel allocates 8 MB, and 7 MB per processor.
	MaxSessions int
	// InNamespace runs a function on a thread in the interface's network namespace, for a
	// process whose threads are in several; nil: all threads are in the same.
	InNamespace func(func() error) error
	// StateDir is a directory for files that record which settings of an interface
	// datapath.KindKernel has changed, so that after a crash the next Open or Prepare restores
	// them, whatever its data path. Empty: none are recorded.
	StateDir string
	// Pin is a directory in a BPF file system, /sys/fs/bpf/upppoe/NAME, where the kernel data path
	// outlives the process: it carries packets while no process runs, and the Opener of the next one with
	// the same Pin takes it over. Sessions that are added again keep their counters, rates and packets;
	// call Sweep after that. The file system is mounted if it is not there. What cannot be pinned (before
	// Linux 6.6, without permission, while another process has the directory) ends with the process, and is
	// logged. Without a process, packets are lost that user space must handle: TCP segments with SYN, IPv6
	// extension headers, and what package internal/ebpf says. Requires CAP_BPF, and CAP_SYS_ADMIN to mount.
	// Empty: nothing outlives the process.
	Pin string
	// Clean removes what an earlier process has left in Pin when the kernel data path is opened.
	Clean bool
	// Fence stops ports, and SetDeadline the kernel, at a deadline; nil: there is none.
	Fence *datapath.Fence
	// FencedSource is a source address whose frames the kernel drops from the deadline on when they leave an
	// attachment's interface: those that a process which was stopped has checked before, and sends when it goes
	// on. These are PPPoE frames and those with AnnouncementType. Where the kernel or missing capabilities
	// (CAP_BPF and CAP_NET_ADMIN) do not allow that, it is logged. Zero: only Fence is checked.
	FencedSource wire.Addr
	// Inherited returns the sockets that Descriptors of another process's Opener had under a name, which
	// belong to this one then; nil: there are none, and new ones are opened. While both processes run, each
	// frame is received by one of them.
	Inherited func(name string) []*os.File
	// Log receives changes of how the kernel moves an interface's packets; nil: they are not
	// logged.
	Log *slog.Logger

	mu         sync.Mutex
	engine     *ebpf.Engine                            // nil: not open
	egress     *ebpf.EgressFence                       // of FencedSource; nil: not open
	deadline   time.Time                               // of the engine, and of egress
	attached   map[string]*attached                    // by the interface's name
	restored   map[string]bool                         // interfaces whose settings have been restored
	openEngine func(ebpf.Config) (*ebpf.Engine, error) // for tests; nil: ebpf.Open
	opened     map[string]pppoe.Ports                  // those opened last under a name
}

// ErrUnavailable is wrapped by the error of Open, or of the event pppoe.NotOffloaded, where the
// kernel does not support its data path (Linux 6.1) or the process lacks the capabilities.
var ErrUnavailable = ebpf.ErrUnavailable

// Open opens the ports of an attachment. Close the Ports before the Opener.
//
// Where the kernel data path is unavailable, datapath.KindKernel returns an error, and
// datapath.KindAuto returns Ports whose sessions run in user space and report the reason in an
// event, pppoe.NotOffloaded. Other errors are those of afpacket.OpenQueues.
func (o *Opener) Open(a afpacket.Attachment) (pppoe.Ports, error) {
	o.restore(a.Interface)
	ports, err := o.ports(nameOf(a), func(sockets []*os.File) (pppoe.Ports, error) { return afpacket.FilePorts(a, sockets) },
		func() (pppoe.Ports, error) { return afpacket.OpenQueues(a, o.queues()) })
	if err != nil {
		return ports, err
	}
	return o.complete(a.Interface, ports, func() (datapath.Offload, error) { return o.offload(a, ports) })
}

// OpenTrunk is Open for a trunk, which carries the sessions of all its VLANs. Other errors are those
// of afpacket.OpenTrunkQueues.
func (o *Opener) OpenTrunk(t afpacket.Trunk) (pppoe.Ports, error) {
	o.restore(t.Interface)
	ports, err := o.ports(nameOfTrunk(t), func(sockets []*os.File) (pppoe.Ports, error) { return afpacket.FileTrunkPorts(t, sockets) },
		func() (pppoe.Ports, error) { return afpacket.OpenTrunkQueues(t, o.queues()) })
	if err != nil {
		return ports, err
	}
	return o.complete(t.Interface, ports, func() (datapath.Offload, error) { return o.trunkOffload(t, ports) })
}

// queues is the number of ports for session frames.
func (o *Opener) queues() int {
	if o.DataPath == datapath.KindPlain {
		return 1
	}
	return o.Queues
}

// complete adds the kernel data path to ports on an interface, and fences them.
func (o *Opener) complete(interfaceName string, ports pppoe.Ports, offload func() (datapath.Offload, error)) (pppoe.Ports, error) {
	ports, err := o.withOffload(ports, offload)
	if err != nil {
		return ports, err
	}
	o.fenceEgress(interfaceName)
	return o.fenced(ports), nil
}

// withOffload adds the kernel data path to ports, if it is wanted.
func (o *Opener) withOffload(ports pppoe.Ports, open func() (datapath.Offload, error)) (pppoe.Ports, error) {
	if !o.wantsKernel() {
		return ports, nil
	}
	offload, err := open()
	switch {
	case err == nil:
		ports.Offload = offload
	case o.DataPath == datapath.KindKernel:
		ports.Close()
		return pppoe.Ports{}, err
	default:
		ports.Offload = unavailable{shortened(err)}
	}
	return ports, nil
}

// Prepare does the most privileged part of Open in advance: it loads the eBPF programs, which
// requires CAP_BPF. If loading fails, a later Open returns the error.
func (o *Opener) Prepare(interfaceName string) {
	o.restore(interfaceName)
	if o.wantsKernel() {
		o.attach(interfaceName)
	}
	o.fenceEgress(interfaceName)
}

// Close detaches the kernel's programs, removes what is pinned and restores the settings of interfaces.
// Sessions must have ended.
func (o *Opener) Close() error { return o.close((*ebpf.Engine).Close) }

// wantsKernel reports whether the kernel data path is used where it is available.
func (o *Opener) wantsKernel() bool {
	return o.DataPath == datapath.KindKernel || o.DataPath == datapath.KindAuto
}
