package ebpf

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Config is what Open takes.
type Config struct {
	// Interface is the name of an Ethernet interface.
	Interface string
	// Sessions is the most that there may be at once. Default 65,535, for which the
	// kernel holds 2 MB a processor, and 150 octets for each that there is.
	Sessions int
	// Own says that the interface serves PPPoE alone, so that it may be set up for that,
	// until Close: frames are received at its driver where that can do it (XDP), some of
	// which set up the network card anew for it, so that the line is lost for seconds; it
	// joins packets (generic-receive-offload), and no longer cuts any
	// (tcp-segmentation-offload). Else nothing of it is changed.
	Own bool
	// Memory is a directory whose files remember, for Restore, what has been set up so; empty:
	// none does.
	Memory string
	// Inside runs a function on a thread that is in the interface's network namespace; nil:
	// all of the process's are, always.
	Inside func(func() error) error
	// Notice is told, for the log, when what leaves by a session's device is no longer sent
	// in the kernel, and why, or is again; nil: nobody is. It must not call the Engine.
	Notice func(text string)

	// For tests: as on a kernel that has no detour; as on one without TCX; as on a network
	// card that finishes checksums only where it finds them itself; how often demand is looked
	// at, if not each second.
	noDetour, noTCX, narrow bool
	interval                time.Duration
}

// Engine are the programs of one Ethernet interface, and the sessions that they serve, in
// whatever VLAN. Methods may be called concurrently.
type Engine struct {
	name     string // of the interface
	about    string
	hooks    hooks
	ethtool  ethtool
	watch    watch
	queues   queues
	notice   func(string)
	own      own
	transmit *ebpf.Program
	// receiving and transmitting are the sessions as the programs find them, and meters
	// what has been carried; offloads are what the interface leaves to the kernel, and
	// the detour; uncut counts packets that only a detour can send.
	receiving, transmitting, meters, offloads, uncut *ebpf.Map

	processors int // that there may be

	mu sync.Mutex // guards what follows, and the lines

	detour detour
	demand demand
	flags  uint32 // as in offloads

	slots []uint32 // free ones
	size  uint32   // how many there are
	used  uint32   // how many have ever been used
	twins map[twin][]*session
	// devices are sessions by the index of their TUN.
	devices map[int]*session
}

// twin is what sessions may have in common, in different VLANs.
type twin struct {
	peer wire.Addr
	id   uint16
}

// Errors of Open and Add, wrapped.
var (
	// ErrUnavailable: this kernel cannot do it, or the process may not ask it to. What
	// is missing is in the error's text.
	ErrUnavailable = errors.New("the kernel's data path (eBPF, Linux 6.1, CAP_BPF with CAP_NET_ADMIN) is not to be had")
	// ErrTooManyPrograms: as many programs are attached to the interface as the kernel allows
	// (BPF_MPROG_MAX), each client's own among them. It may be otherwise the next time.
	ErrTooManyPrograms = errors.New("64 eBPF programs are attached to the interface already, such as one by each client on it, and the kernel takes no more")
	// ErrFull: there are as many sessions as Config allows.
	ErrFull = errors.New("no more sessions in the kernel's data path")
	// ErrTaken: a session of this peer, ID and VLAN is there already.
	ErrTaken = errors.New("this session is in the kernel's data path already")
)

// Open loads the programs and attaches those of the Ethernet interface. Nothing is moved
// before a session is added.
func Open(cfg Config) (*Engine, error) {
	if cfg.Sessions <= 0 {
		cfg.Sessions = 0xffff
	}
	if cfg.Notice == nil {
		cfg.Notice = func(string) {}
	}
	e := newEngine(cfg)
	if err := e.open(cfg); err != nil {
		e.Close()
		return nil, fmt.Errorf("%s: %w: %w", cfg.Interface, ErrUnavailable, err)
	}
	return e, nil
}

func newEngine(cfg Config) *Engine {
	return &Engine{
		name: cfg.Interface, size: uint32(cfg.Sessions), notice: cfg.Notice, ethtool: -1,
		hooks: hooks{filters: cfg.noTCX},
		twins: make(map[twin][]*session), devices: make(map[int]*session),
		demand: newDemand(cfg),
	}
}

func (e *Engine) open(cfg Config) error {
	ethernet, err := netlink.LinkByName(cfg.Interface)
	if err != nil {
		return err
	}
	if e.ethtool, err = openEthtool(); err != nil {
		return err
	}
	if err := e.makeMaps(); err != nil {
		return err
	}
	if err := e.queues.start(e); err != nil {
		return err
	}
	index := ethernet.Attrs().Index
	if err := e.watch.start(e, cfg, index); err != nil {
		return err
	}
	if err := e.hooks.tc(index, ingress, "receive", receive(e.receiving.FD(), e.meters.FD())); err != nil {
		return err
	}
	if err := e.load(index); err != nil {
		return err
	}
	e.tellAbout(cfg, index)
	return nil
}

// tellAbout takes the interface if that is wanted, and notes how packets are moved.
func (e *Engine) tellAbout(cfg Config, index int) {
	e.about = "receive in TC, and not in XDP: the interface may serve others"
	if cfg.Own {
		e.about = e.take(cfg.Interface, index, cfg.Memory)
	}
	if e.hooks.filters {
		e.about += "; by filters of clsact (there is no TCX before Linux 6.6)"
	}
	can, err := e.ethtool.offloads(cfg.Interface)
	switch {
	case cfg.noDetour:
		e.about += "; what is yet to be cut into segments goes through user space"
	case err == nil && can.segments:
		e.about += fmt.Sprintf("; under load, a detour for packets that the interface would cut into segments itself (`ethtool -K %s tso off` spares most of it)", e.name)
	}
}

// load loads the programs that are attached later, when the process may no longer load any.
func (e *Engine) load(ethernet int) (err error) {
	e.transmit, err = e.hooks.load(ebpf.SchedCLS, 0, "transmit",
		transmit(e.transmitting.FD(), e.meters.FD(), e.offloads.FD(), e.uncut.FD(), ethernet))
	if err != nil {
		return err
	}
	cut, err := e.hooks.load(ebpf.SchedCLS, 0, "cut", measureSegment(e.offloads.FD(), ethernet))
	if err != nil {
		return err
	}
	if e.hooks.filters {
		for _, p := range []*ebpf.Program{e.transmit, cut} {
			if _, err := e.hooks.stub(p); err != nil {
				return err
			}
		}
	}
	return e.detour.prepare(&e.hooks, cut)
}

func (e *Engine) makeMaps() (err error) {
	if e.processors, err = ebpf.PossibleCPU(); err != nil {
		return err
	}
	const unallocated = 1 // BPF_F_NO_PREALLOC
	for _, m := range []struct {
		to   **ebpf.Map
		spec ebpf.MapSpec
	}{
		{&e.receiving, ebpf.MapSpec{Name: "pppoe_rx", Type: ebpf.Hash, KeySize: receiveKeyLen, ValueSize: receiveLen, Flags: unallocated}},
		{&e.transmitting, ebpf.MapSpec{Name: "pppoe_tx", Type: ebpf.Hash, KeySize: 4, ValueSize: transmitLen, Flags: unallocated}},
		{&e.meters, ebpf.MapSpec{Name: "pppoe_meters", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: meterLen}},
		{&e.offloads, ebpf.MapSpec{Name: "pppoe_offloads", Type: ebpf.Array, KeySize: 4, ValueSize: offloadLen, MaxEntries: 1}},
		{&e.uncut, ebpf.MapSpec{Name: "pppoe_uncut", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}},
	} {
		if m.spec.MaxEntries == 0 {
			m.spec.MaxEntries = e.size
		}
		if *m.to, err = ebpf.NewMap(&m.spec); err != nil {
			return fmt.Errorf("map %s: %w", m.spec.Name, err)
		}
	}
	return nil
}

// About tells for the log how packets are moved, and why not better.
func (e *Engine) About() string { return e.about }

// Close detaches everything; sessions that are left are in user space's care again.
func (e *Engine) Close() error {
	e.queues.stop()
	e.detach()
	e.watch.stop()
	err := errors.Join(e.own.back(e.ethtool), e.detour.close(), e.hooks.close())
	for _, m := range []*ebpf.Map{e.receiving, e.transmitting, e.meters, e.offloads, e.uncut} {
		if m != nil {
			err = errors.Join(err, m.Close())
		}
	}
	if e.ethtool >= 0 {
		err = errors.Join(err, e.ethtool.close())
		e.ethtool = -1
	}
	return err
}

// detach gives the sessions that are left back to user space, whose port a Shield may keep
// what they say is moved in the kernel from.
func (e *Engine) detach() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.demand.end()
	for _, s := range e.devices {
		e.forget(s)
		if s.leaves != nil {
			s.leaves.Close() // again is no harm
		}
	}
}

// slot takes a free meter, and clears it.
func (e *Engine) slot() (uint32, error) {
	var slot uint32
	switch n := len(e.slots); {
	case n > 0:
		slot, e.slots = e.slots[n-1], e.slots[:n-1]
	case e.used < e.size:
		slot = e.used
		e.used++
	default:
		return 0, ErrFull
	}
	return slot, e.meters.Put(slot, make([]meter, e.processors))
}

func (e *Engine) free(slot uint32) { e.slots = append(e.slots, slot) }

// attach has packets that leave by a TUN pass the program.
func (e *Engine) attach(tun int) (io.Closer, error) {
	return e.hooks.attach(tun, egress, e.transmit)
}

// Link is for sessions in one VLAN of the interface, whose data frames leave with a
// priority code point. A VLAN of identifier 0, alone, is none (IEEE 802.1Q section 6.9.1).
func (e *Engine) Link(tags vlan.Stack, priority uint8) *Link {
	l := &Link{engine: e, tags: tags, key: tags, priority: priority, sessions: make(map[uint16]*session)}
	if tags.Depth() == 1 && tags[0].VID == 0 {
		l.key = vlan.Stack{}
	}
	return l
}
