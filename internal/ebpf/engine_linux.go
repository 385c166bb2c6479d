package ebpf

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cilium/ebpf"

	"upppoe/pppoe/datapath"
)

// Config configures Open.
type Config struct {
	// Sessions is the maximum number of concurrent sessions. Default 65,535, for which the kernel
	// allocates 8 MB, and 7 MB for each processor; each session takes another 150 octets, and each
	// of its prefixes 100.
	Sessions int
	// Exclusive declares that the interfaces serve PPPoE alone and may be configured for it until
	// Close: frames are received in their driver if that supports XDP (some drivers reset the
	// network card for this, so that the link is down for seconds), packets are coalesced
	// (generic-receive-offload), and are no longer segmented by the card
	// (tcp-segmentation-offload). Otherwise no setting of an interface is changed.
	Exclusive bool
	// UndoDir is a directory with undo records of these settings, for Restore; empty: no records
	// are written.
	UndoDir string
	// Pin is a directory in a BPF file system, below /sys/fs/bpf, where maps and programs outlive the
	// process, unless Close has removed them: the kernel carries packets while no process runs, and the
	// next Open with the same directory, Sessions and network namespace takes them over: sessions that
	// are added again keep their state. The file system is mounted if it is not there. Where that is not
	// possible, before Linux 6.6, or while another process has the directory, Notify is called, and all
	// ends with the process. Empty: nothing is pinned.
	Pin string
	// Clean removes what an earlier process has left in Pin.
	Clean bool
	// InNamespace runs a function on a thread that is in the network namespace of the interfaces;
	// nil: all threads of the process are in it.
	InNamespace func(func() error) error
	// Notify receives a line for the log when packets of a device are no longer carried in the
	// kernel, and why, or are carried again; nil: none. It must not call the Engine.
	Notify func(text string)

	// For tests: as on a kernel without the devices of the segmentation pair; as on one without
	// TCX; as on a network card that completes checksums only of IP frames; how often the load is
	// checked, by default each second.
	noPair, noTCX, ipChecksumOnly bool
	interval                      time.Duration
}

// Engine holds the programs and maps of a process, and the sessions that they serve, on any Ethernet
// interface of one network namespace. To add, change or remove a session of a shared device only
// maps are written. Methods may be called concurrently.
type Engine struct {
	cfg     Config
	hooks   hooks // of programs that transmit
	ethtool ethtool
	links   linkMonitor
	qdiscs  qdiscMonitor
	maps    engineMaps
	rates   rateMemory
	control controlMemory
	pins    *pins       // nil: nothing is pinned
	left    predecessor // guarded by mu
	// Programs at the egress of a session's own TUN, and of a shared one.
	transmit, transmitShared *ebpf.Program

	mu sync.Mutex // guards the fields below, and all Interfaces, Links, devices and sessions

	slots      slots
	bySlot     []*session
	value      [sessionLen]byte // see session.value
	inherited  inheritance
	interfaces []*Interface // by slot; nil: free
	devices    map[int]*device
}

// Errors of Open, Attach and Link.Add, which wrap them.
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
	// ErrReleased: the Engine is released, and a successor may have its maps. After Take a later attempt may
	// succeed.
	ErrReleased = fmt.Errorf("another program takes over the kernel data path: %w", datapath.ErrOffloadLater)
)

const defaultSessions = 0xffff

// Open creates the maps and loads the programs that transmit. The error wraps ErrUnavailable. It
// must be called in the network namespace of the interfaces.
func Open(cfg Config) (*Engine, error) {
	e := newEngine(cfg)
	if err := e.open(); err != nil {
		e.Close()
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return e, nil
}

func newEngine(cfg Config) *Engine {
	if cfg.Sessions <= 0 {
		cfg.Sessions = defaultSessions
	}
	if cfg.Notify == nil {
		cfg.Notify = func(string) {}
	}
	if cfg.InNamespace == nil {
		cfg.InNamespace = func(f func() error) error { return f() }
	}
	if cfg.interval == 0 {
		cfg.interval = time.Second
	}
	return &Engine{
		cfg: cfg, ethtool: -1, hooks: hooks{useClsact: cfg.noTCX}, slots: newSlots(cfg.Sessions),
		devices: make(map[int]*device),
	}
}

func (e *Engine) open() (err error) {
	if e.ethtool, err = openEthtool(); err != nil {
		return err
	}
	e.openPins()
	if err := e.createMaps(); err != nil {
		return err
	}
	if err := e.loadTransmit(); err != nil {
		return err
	}
	if err := e.qdiscs.start(e); err != nil {
		return err
	}
	return e.links.start(e)
}

// openPins opens the directory of pins, if one is wanted and possible.
func (e *Engine) openPins() {
	if e.cfg.Pin == "" {
		return
	}
	err := errNoTCX
	if !e.cfg.noTCX {
		e.pins, err = openPins(e.cfg.Pin, e.cfg.Clean, e.cfg.Notify)
	}
	if err != nil {
		e.cfg.Notify(fmt.Sprintf("the kernel data path is not pinned, so that packets are lost while no program runs: %v", err))
	}
	e.hooks.pins = e.pins
}

// loadTransmit loads the programs that are attached later, when the process may lack CAP_BPF.
func (e *Engine) loadTransmit() (err error) {
	m := e.maps.fds()
	if e.transmit, err = e.hooks.load(ebpf.SchedCLS, 0, "transmit", transmit(m)); err != nil {
		return err
	}
	e.transmitShared, err = e.hooks.load(ebpf.SchedCLS, 0, "shared", transmitShared(m))
	return err
}

// loadStubs loads what replaces the programs that transmit on kernels without TCX.
func (e *Engine) loadStubs() error {
	e.hooks.useClsact = true
	for _, p := range []*ebpf.Program{e.transmit, e.transmitShared} {
		if _, err := e.hooks.stub(p); err != nil {
			return err
		}
	}
	return nil
}

// Close closes all Interfaces, and removes what is pinned. User space carries the remaining sessions. It
// may be called again.
func (e *Engine) Close() (err error) {
	e.qdiscs.stop()
	e.links.stop()
	for _, i := range e.attached() {
		err = errors.Join(err, i.Close())
	}
	err = errors.Join(err, e.hooks.close(), e.maps.close(e.pins))
	e.pins.close()
	if e.ethtool >= 0 {
		err = errors.Join(err, e.ethtool.close())
		e.ethtool = -1
	}
	return err
}

// sessionAt returns the session of a slot; nil: there is none.
func (e *Engine) sessionAt(slot uint32) *session {
	if int(slot) >= len(e.bySlot) {
		return nil
	}
	return e.bySlot[slot]
}

// setSlot records the session of a slot; nil: there is none.
func (e *Engine) setSlot(slot uint32, s *session) {
	for int(slot) >= len(e.bySlot) {
		e.bySlot = append(e.bySlot, nil)
	}
	e.bySlot[slot] = s
}

// releaseSlot frees a slot.
func (e *Engine) releaseSlot(slot uint32) {
	e.setSlot(slot, nil)
	e.slots.release(slot)
}
