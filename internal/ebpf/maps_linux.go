package ebpf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// engineMaps are the maps of an Engine; an Interface has one more.
type engineMaps struct {
	devices, prefixes4, prefixes6, control, recent, sessions, counters, rates, interfaces, gsoPackets, longPackets *ebpf.Map

	possibleCPUs int // as per-CPU maps have them
}

// Limits. The kernel allocates prefixes one by one.
const (
	maxInterfaces      = 256
	prefixesPerSession = 16 // on average
	minPrefixes        = 1 << 10
	maxPrefixes        = 1 << 28
)

// mapSpec is a map to be made.
type mapSpec struct {
	to   **ebpf.Map
	what string
	spec ebpf.MapSpec
}

// mapSpecs returns the maps of the Engine.
func (e *Engine) mapSpecs() []mapSpec {
	m, slots := &e.maps, uint32(e.slots.size())
	prefixes := uint32(min(max(minPrefixes, prefixesPerSession*uint64(slots)), maxPrefixes))
	return []mapSpec{
		{&m.devices, "hash", ebpf.MapSpec{Name: "pppoe_devices", Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: slots, Flags: unix.BPF_F_NO_PREALLOC}},
		{&m.prefixes4, "LPM trie", ebpf.MapSpec{Name: "pppoe_prefixes4", Type: ebpf.LPMTrie, KeySize: prefix4Len, ValueSize: 4, MaxEntries: prefixes, Flags: unix.BPF_F_NO_PREALLOC}},
		{&m.prefixes6, "LPM trie", ebpf.MapSpec{Name: "pppoe_prefixes6", Type: ebpf.LPMTrie, KeySize: prefix6Len, ValueSize: 4, MaxEntries: prefixes, Flags: unix.BPF_F_NO_PREALLOC}},
		{&m.control, "mapped array", ebpf.MapSpec{Name: "pppoe_control", Type: ebpf.Array, KeySize: 4, ValueSize: controlLen, MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE}},
		{&m.recent, "array", ebpf.MapSpec{Name: "pppoe_recent", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: recentLen, MaxEntries: recentDestinations}},
		{&m.sessions, "array", ebpf.MapSpec{Name: "pppoe_sessions", Type: ebpf.Array, KeySize: 4, ValueSize: sessionLen, MaxEntries: slots}},
		{&m.counters, "array", ebpf.MapSpec{Name: "pppoe_counters", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: countersLen, MaxEntries: slots}},
		{&m.rates, "mapped array", ebpf.MapSpec{Name: "pppoe_rates", Type: ebpf.Array, KeySize: 4, ValueSize: ratesLen, MaxEntries: slots, Flags: unix.BPF_F_MMAPABLE}},
		{&m.interfaces, "array", ebpf.MapSpec{Name: "pppoe_ethernet", Type: ebpf.Array, KeySize: 4, ValueSize: interfaceLen, MaxEntries: maxInterfaces}},
		{&m.gsoPackets, "array", ebpf.MapSpec{Name: "pppoe_gso", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: maxInterfaces}},
		{&m.longPackets, "array", ebpf.MapSpec{Name: "pppoe_long", Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: maxInterfaces}},
	}
}

// createMaps opens the maps of a predecessor, or creates them. The error names what the kernel lacks.
func (e *Engine) createMaps() (err error) {
	if e.maps.possibleCPUs, err = ebpf.PossibleCPU(); err != nil {
		return err
	}
	all := e.mapSpecs()
	if err := e.openPinnedMaps(all); err != nil {
		return err
	}
	for _, c := range all {
		if *c.to != nil {
			continue
		}
		if *c.to, err = ebpf.NewMap(&c.spec); err != nil {
			return fmt.Errorf("map %s (%s): %w", c.spec.Name, c.what, err)
		}
		e.pins.pinMap(c.spec.Name, *c.to)
	}
	if err := e.control.open(e.maps.control, controlLen); err != nil {
		return err
	}
	e.rates.of, e.rates.size = e.maps.rates, e.slots.size()*ratesLen
	return nil
}

// openPinnedMaps opens all maps of a predecessor, or none and removes what it has left.
func (e *Engine) openPinnedMaps(all []mapSpec) error {
	for _, c := range all {
		*c.to = e.pins.openMap(c.spec.Name, &c.spec)
	}
	complete := !slices.ContainsFunc(all, func(c mapSpec) bool { return *c.to == nil })
	for _, c := range all {
		if !complete && *c.to != nil {
			(*c.to).Close()
			*c.to = nil
		}
		if complete {
			delete(e.pins.found, c.spec.Name)
		}
	}
	if !complete {
		if e.pins.isEnabled() && len(e.pins.found) > 0 {
			e.cfg.Notify(e.pins.root + ": an earlier program has left maps of another layout or size, which are removed")
		}
		e.pins.discard()
		return nil
	}
	return e.readPredecessor()
}

// receivedSpec is the map of an interface that finds the session of a received frame.
func receivedSpec(slots int) *ebpf.MapSpec {
	return &ebpf.MapSpec{
		Name: "pppoe_received", Type: ebpf.Hash, KeySize: receiveKeyLen, ValueSize: 4, MaxEntries: uint32(slots), Flags: unix.BPF_F_NO_PREALLOC,
	}
}

// newReceivedMap creates that map.
func newReceivedMap(slots int) (*ebpf.Map, error) {
	m, err := ebpf.NewMap(receivedSpec(slots))
	if err != nil {
		return nil, fmt.Errorf("map pppoe_received: %w", err)
	}
	return m, nil
}

// fds returns the file descriptors of the maps, for programs.
func (m *engineMaps) fds() *mapFDs {
	return &mapFDs{
		devices: m.devices.FD(), prefixes4: m.prefixes4.FD(), prefixes6: m.prefixes6.FD(), control: m.control.FD(), recent: m.recent.FD(), sessions: m.sessions.FD(),
		counters: m.counters.FD(), rates: m.rates.FD(), interfaces: m.interfaces.FD(), gsoPackets: m.gsoPackets.FD(), longPackets: m.longPackets.FD(),
	}
}

// close closes the maps. It may be called again.
func (m *engineMaps) close(p *pins) (err error) {
	for _, one := range []*ebpf.Map{m.devices, m.prefixes4, m.prefixes6, m.control, m.recent, m.sessions, m.counters, m.rates, m.interfaces, m.gsoPackets, m.longPackets} {
		if one != nil {
			err = errors.Join(err, p.closeMap(one))
		}
	}
	return err
}
