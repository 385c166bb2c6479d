package netconfig

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"
)

// ErrMTU is wrapped by RaiseMTU's error, which says which device cannot carry frames so
// long.
var ErrMTU = errors.New("cannot carry frames so long")

// RaiseMTU has an Ethernet interface, and all below it that its frames pass through,
// carry payloads of need octets: a session with MTU 1500 needs 1508 (RFC 4638 section
// 4). Below a VLAN, macvlan or ipvlan device is its parent, below a bridge are its
// ports. What has enough is left alone; the other end of a veth pair always is.
//
// The error names the device that cannot, and nothing is changed then. Restore sets what
// was raised to what it was, but for what somebody else has changed meanwhile.
//
// Lines know of each other by files in dir: of those that have raised the same device, the last
// to end restores it; after a crash, the next. Where there can be no such directory, each
// stands for itself.
func RaiseMTU(dir, name string, need int) (restore func() error, err error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := &mtuRaise{need: need, seen: make(map[int]bool)}
	all := openMTUShares(dir)
	defer all.close()
	if err := r.raise(all, link); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), r.restore(all))
	}
	return func() error {
		all := openMTUShares(dir)
		defer all.close()
		return r.restore(all)
	}, nil
}

// mtuRaise is the devices that have been seen, and those of them that were raised, by us or by
// others who share in that.
type mtuRaise struct {
	need   int
	seen   map[int]bool
	raised []*mtuShare
}

// raise has those below carry the frames first, for the kernel checks that.
func (r *mtuRaise) raise(all *mtuShares, link netlink.Link) error {
	index := link.Attrs().Index
	if r.seen[index] {
		return nil
	}
	r.seen[index] = true
	lower, err := lowerLinks(link)
	if err != nil {
		return err
	}
	for _, l := range lower {
		if err := r.raise(all, l); err != nil {
			return err
		}
	}
	// A bridge follows its ports, unless somebody has set its MTU.
	if link, err = netlink.LinkByIndex(index); err != nil {
		return err
	}
	if link.Attrs().MTU < r.need {
		if err := netlink.LinkSetMTU(link, r.need); err != nil {
			return r.wrapError(link, err)
		}
	}
	if c := all.join(link, r.need); c != nil {
		r.raised = append(r.raised, c)
	}
	return nil
}

func (r *mtuRaise) wrapError(link netlink.Link, err error) error {
	a := link.Attrs()
	where := ""
	if stacked(link) && a.NetNsID >= 0 {
		where = fmt.Sprintf("; what is below it is in another network namespace: set MTU %d there", r.need)
	}
	return fmt.Errorf("%s (%s, MTU %d) %w, MTU %d: %w%s", a.Name, link.Type(), a.MTU, ErrMTU, r.need, err, where)
}

// stacked reports whether a device's frames are those of the one below it, tagged perhaps.
func stacked(link netlink.Link) bool {
	return slices.Contains([]string{"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "dsa"}, link.Type())
}

// lowerLinks are the devices that a device's frames pass through next, as far as they are in
// this namespace.
func lowerLinks(link netlink.Link) (lower []netlink.Link, err error) {
	a := link.Attrs()
	switch {
	case stacked(link) && a.NetNsID < 0 && a.ParentIndex > 0:
		parent, err := netlink.LinkByIndex(a.ParentIndex)
		if err != nil {
			return nil, fmt.Errorf("what is below %s: %w", a.Name, err)
		}
		return []netlink.Link{parent}, nil
	case link.Type() == "bridge":
		all, err := netlink.LinkList()
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // changed meanwhile: what was seen counts
			return nil, err
		}
		for _, l := range all {
			if l.Attrs().MasterIndex == a.Index {
				lower = append(lower, l)
			}
		}
	}
	return lower, nil
}

// restore goes the way back, from above.
func (r *mtuRaise) restore(all *mtuShares) error {
	var failed []error
	for _, c := range slices.Backward(r.raised) {
		was, raised, last := all.leave(c)
		now, err := netlink.LinkByIndex(c.index)
		if !last || err != nil || now.Attrs().MTU != raised { // others need it, it has gone, or is somebody else's choice
			continue
		}
		if err := netlink.LinkSetMTU(now, was); err != nil && !isGone(err) {
			failed = append(failed, fmt.Errorf("%s: restore MTU %d: %w", now.Attrs().Name, was, err))
		}
	}
	r.raised = nil
	return errors.Join(failed...)
}
