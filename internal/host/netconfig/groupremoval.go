package netconfig

import (
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// groupRemover removes devices in groups: those of sessions that end while an earlier group is being
// removed. The kernel waits 25 to 50 ms for each removal, of one device or of many, and holds its
// lock of network interfaces (RTNL) meanwhile. The zero value is usable.
type groupRemover struct {
	mu      sync.Mutex
	pending []removal // in order; the first removes the next group, unless running
	running bool      // a group is being removed
}

// removal is a device to be removed.
type removal struct {
	session *session
	wake    chan bool // gets false when it is removed, or true if it must remove the next group
}

// maxGroup is how many devices are removed at once. The kernel needs about half a millisecond for
// each, during which others wait for its lock.
const maxGroup = 128

// removeDevice removes a session's device, and waits until that is done or has failed. Closing its
// descriptors removes it in any case.
func (r *groupRemover) removeDevice(p *session) {
	if p.index == 0 {
		return
	}
	one := removal{p, make(chan bool, 1)}
	r.mu.Lock()
	r.pending = append(r.pending, one)
	lead := !r.running
	r.running = true
	r.mu.Unlock()
	if lead || <-one.wake {
		r.removeNext()
	}
}

// removeNext removes the next group, which begins with the caller's device, and passes the task on.
func (r *groupRemover) removeNext() {
	r.mu.Lock()
	n := min(len(r.pending), maxGroup)
	group := slices.Clone(r.pending[:n])
	r.pending = slices.Delete(r.pending, 0, n)
	r.mu.Unlock()
	// A thread of the namespace is needed.
	group[0].session.inNamespace(func() error { return removeGroup(group) })
	for _, other := range group[1:] {
		other.wake <- false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running = len(r.pending) > 0; r.running {
		r.pending[0].wake <- true
	}
}

// removeGroup removes the devices that are in the thread's namespace by one request. What cannot be
// removed is left: another process may have removed it, or permission may be missing.
func removeGroup(group []removal) error {
	here := currentNamespace()
	group = slices.DeleteFunc(slices.Clone(group), func(r removal) bool { return r.session.in != here })
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil || len(group) == 0 {
		return err
	}
	defer h.Close()
	if len(group) == 1 {
		return h.LinkDel(linkOf(group[0].session))
	}
	// All devices of the number are removed, so that no other program may use it.
	number := 1<<31 | rand.Uint32()
	for _, one := range group {
		h.LinkSetGroup(linkOf(one.session), int(number))
	}
	r := nl.NewNetlinkRequest(unix.RTM_DELLINK, unix.NLM_F_ACK)
	r.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	r.AddData(nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(number)))
	_, err = r.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// linkOf returns a session's device, by its index: it may have been renamed.
func linkOf(p *session) netlink.Link {
	return &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: p.index}}
}

// namespaceID identifies a network namespace that exists. The zero value is none.
type namespaceID struct{ device, inode uint64 }

// currentNamespace returns the thread's namespace; zero: unknown.
func currentNamespace() namespaceID {
	var s unix.Stat_t
	if unix.Stat("/proc/thread-self/ns/net", &s) != nil {
		return namespaceID{}
	}
	return namespaceID{uint64(s.Dev), s.Ino}
}
