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

// Config configures Open.
type Config struct {
	// Interface is the name of an Ethernet interface.
	Interface string
	// Sessions is the maximum number of concurrent sessions. Default 65,535, for which the kernel
	// allocates 2 MB for each processor; each session takes another 150 octets.
	Sessions int
	// Exclusive declares that the interface serves PPPoE alone and may be configured for it until
	// Close: frames are received in its driver if that supports XDP (some drivers reset the network
	// card for this, so that the link is down for seconds), packets are coalesced
	// (generic-receive-offload), and are no longer segmented by the card
	// (tcp-segmentation-offload). Otherwise no setting of the interface is changed.
	Exclusive bool
	// UndoDir is a directory with undo records of these settings, for Restore; empty: no records
	// are written.
	UndoDir string
	// InNamespace runs a function on a thread that is in the network namespace of the interface;
	// nil: all threads of the process are in it.
	InNamespace func(func() error) error
	// Notify receives a line for the log when packets of a session's device are no longer carried
	// in the kernel, and why, or are carried again; nil: none. It must not call the Engine.
	Notify func(text string)

	// For tests: as on a kernel without the devices of the segmentation pair; as on one without
	// TCX; as on a network card that completes checksums only of IP frames; how often the load is
	// checked, by default each second.
	noPair, noTCX, ipChecksumOnly bool
	interval                      time.Duration
}

// Engine holds the programs of one Ethernet interface and the sessions that they serve, in any
// VLAN. Methods may be called concurrently.
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
	// Maps of the programs: sessions of received frames, sessions of packets to send, counters; the
	// interface's offload settings and the segmentation pair; the number of GSO packets that only
	// the pair can send.
	rxSessions, txSessions, counters, offloads, gsoPackets *ebpf.Map

	possibleCPUs int // as the per-CPU map has them

	mu sync.Mutex // guards the fields below, and the Links

	pair         segmentationPair
	load         gsoLoad
	offloadFlags uint32 // as in the offloads map

	freeSlots []uint32 // slots of the counters that were freed
	maxSlots  uint32   // the size of the counters map
	usedSlots uint32   // slots from here on were never used
	ambiguous map[ambiguousKey][]*session
	// devices are sessions by the index of their TUN.
	devices map[int]*session
}

// ambiguousKey identifies sessions without their VLAN. XDP cannot see a tag that the network card
// has removed from the frame, so sessions that share this key are ambiguous there.
type ambiguousKey struct {
	peer wire.Addr
	id   uint16
}

// Errors of Open and Link.Add, which wrap them.
var (
	// ErrUnavailable: the kernel does not support it, or the process lacks the capabilities. The text
	// says what is missing.
	ErrUnavailable = errors.New("the kernel data path is unavailable (it needs eBPF, Linux 6.1, CAP_BPF and CAP_NET_ADMIN)")
	// ErrTooManyPrograms: the maximum number of programs is attached to the interface
	// (BPF_MPROG_MAX); each client attaches its own. A later attempt may succeed.
	ErrTooManyPrograms = errors.New("64 eBPF programs are attached to the interface, the kernel's maximum (each client on it attaches one)")
	// ErrFull: the maximum number of sessions (Config.Sessions) is reached.
	ErrFull = errors.New("the kernel data path has its maximum number of sessions")
	// ErrExists: the session (peer, session ID and VLAN) has been added before.
	ErrExists = errors.New("the session is in the kernel data path already")
)

// Open loads the programs and attaches those of the Ethernet interface. No packet is carried before
// a session is added. The error wraps ErrUnavailable. It must be called in the network namespace of
// the interface.
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
	if err := e.createMaps(); err != nil {
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

// configureInterface configures an exclusive interface, and sets the description.
func (e *Engine) configureInterface(cfg Config, index int) {
	e.description = "receive in the TC hook (`datapath kernel` is faster, see DATA PATHS)"
	if cfg.Exclusive {
		e.description = e.takeOwnership(cfg.Interface, index, cfg.UndoDir)
	}
	if e.hooks.useClsact {
		e.description += "; attached by clsact filters (no TCX before Linux 6.6)"
	}
	can, err := e.ethtool.offloads(cfg.Interface)
	switch {
	case cfg.noPair:
		e.description += "; GSO packets are sent by user space"
	case err == nil && can.tso:
		e.description += fmt.Sprintf("; under load, GSO packets pass a segmentation device pair (`ethtool -K %s tso off` avoids that for most)", e.name)
	}
}

// loadPrograms loads the programs that are attached later, when the process may lack CAP_BPF.
func (e *Engine) loadPrograms(ethernet int) (err error) {
	e.transmit, err = e.hooks.load(ebpf.SchedCLS, 0, "transmit",
		transmit(e.txSessions.FD(), e.counters.FD(), e.offloads.FD(), e.gsoPackets.FD(), ethernet))
	if err != nil {
		return err
	}
	segment, err := e.hooks.load(ebpf.SchedCLS, 0, "segment", finishSegment(e.offloads.FD(), ethernet))
	if err != nil {
		return err
	}
	if e.hooks.useClsact {
		for _, p := range []*ebpf.Program{e.transmit, segment} {
			if _, err := e.hooks.stub(p); err != nil {
				return err
			}
		}
	}
	return e.pair.prepare(&e.hooks, segment)
}

func (e *Engine) createMaps() (err error) {
	if e.possibleCPUs, err = ebpf.PossibleCPU(); err != nil {
		return err
	}
	const noPrealloc = 1 // BPF_F_NO_PREALLOC
	for _, m := range []struct {
		to   **ebpf.Map
		spec ebpf.MapSpec
	}{
		{&e.rxSessions, ebpf.MapSpec{Name: "pppoe_rx", Type: ebpf.Hash, KeySize: receiveKeyLen, ValueSize: receiveLen, Flags: noPrealloc}},
		{&e.txSessions, ebpf.MapSpec{Name: "pppoe_tx", Type: ebpf.Hash, KeySize: 4, ValueSize: transmitLen, Flags: noPrealloc}},
		{&e.counters, ebpf.MapSpec{Name: "pppoe_counters", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: countersLen}},
		{&e.offloads, ebpf.MapSpec{Name: "pppoe_offloads", Type: ebpf.Array, KeySize: 4, ValueSize: offloadLen, MaxEntries: 1}},
		{&e.gsoPackets, ebpf.MapSpec{Name: "pppoe_gso", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}},
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

// Describe returns how packets are carried, and why not in a faster way, for the log.
func (e *Engine) Describe() string { return e.description }

// Close detaches all programs and undoes changed settings. User space carries the remaining
// sessions. It may be called again.
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

// releaseSessions leaves the remaining sessions to user space. The filter of a session port drops
// the frames of sessions that are in the maps, so the maps are cleared first.
func (e *Engine) releaseSessions() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.load.stop()
	for _, s := range e.devices {
		e.clearMaps(s)
		if s.attached != nil {
			s.attached.Close() // may have been closed before
		}
	}
}

// allocateSlot returns a free slot of the counters, zeroed.
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

// attachTransmit attaches the transmit program to the egress of a TUN.
func (e *Engine) attachTransmit(tun int) (io.Closer, error) {
	return e.hooks.attach(tun, egress, e.transmit)
}

// Link returns a Link for sessions in one VLAN of the interface, whose data frames are sent with a
// priority code point. A single tag with VLAN identifier 0 means no VLAN (IEEE 802.1Q section
// 6.9.1).
func (e *Engine) Link(tags vlan.Stack, priority uint8) *Link {
	l := &Link{engine: e, tags: tags, key: tags, priority: priority}
	if tags.Depth() == 1 && tags[0].VID == 0 {
		l.key = vlan.Stack{}
	}
	return l
}
