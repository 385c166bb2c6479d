package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"

	"upppoe/internal/keyed"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Interface is an Ethernet interface whose frames an Engine receives, in any VLAN. Methods may be
// called concurrently.
type Interface struct {
	engine      *Engine
	name        string
	index       int
	slot        uint32 // in the map of interfaces
	description string
	hooks       hooks // of programs that receive, and of the pair
	ownership   ownership
	received    *ebpf.Map      // sessions of received frames
	left        *leftInterface // of a predecessor, until Sweep; nil: nothing

	// Guarded by the Engine's lock:

	segmentationPair         segmentationPair
	coalescingPair           coalescingPair
	segmentation, coalescing pairLoad
	timer                    *time.Timer // of checkLoad; nil: it does not run
	offloadFlags             uint32      // as in the map of interfaces
	closed                   bool
	sessions                 keyed.Table[ambiguousKey, *session] // the first; session.ambiguous links the others
}

// ambiguousKey identifies sessions without their VLAN. XDP cannot see a tag that the network card
// has removed from the frame, so sessions that share this key are ambiguous there.
type ambiguousKey struct {
	peer wire.Addr
	id   uint16
}

// Attach attaches the programs of an Ethernet interface. No packet is carried before a session is
// added. It must be called in the network namespace of the interface. The error wraps
// ErrUnavailable.
func (e *Engine) Attach(name string) (*Interface, error) {
	i := e.newInterface(name)
	if err := i.open(); err != nil {
		i.Close()
		return nil, fmt.Errorf("%s: %w: %w", name, ErrUnavailable, err)
	}
	return i, nil
}

func (e *Engine) newInterface(name string) *Interface {
	i := &Interface{
		engine: e, name: name, hooks: hooks{pins: e.pins, useClsact: e.hooks.useClsact},
		coalescingPair: coalescingPair{queues: e.maps.possibleCPUs, ethtool: e.ethtool},
	}
	i.segmentation, i.coalescing = i.newSegmentation(), i.newCoalescing()
	return i
}

func (i *Interface) open() error {
	link, err := netlink.LinkByName(i.name)
	if err != nil {
		return err
	}
	i.index = link.Attrs().Index
	i.segmentationPair.pin, i.coalescingPair.pin = pinName("segment", i.index), pinName("coalesced", i.index)
	if err := i.openReceived(); err != nil {
		return err
	}
	if err := i.engine.register(i); err != nil {
		return err
	}
	if err := i.attach(); err != nil {
		return err
	}
	i.adoptPairs()
	return i.refreshOffloads()
}

// adoptPairs takes over the device pairs of a predecessor.
func (i *Interface) adoptPairs() {
	i.engine.mu.Lock()
	defer i.engine.mu.Unlock()
	if i.left != nil && i.left.hasSlot {
		i.segmentation.adopt(int(binary.NativeEndian.Uint32(i.left.value[interfacePair:])))
		i.coalescing.adopt(int(binary.NativeEndian.Uint32(i.left.value[interfaceCoalescing:])))
	}
}

// attach attaches the program that receives, and prepares the pairs. Their programs are loaded now,
// because later the process may lack CAP_BPF.
func (i *Interface) attach() error {
	if err := i.hooks.attachTC(i.index, ingress, "receive", receive(i.maps())); err != nil {
		return err
	}
	segment, err := i.loadForPair("segment", finishSegment(i.maps(), i.slot, i.index))
	if err != nil {
		return err
	}
	coalesced, err := i.loadForPair("coalesced", receiveCoalesced())
	if err != nil {
		return err
	}
	if i.hooks.useClsact {
		if err := i.engine.loadStubs(); err != nil {
			return err
		}
	}
	if err := errors.Join(i.segmentation.prepare(&i.hooks, segment), i.coalescing.prepare(&i.hooks, coalesced)); err != nil {
		return err
	}
	i.configure()
	i.engine.notifyOthers(i)
	return nil
}

// loadForPair loads the program of a pair, and its stub if there will be one.
func (i *Interface) loadForPair(name string, ins asm.Instructions) (*ebpf.Program, error) {
	program, err := i.hooks.load(ebpf.SchedCLS, 0, name, ins)
	if err == nil && i.hooks.useClsact {
		_, err = i.hooks.stub(program)
	}
	return program, err
}

// maps returns the maps of the interface's programs.
func (i *Interface) maps() *mapFDs {
	m := i.engine.maps.fds()
	m.received = i.received.FD()
	return m
}

// openReceived opens the map of received frames of a predecessor, or creates one.
func (i *Interface) openReceived() (err error) {
	e := i.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	name := receivedPin + strconv.Itoa(i.index)
	if left := e.left.interfaces[i.index]; left != nil && left.received != nil {
		i.left, i.received, left.received = left, left.received, nil
		delete(e.pins.found, name)
		return nil
	}
	if i.received, err = newReceivedMap(e.slots.size()); err == nil {
		e.pins.pinMap(name, i.received)
	}
	return err
}

// register gives the interface a slot.
func (e *Engine) register(i *Interface) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	free := e.freeInterfaceSlot(i.index)
	if free >= maxInterfaces {
		return fmt.Errorf("%d interfaces are attached, the maximum", maxInterfaces)
	}
	for len(e.interfaces) <= free {
		e.interfaces = append(e.interfaces, nil)
	}
	i.slot, e.interfaces[free] = uint32(free), i
	return errors.Join(e.maps.gsoPackets.Put(i.slot, uint64(0)), e.maps.longPackets.Put(i.slot, make([]uint64, e.maps.possibleCPUs)))
}

// freeInterfaceSlot returns the slot that an interface had in a predecessor, or else the first that no
// interface has or had.
func (e *Engine) freeInterfaceSlot(index int) (slot int) {
	taken := make(map[int]bool)
	for at, other := range e.interfaces {
		taken[at] = other != nil
	}
	for of, left := range e.left.interfaces {
		if left.hasSlot && of == index && !taken[int(left.slot)] {
			return int(left.slot)
		}
		taken[int(left.slot)] = taken[int(left.slot)] || left.hasSlot
	}
	for taken[slot] {
		slot++
	}
	return slot
}

// attached returns the interfaces.
func (e *Engine) attached() []*Interface {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(e.interfaces), func(i *Interface) bool { return i == nil })
}

// configure configures an exclusive interface, and sets the description.
func (i *Interface) configure() {
	i.description = "receive in the TC hook (`datapath kernel` is faster, see DATA PATHS)"
	if i.engine.cfg.Exclusive {
		i.description = i.takeOwnership()
	}
	if i.hooks.useClsact {
		i.description += "; attached by clsact filters (no TCX before Linux 6.6)"
	}
	can, err := i.engine.ethtool.offloads(i.name)
	switch {
	case i.engine.cfg.noPair:
		i.description += "; GSO packets are sent by user space"
	case err == nil && can.tso:
		i.description += fmt.Sprintf("; under load, GSO packets pass a segmentation device pair (`ethtool -K %s tso off` avoids that for most)", i.name)
	}
}

// Describe returns how packets are carried, and why not in a faster way, for the log.
func (i *Interface) Describe() string { return i.description }

// Close detaches all programs and undoes changed settings. User space carries the remaining
// sessions. It may be called again.
func (i *Interface) Close() error {
	i.releaseSessions()
	err := errors.Join(i.closeOwnership(), i.segmentationPair.close(), i.coalescingPair.close(), i.hooks.close())
	if i.received != nil {
		err = errors.Join(err, i.engine.pins.closeMap(i.received))
	}
	i.engine.mu.Lock()
	defer i.engine.mu.Unlock()
	if int(i.slot) < len(i.engine.interfaces) && i.engine.interfaces[i.slot] == i {
		i.engine.interfaces[i.slot] = nil
		i.engine.forgetInterface(i)
	}
	return err
}

// closeOwnership restores the settings of the interface, or leaves them to a successor.
func (i *Interface) closeOwnership() error {
	if i.engine.pins.staysPinned() {
		return i.ownership.closeUndo(true)
	}
	return i.ownership.restore(i.engine.ethtool)
}

// forgetInterface removes what a successor would find of an interface. The lock is held.
func (e *Engine) forgetInterface(i *Interface) {
	delete(e.left.interfaces, i.index)
	if e.pins.isEnabled() && !e.pins.leave {
		e.maps.interfaces.Put(i.slot, make([]byte, interfaceLen))
	}
}

// releaseSessions leaves the remaining sessions to user space. The filter of a session port drops
// the frames of sessions that are in the maps, so the maps are cleared first.
func (i *Interface) releaseSessions() {
	i.engine.mu.Lock()
	defer i.engine.mu.Unlock()
	i.stopChecks()
	i.closed = true
	if i.engine.pins.staysPinned() {
		return
	}
	for s := range i.sessions.All() {
		for ; s != nil; s = s.ambiguous {
			s.clear()
			s.device.release(s)
		}
	}
}

// refreshOffloads reads the offload settings of the interface, and writes them for the programs.
// After an error the programs assume that it offloads nothing.
func (i *Interface) refreshOffloads() error {
	var can offloads
	name, err := i.engine.ethtool.name(i.index) // it may have changed
	if err == nil {
		can, err = i.engine.ethtool.offloads(name)
	}
	flags := uint32(0)
	if !can.tso {
		flags |= softwareGSO
	}
	if err != nil || can.ipChecksum || i.engine.cfg.ipChecksumOnly {
		flags |= softwareChecksum
	}
	i.engine.mu.Lock()
	defer i.engine.mu.Unlock()
	i.offloadFlags = flags
	return errors.Join(err, i.write())
}

// assumeNoOffloads has the programs assume that the interface offloads nothing.
func (i *Interface) assumeNoOffloads() {
	i.engine.mu.Lock()
	defer i.engine.mu.Unlock()
	i.offloadFlags = softwareGSO | softwareChecksum
	i.write()
}

// write writes the offload flags and the indexes of the pairs to the map of interfaces, unless that is a
// successor's. The Engine's lock is held.
func (i *Interface) write() error {
	if i.engine.pins.staysPinned() {
		return nil
	}
	b := make([]byte, interfaceLen)
	binary.NativeEndian.PutUint32(b[interfaceFlags:], i.offloadFlags)
	binary.NativeEndian.PutUint32(b[interfacePair:], uint32(i.segmentation.index))
	binary.NativeEndian.PutUint32(b[interfaceIndex:], uint32(i.index))
	binary.NativeEndian.PutUint32(b[interfaceCoalescing:], uint32(i.coalescing.index))
	return i.engine.maps.interfaces.Put(i.slot, b)
}

// Link returns a Link for sessions in one VLAN of the interface, whose data frames are sent with a
// priority code point. A single tag with VLAN identifier 0 means no VLAN (IEEE 802.1Q section
// 6.9.1).
func (i *Interface) Link(tags vlan.Stack, priority uint8) *Link {
	return &Link{at: i, tags: tags, priority: priority}
}
