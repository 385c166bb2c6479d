package ebpf

import (
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"strconv"

	"github.com/cilium/ebpf"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// predecessor is what an earlier process has left in pinned maps and nobody has added to this Engine yet.
// It is read once, by batches. The fields of its zero value are empty.
type predecessor struct {
	values     [][sessionLen]byte // of sessions, by slot
	referred   []bool             // by slot: programs find it by a key or a prefix, and nobody has claimed it
	interfaces map[int]*leftInterface
	devices    map[uint32]uint32         // own devices of sessions, by index: slots
	prefixes   map[uint32][]mappedPrefix // by slot
}

// leftInterface is what is left of an Ethernet interface.
type leftInterface struct {
	slot      uint32
	hasSlot   bool // it is in the map of interfaces
	value     [interfaceLen]byte
	received  *ebpf.Map                      // nil once an Interface has it
	keys      map[[receiveKeyLen]byte]uint32 // slots
	ambiguous map[ambiguousKey]int           // how many of the keys
}

// mappedPrefix is a prefix in the map of its family.
type mappedPrefix struct {
	device int
	prefix netip.Prefix
}

// receivedPin is the beginning of the names of maps of received frames; the interface's index follows.
const receivedPin = "received-"

// readPredecessor reads the maps of a predecessor, and takes its slots.
func (e *Engine) readPredecessor() error {
	p := &e.left
	*p = predecessor{
		values: make([][sessionLen]byte, e.slots.size()), referred: make([]bool, e.slots.size()), interfaces: make(map[int]*leftInterface),
		devices: make(map[uint32]uint32), prefixes: make(map[uint32][]mappedPrefix),
	}
	err := errors.Join(
		readAll(e.maps.sessions, func(slot uint32, value [sessionLen]byte) { p.values[slot] = value }),
		readAll(e.maps.devices, func(device, slot uint32) { p.devices[device] = slot; p.referred[slot] = true }),
		readAll(e.maps.prefixes4, func(key [prefix4Len]byte, slot uint32) { p.addPrefix(key[:], slot) }),
		readAll(e.maps.prefixes6, func(key [prefix6Len]byte, slot uint32) { p.addPrefix(key[:], slot) }),
		readAll(e.maps.interfaces, p.addInterface),
	)
	for _, name := range e.pins.remaining(receivedPin) {
		err = errors.Join(err, e.readReceived(name))
	}
	e.slots.restore(p.used(), p.referred)
	return err
}

// addPrefix adds a prefix, by its key in a map.
func (p *predecessor) addPrefix(key []byte, slot uint32) {
	address, _ := netip.AddrFromSlice(key[prefixAddress:])
	bits := int(binary.NativeEndian.Uint32(key[prefixLen:])) - 32
	p.prefixes[slot] = append(p.prefixes[slot], mappedPrefix{int(binary.NativeEndian.Uint32(key[prefixDevice:])), netip.PrefixFrom(address, bits)})
	p.referred[slot] = true
}

// addInterface adds an Ethernet interface, by its value.
func (p *predecessor) addInterface(slot uint32, value [interfaceLen]byte) {
	if index := int(binary.NativeEndian.Uint32(value[interfaceIndex:])); index != 0 {
		i := p.interfaceOf(index)
		i.slot, i.hasSlot, i.value = slot, true, value
	}
}

func (p *predecessor) interfaceOf(index int) *leftInterface {
	if p.interfaces[index] == nil {
		p.interfaces[index] = &leftInterface{keys: make(map[[receiveKeyLen]byte]uint32), ambiguous: make(map[ambiguousKey]int)}
	}
	return p.interfaces[index]
}

// readReceived reads the map of received frames of an interface.
func (e *Engine) readReceived(name string) (err error) {
	index, err := strconv.Atoi(name)
	m := e.pins.openMap(receivedPin+name, receivedSpec(e.slots.size()))
	if err != nil || m == nil {
		return err
	}
	i := e.left.interfaceOf(index)
	i.received = m
	return readAll(m, func(key [receiveKeyLen]byte, slot uint32) {
		i.keys[key] = slot
		i.ambiguous[ambiguousKeyOf(key)]++
		e.left.referred[slot] = true
	})
}

func ambiguousKeyOf(key [receiveKeyLen]byte) ambiguousKey {
	return ambiguousKey{wire.Addr(key[:6]), binary.BigEndian.Uint16(key[6:])}
}

// used returns the number of the first slot from which on none was used.
func (p *predecessor) used() (n int) {
	for slot, value := range p.values {
		if p.referred[slot] || value != ([sessionLen]byte{}) {
			n = slot + 1
		}
	}
	return n
}

// readAll reads a map by batches.
func readAll[K, V any](m *ebpf.Map, each func(K, V)) error {
	const batch = 4096
	keys, values := make([]K, batch), make([]V, batch)
	for cursor := new(ebpf.MapBatchCursor); ; {
		n, err := m.BatchLookup(cursor, keys, values, nil)
		for i := range n {
			each(keys[i], values[i])
		}
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// sharing returns how many sessions that nobody has added have an ambiguous key.
func (i *leftInterface) sharing(k ambiguousKey) int {
	if i == nil {
		return 0
	}
	return i.ambiguous[k]
}

// isLeft reports whether a predecessor had the session. The Engine's lock is held, as for the functions
// below.
func (s *session) isLeft() bool {
	if s.at.left == nil {
		return false
	}
	_, is := s.at.left.keys[s.receiveKey()]
	return is
}

// claim takes over the slot of the session, which isLeft; false: there are too many sessions.
func (s *session) claim() bool {
	i, key := s.at.left, s.receiveKey()
	if !s.engine().slots.claim() {
		return false
	}
	s.slot = i.keys[key]
	delete(i.keys, key)
	i.ambiguous[s.TableKey()]--
	s.engine().left.referred[s.slot] = false
	s.engine().inherited = inheritance{s, s.engine().left.values[s.slot][:]}
	return true
}

// inheritance is the value in a predecessor of the session that is being installed.
type inheritance struct {
	by    *session // nil: none
	value []byte
}

// inherited returns the session's value in a predecessor, while it is installed; nil: it had none.
func (s *session) inherited() []byte {
	if i := s.engine().inherited; i.by == s {
		return i.value
	}
	return nil
}

// inherit takes over the state of a claimed session. If its device is another one now, only counters and
// token buckets are left.
func (s *session) inherit() {
	e := s.engine()
	v := s.inherited()
	if v == nil {
		return
	}
	s.change = binary.NativeEndian.Uint32(v[sessionChange:])
	same := int(binary.NativeEndian.Uint32(v[sessionDevice:])) == s.device.index
	for _, p := range e.left.prefixes[s.slot] {
		if same && p.device == s.device.index {
			s.prefixes = append(s.prefixes, p.prefix)
		} else {
			e.deleteMapped(p, s.slot)
		}
	}
	delete(e.left.prefixes, s.slot)
	flags := binary.NativeEndian.Uint16(v[sessionFlags:])
	s.flags |= flags & rateLimited
	if !same || !s.device.shared && e.left.devices[uint32(s.device.index)] != s.slot {
		s.change++
		e.inherited = inheritance{}
		return
	}
	delete(e.left.devices, uint32(s.device.index))
	s.flags |= flags & (openIPv4 | openIPv6)
	if !s.device.shared {
		s.flags |= flags & checkSource
	}
	if s.mtu = binary.NativeEndian.Uint16(v[sessionMTU:]); s.mtu == math.MaxUint16 {
		s.mtu = 0
	}
}

// deleteMapped deletes a prefix of a predecessor, unless another session has it since.
func (e *Engine) deleteMapped(p mappedPrefix, of uint32) {
	m, key := e.prefixMap(p.device, p.prefix)
	var slot uint32
	if m.Lookup(key, &slot) == nil && slot == of {
		m.Delete(key)
	}
}

// Adopts reports whether a predecessor had the session, so that Add takes over its state.
func (l *Link) Adopts(c datapath.SessionConfig) bool {
	e := l.at.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	return l.newSession(c).isLeft()
}

// Sweep removes what a predecessor has left of sessions and interfaces that were not added since Open. It
// returns the number of these sessions. It must be called once those that are to be adopted were added.
func (e *Engine) Sweep() (sessions int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range e.left.interfaces {
		sessions += len(i.keys)
		e.sweepInterface(i)
	}
	for index := range e.left.devices {
		e.maps.devices.Delete(index)
	}
	for slot, all := range e.left.prefixes {
		for _, p := range all {
			e.deleteMapped(p, slot)
		}
	}
	e.control.count()
	noRates := make([]byte, ratesLen)
	for slot, referred := range e.left.referred {
		if referred {
			e.maps.rates.Put(uint32(slot), noRates)
			e.slots.discard(uint32(slot))
		}
	}
	e.left = predecessor{}
	e.pins.discard()
	return sessions
}

// sweepInterface removes what is left of an interface.
func (e *Engine) sweepInterface(left *leftInterface) {
	if left.received != nil { // it is not attached
		left.received.Close()
		if left.hasSlot {
			e.maps.interfaces.Put(left.slot, make([]byte, interfaceLen))
		}
		return
	}
	for _, i := range e.interfaces {
		if i == nil || i.left != left {
			continue
		}
		i.left = nil
		for key := range left.keys {
			i.received.Delete(key[:])
		}
		for key := range left.keys {
			i.updateAmbiguous(ambiguousKeyOf(key))
		}
	}
}
