package ebpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// pairLoad decides when a device pair exists. Its two devices are visible in every list of
// interfaces, so they are created only under load and removed after some minutes without.
// Otherwise, and where they cannot be created, packets take a way that costs more, which at a low
// rate is little.
type pairLoad struct {
	devices pairDevices
	program *ebpf.Program
	text    pairText
	// threshold is the number of packets in an interval that makes the pair worthwhile; count
	// returns the number so far.
	threshold uint64
	count     func() uint64

	lastCount     uint64
	index         int  // of the device that programs send by; 0: they must not use the pair
	idleIntervals int  // intervals below the threshold, in a row
	removing      bool // to be removed at the next check
	disabled      bool // the pair is unavailable or not needed, or the Interface is closed
}

// pairDevices is a segmentationPair or a coalescingPair.
type pairDevices interface {
	prepare(h *hooks, program *ebpf.Program) error
	create() (index int, err error)
	adopt(sender int) bool
	created() (names [2]string)
	has(index int) bool
	isUp() bool
	close() error
}

// pairText is what the log says of a pair: what there are many of, what the devices are for, and
// what happens without them.
type pairText struct{ packets, purpose, without string }

// Thresholds for an interval. 100 GSO packets a second are 50 Mbit/s at most; 4,000 long TCP packets
// are 16 to 48 Mbit/s. After idleLimit intervals below its threshold a pair is removed.
const (
	gsoThreshold  = 100
	longThreshold = 4000
	idleLimit     = 300
)

func (i *Interface) newSegmentation() pairLoad {
	return pairLoad{
		devices: &i.segmentationPair, threshold: gsoThreshold, disabled: i.engine.cfg.noPair,
		count: func() (n uint64) {
			i.engine.maps.gsoPackets.Lookup(i.slot, &n) // 0 after an error
			return n
		},
		text: pairText{"GSO packets", "which segment them in the kernel", "GSO packets are sent by user space: the segmentation devices are unavailable"},
	}
}

func (i *Interface) newCoalescing() pairLoad {
	return pairLoad{
		devices: &i.coalescingPair, threshold: longThreshold, disabled: i.engine.cfg.noPair,
		count: func() (n uint64) {
			var each []uint64
			i.engine.maps.longPackets.Lookup(i.slot, &each)
			for _, one := range each {
				n += one
			}
			return n
		},
		text: pairText{"long TCP packets", "in which the kernel coalesces them (GRO)", "received TCP packets are not coalesced: the coalescing devices are unavailable"},
	}
}

// prepare prepares the devices, with their program.
func (l *pairLoad) prepare(h *hooks, program *ebpf.Program) error {
	l.program = program
	return l.devices.prepare(h, program)
}

// adopt takes over the devices of a predecessor, by the index of the one that its programs send by; 0:
// there are none.
func (l *pairLoad) adopt(sender int) {
	if sender != 0 && !l.disabled && l.devices.adopt(sender) {
		l.index = sender
	}
}

// exists reports whether the devices exist. Called with the Engine's lock held, as are the functions
// below.
func (l *pairLoad) exists() bool { return l.index != 0 || l.removing }

// check creates the pair under load, and removes it after idleLimit intervals without. It is called
// once each interval.
func (l *pairLoad) check(i *Interface) {
	if l.disabled {
		return
	}
	count := l.count()
	busy := count-l.lastCount >= l.threshold && count > l.lastCount
	l.lastCount = count
	switch {
	case l.removing:
		// Programs have not used the pair since the last check.
		l.removing = false
		l.inNamespace(i, l.remove)
	case l.index == 0 && busy:
		l.inNamespace(i, l.create)
	case busy:
		l.idleIntervals = 0
	case l.index != 0:
		l.idleIntervals++
		l.removing = l.idleIntervals >= idleLimit
	}
	if l.removing {
		l.index = 0
		i.write()
	}
}

// inNamespace runs a function in the network namespace of the interface. If it fails, the pair is
// disabled.
func (l *pairLoad) inNamespace(i *Interface, f func(*Interface) error) {
	if err := i.engine.cfg.InNamespace(func() error { return f(i) }); err != nil {
		l.disable(i, err)
	}
}

// create creates the pair, and has the programs use it.
func (l *pairLoad) create(i *Interface) (err error) {
	l.idleIntervals = 0
	index, err := l.devices.create()
	if err != nil {
		return err
	}
	l.index = index
	if err := i.write(); err != nil {
		return err
	}
	names := l.devices.created()
	text := fmt.Sprintf("%s: many %s: created %s and %s, %s", i.name, l.text.packets, names[0], names[1], l.text.purpose)
	if l == &i.segmentation && i.offloadFlags&softwareGSO == 0 {
		text += fmt.Sprintf(" (`ethtool -K %s tso off` is faster: most of them then bypass these devices)", i.name)
	}
	i.engine.cfg.Notify(text)
	return nil
}

// remove removes the pair, and prepares for the next.
func (l *pairLoad) remove(i *Interface) error {
	names := l.devices.created()
	l.devices.close()
	if err := l.devices.prepare(&i.hooks, l.program); err != nil {
		return err
	}
	i.engine.cfg.Notify(fmt.Sprintf("%s: removed %s and %s: there are few %s", i.name, names[0], names[1], l.text.packets))
	return nil
}

// down disables the pair if one of its devices, by the index, was set down or removed by another
// program.
func (l *pairLoad) down(i *Interface, index int) {
	// The message may be older than the pair.
	if l.index != 0 && l.devices.has(index) && !l.devices.isUp() {
		l.disable(i, errPairDown)
	}
}

var errPairDown = errors.New("its devices were set down or removed")

// disable removes the pair permanently.
func (l *pairLoad) disable(i *Interface, why error) {
	l.disabled, l.removing, l.index = true, false, 0
	i.write()
	l.devices.close()
	i.engine.cfg.Notify(fmt.Sprintf("%s: %s: %v", i.name, l.text.without, why))
}
