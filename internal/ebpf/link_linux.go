package ebpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Link is a datapath.Offload for sessions in one VLAN of an interface, or in those that the sessions
// name. Several Links may serve one VLAN. Methods may be called concurrently.
type Link struct {
	at       *Interface
	tags     vlan.Stack // of sent frames
	priority uint8
}

var _ datapath.Adopter = (*Link)(nil)

// Add adds a session, whose packets are not carried before SetFamilies opens a family. Its device
// must be a network interface of this machine. The error wraps ErrFull, ErrExists, ErrReleased or
// the kernel's error.
func (l *Link) Add(c datapath.SessionConfig) (datapath.OffloadSession, error) {
	e := l.at.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	s := l.newSession(c)
	if c.Shared != nil && c.Shared.Isolates() {
		s.flags |= isolate
	}
	if err := s.install(deviceName(&c), c.Shared != nil); err != nil {
		return nil, fmt.Errorf("session %d: %w", c.SessionID, err)
	}
	return s, nil
}

// newSession returns a session that is not installed.
func (l *Link) newSession(c datapath.SessionConfig) *session {
	s := &session{Key: c.Key, priority: c.Priority, at: l.at}
	if c.VLAN.Depth() == 0 {
		s.VLAN, s.priority = l.tags, l.priority
	}
	return s
}

// Describe is Interface.Describe.
func (l *Link) Describe() string { return l.at.Describe() }

// Socket is a session port that accepts a filter, like afpacket.Port.
type Socket interface {
	Addr() wire.Addr
	// AttachProgram sets an eBPF program of type BPF_PROG_TYPE_SOCKET_FILTER as the filter of the
	// socket, in place of its current one.
	AttachProgram(fd int) error
}

// FilterSessions attaches the session filter to a session port: it drops frames that the kernel
// carries or drops. It must be called before the first Add for ports in a VLAN or with an address
// other than the interface's, which receive every frame. For other ports it is optional.
func (l *Link) FilterSessions(s Socket) error {
	var h hooks
	defer h.close() // the socket holds the program
	program, err := h.load(ebpf.SocketFilter, 0, "filter", sessionFilter(l.at.maps(), l.tags.WithoutPriorityTag(), s.Addr()))
	if err != nil {
		return err
	}
	if err := s.AttachProgram(program.FD()); err != nil {
		return fmt.Errorf("attach the session filter to the port: %w", err)
	}
	return nil
}

// hasSession reports whether the interface has a session whose received frames have the same key.
func (i *Interface) hasSession(s *session) bool {
	for other := i.sessions.Get(s.TableKey()); other != nil; other = other.ambiguous {
		if other.receiveKey() == s.receiveKey() {
			return true
		}
	}
	return false
}

// addSession adds a session to those with its ambiguous key, and updates those.
func (i *Interface) addSession(s *session) error {
	k := s.TableKey()
	s.ambiguous = i.sessions.Get(k)
	i.sessions.Put(s)
	i.startChecks()
	return i.updateAmbiguous(k)
}

// removeSession undoes addSession.
func (i *Interface) removeSession(s *session) {
	k := s.TableKey()
	switch first := i.sessions.Get(k); {
	case first != s:
		for other := first; other != nil; other = other.ambiguous {
			if other.ambiguous == s {
				other.ambiguous = s.ambiguous
			}
		}
	case s.ambiguous != nil:
		i.sessions.Put(s.ambiguous)
	default:
		i.sessions.Delete(k)
	}
	i.updateAmbiguous(k)
}

// updateAmbiguous writes all sessions with an ambiguous key to the maps.
func (i *Interface) updateAmbiguous(k ambiguousKey) (err error) {
	for s := i.sessions.Get(k); s != nil; s = s.ambiguous {
		err = errors.Join(err, s.write())
	}
	return err
}

// isUnambiguous reports whether no other session has the session's ambiguous key.
func (s *session) isUnambiguous() bool {
	return s.ambiguous == nil && s.at.sessions.Get(s.TableKey()) == s && s.at.left.sharing(s.TableKey()) == 0
}
