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
	// Exclusive says that the interface serves PPPoE alone, so that it may be set up for that,
	// until Close: frames are received at its driver where that can do it (XDP), some of
	// which set up the network card anew for it, so that the line is lost for seconds; it
	// joins packets (generic-receive-offload), and no longer cuts any
	// (tcp-segmentation-offload). Else nothing of it is changed.
	Exclusive bool
	// UndoDir is a directory whose files remember, for Restore, what has been set up so; empty:
	// none does.
	UndoDir string
	// InNamespace runs a function on a thread that is in the interface's network namespace; nil:
	// all of the process's are, always.
	InNamespace func(func() error) error
	// Notify is told, for the log, when what leaves by a session's device is no longer sent
	// in the kernel, and why, or is again; nil: nobody is. It must not call the Engine.
	Notify func(text string)

	// For tests: as on a kernel that has no detour; as on one without TCX; as on a network
	// card that finishes checksums only where it finds them itself; how often demand is looked
	// at, if not each second.
	noPair, noTCX, ipChecksumOnly bool
	interval                      time.Duration
}

// Engine are the programs of one Ethernet interface, and the sessions that they serve, in
// whatever VLAN. Methods may be called concurrently.
type Engine struct {
	name        string // of the interface
	description string
	hooks       hooks
	ethtool     ethtool
	links       linkMonitor
	qdiscs      qdiscMonitor
	notify      func(string)
	ownership   ownership
	transmit    *ebpf.Program
	// rxSessions and transmitting are the sessions as the programs find them, and meters
	// what has been carried; offloads are what the interface leaves to the kernel, and
	// the detour; uncut counts packets that only a detour can send.
	rxSessions, txSessions, counters, offloads, gsoPackets *ebpf.Map

	possibleCPUs int // that there may be

	mu sync.Mutex // guards what follows, and the lines

	pair         segmentationPair
	load         gsoLoad
	offloadFlags uint32 // as in offloads

	freeSlots []uint32 // free ones
	maxSlots  uint32   // how many there are
	usedSlots uint32   // how many have ever been used
	ambiguous map[ambiguousKey][]*session
	// devices are sessions by the index of their TUN.
	devices map[int]*session
}

// ambiguousKey is what sessions may have in common, in different VLANs.
type ambiguousKey struct {
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
	// ErrExists: a session of this peer, ID and VLAN is there already.
	ErrExists = errors.New("this session is in the kernel's data path already")
)

// Open loads the programs and attaches those of the Ethernet interface. Nothing is moved
// before a session is added.
func Open(cfg Config) (*Engine, error) {
	if cfg.Sessions <= 0 {
		cfg.Sessions = 0xffff
	}
	if cfg.Notify == nil {
		cfg.Notify = func(string) {}
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
		name: cfg.Interface, maxSlots: uint32(cfg.Sessions), notify: cfg.Notify, ethtool: -1,
		hooks:     hooks{useClsact: cfg.noTCX},
		ambiguous: make(map[ambiguousKey][]*session), devices: make(map[int]*session),
		load: newGSOLoad(cfg),
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
	if err := e.qdiscs.start(e); err != nil {
		return err
	}
	index := ethernet.Attrs().Index
	if err := e.links.start(e, cfg, index); err != nil {
		return err
	}
	if err := e.hooks.attachTC(index, ingress, "receive", receive(e.rxSessions.FD(), e.counters.FD())); err != nil {
		return err
	}
	if err := e.loadPrograms(index); err != nil {
		return err
	}
	e.configureInterface(cfg, index)
	return nil
}

// configureInterface takes the interface if that is wanted, and notes how packets are moved.
func (e *Engine) configureInterface(cfg Config, index int) {
	e.description = "receive in TC, and not in XDP: the interface may serve others"
	if cfg.Exclusive {
		e.description = e.takeOwnership(cfg.Interface, index, cfg.UndoDir)
	}
	if e.hooks.useClsact {
		e.description += "; by filters of clsact (there is no TCX before Linux 6.6)"
	}
	can, err := e.ethtool.offloads(cfg.Interface)
	switch {
	case cfg.noPair:
		e.description += "; what is yet to be cut into segments goes through user space"
	case err == nil && can.tso:
		e.description += fmt.Sprintf("; under load, a detour for packets that the interface would cut into segments itself (`ethtool -K %s tso off` spares most of it)", e.name)
	}
}

// loadPrograms loads the programs that are attached later, when the process may no longer load any.
func (e *Engine) loadPrograms(ethernet int) (err error) {
	e.transmit, err = e.hooks.load(ebpf.SchedCLS, 0, "transmit",
		transmit(e.txSessions.FD(), e.counters.FD(), e.offloads.FD(), e.gsoPackets.FD(), ethernet))
	if err != nil {
		return err
	}
	cut, err := e.hooks.load(ebpf.SchedCLS, 0, "cut", finishSegment(e.offloads.FD(), ethernet))
	if err != nil {
		return err
	}
	if e.hooks.useClsact {
		for _, p := range []*ebpf.Program{e.transmit, cut} {
			if _, err := e.hooks.stub(p); err != nil {
				return err
			}
		}
	}
	return e.pair.prepare(&e.hooks, cut)
}

func (e *Engine) makeMaps() (err error) {
	if e.possibleCPUs, err = ebpf.PossibleCPU(); err != nil {
		return err
	}
	const unallocated = 1 // BPF_F_NO_PREALLOC
	for _, m := range []struct {
		to   **ebpf.Map
		spec ebpf.MapSpec
	}{
		{&e.rxSessions, ebpf.MapSpec{Name: "pppoe_rx", Type: ebpf.Hash, KeySize: receiveKeyLen, ValueSize: receiveLen, Flags: unallocated}},
		{&e.txSessions, ebpf.MapSpec{Name: "pppoe_tx", Type: ebpf.Hash, KeySize: 4, ValueSize: transmitLen, Flags: unallocated}},
		{&e.counters, ebpf.MapSpec{Name: "pppoe_meters", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: countersLen}},
		{&e.offloads, ebpf.MapSpec{Name: "pppoe_offloads", Type: ebpf.Array, KeySize: 4, ValueSize: offloadLen, MaxEntries: 1}},
		{&e.gsoPackets, ebpf.MapSpec{Name: "pppoe_uncut", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}},
	} {
		if m.spec.MaxEntries == 0 {
			m.spec.MaxEntries = e.maxSlots
		}
		if *m.to, err = ebpf.NewMap(&m.spec); err != nil {
			return fmt.Errorf("map %s: %w", m.spec.Name, err)
		}
	}
	return nil
}

// Describe tells for the log how packets are moved, and why not better.
func (e *Engine) Describe() string { return e.description }

// Close detaches everything; sessions that are left are in user space's care again.
func (e *Engine) Close() error {
	e.qdiscs.stop()
	e.releaseSessions()
	e.links.stop()
	err := errors.Join(e.ownership.restore(e.ethtool), e.pair.close(), e.hooks.close())
	for _, m := range []*ebpf.Map{e.rxSessions, e.txSessions, e.counters, e.offloads, e.gsoPackets} {
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

// releaseSessions gives the sessions that are left back to user space, whose port a Shield may keep
// what they say is moved in the kernel from.
func (e *Engine) releaseSessions() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.load.stop()
	for _, s := range e.devices {
		e.clearMaps(s)
		if s.attached != nil {
			s.attached.Close() // again is no harm
		}
	}
}

// allocateSlot takes a free meter, and clears it.
func (e *Engine) allocateSlot() (uint32, error) {
	var slot uint32
	switch n := len(e.freeSlots); {
	case n > 0:
		slot, e.freeSlots = e.freeSlots[n-1], e.freeSlots[:n-1]
	case e.usedSlots < e.maxSlots:
		slot = e.usedSlots
		e.usedSlots++
	default:
		return 0, ErrFull
	}
	return slot, e.counters.Put(slot, make([]sessionCounters, e.possibleCPUs))
}

func (e *Engine) freeSlot(slot uint32) { e.freeSlots = append(e.freeSlots, slot) }

// attachTransmit has packets that leave by a TUN pass the program.
func (e *Engine) attachTransmit(tun int) (io.Closer, error) {
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
