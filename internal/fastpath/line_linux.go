package fastpath

import (
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"upppoe/pppoe"
	"upppoe/pppoe/vlan"
)

// Line is a pppoe.Accelerator: the sessions in one VLAN of an Engine's interface. Methods
// may be called concurrently.
type Line struct {
	engine   *Engine
	tags     vlan.Stack // as frames have them that leave
	key      vlan.Stack // as frames are known that come
	priority uint8

	mu       sync.Mutex
	sessions map[uint16]*session
}

var _ pppoe.Accelerator = (*Line)(nil)

// session is a tunnel in the maps.
type session struct {
	pppoe.Tunnel
	key    [receiveKeyLen]byte
	device int // the index of its TUN
	slot   uint32
	open   uint16
	cut    uint16 // cutUDP, or 0
	header []byte
	leaves link.Link
}

// Add takes up a tunnel, over which nothing flows until Allow says so. Its device must be a
// network interface of this machine. The error wraps ErrFull or ErrTaken, or is the kernel's.
func (l *Line) Add(t pppoe.Tunnel) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions[t.SessionID] != nil {
		return fmt.Errorf("session %d: %w", t.SessionID, ErrTaken)
	}
	s := &session{Tunnel: t, key: receiveKey(t.Peer, t.SessionID, l.key), header: header(t, l.tags, l.priority)}
	if err := l.enter(s); err != nil {
		return fmt.Errorf("session %d: %w", t.SessionID, err)
	}
	l.sessions[t.SessionID] = s
	return nil
}

// enter gives a session its places.
func (l *Line) enter(s *session) error {
	device, err := netlink.LinkByName(s.Device.Name())
	if err != nil {
		return fmt.Errorf("%s: %w", s.Device.Name(), err)
	}
	s.device = device.Attrs().Index
	if can, err := offloadsOf(s.Device.Name()); err == nil && can.generic {
		s.cut = cutUDP
	}
	if s.slot, err = l.engine.slot(); err != nil {
		return err
	}
	if err := l.engine.put(s, ebpf.UpdateNoExist); err != nil {
		l.engine.free(s.slot)
		return err
	}
	if s.leaves, err = l.engine.attach(s.device); err != nil {
		l.engine.delete(s)
		l.engine.free(s.slot)
		return fmt.Errorf("%s: %w", s.Device.Name(), err)
	}
	return nil
}

// put tells the programs of a session as it is now.
func (e *Engine) put(s *session, flags ebpf.MapUpdateFlags) error {
	if err := e.receiving.Update(s.key[:], s.receiveValue(), flags); err != nil {
		return fmt.Errorf("enter the session for what comes: %w", err)
	}
	if err := e.transmitting.Update(uint32(s.device), s.transmitValue(), ebpf.UpdateAny); err != nil {
		return fmt.Errorf("enter the session for what leaves: %w", err)
	}
	return nil
}

func (e *Engine) delete(s *session) {
	// What is not there need not be deleted.
	e.receiving.Delete(s.key[:])
	e.transmitting.Delete(uint32(s.device))
}

// Allow says which families may flow in the kernel. Should the kernel not take it, the
// session leaves the kernel, for user space has been told as well.
func (l *Line) Allow(id uint16, ipv4, ipv6 bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sessions[id]
	if s == nil {
		return
	}
	s.open = families(ipv4, ipv6)
	if l.engine.put(s, ebpf.UpdateAny) != nil {
		l.engine.delete(s)
	}
}

// Counters are those of a tunnel since Add: of what the kernel has moved, alone.
func (l *Line) Counters(id uint16) pppoe.Counters {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.sessions[id]; s != nil {
		return l.engine.read(s)
	}
	return pppoe.Counters{}
}

// Remove forgets a tunnel. Its device is not closed.
func (l *Line) Remove(id uint16) pppoe.Counters {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sessions[id]
	if s == nil {
		return pppoe.Counters{}
	}
	delete(l.sessions, id)
	l.engine.delete(s)
	s.leaves.Close() // the device may be gone, and the link with it
	c := l.engine.read(s)
	l.engine.free(s.slot)
	return c
}

// read reads a meter.
func (e *Engine) read(s *session) pppoe.Counters {
	b := make([]byte, meterLen)
	if e.meters.Lookup(s.slot, b) != nil {
		return pppoe.Counters{}
	}
	return parseMeter(b)
}
