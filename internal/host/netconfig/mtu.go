package netconfig

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"
)

// ErrMTU is wrapped by RaiseMTU's error, which names the device that cannot carry such frames.
var ErrMTU = errors.New("does not support MTU")

// RaiseMTU raises the MTU of an Ethernet interface, and of all lower devices that its frames pass
// through, to at least need octets: a session with MTU 1500 needs 1508 (RFC 4638 section 4). The
// lower device of a VLAN, macvlan or ipvlan device is its parent, those of a bridge are its ports.
// Devices with a sufficient MTU are left alone; so is the other end of a veth pair.
//
// The error names the device whose MTU cannot be raised; nothing is changed then. Restore sets
// back the MTUs that were raised, except those that have been changed since.
//
// Programs coordinate by files in dir: of those that have raised the same device's MTU, the last
// one to end restores it; after a crash, the next one. If dir cannot be created, each program acts
// alone.
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

// mtuRaise is the set of devices visited, and of those raised, by this program or by others that
// share them.
type mtuRaise struct {
	need   int
	seen   map[int]bool
	raised []*mtuShare
}

// raise raises the lower devices first, as the kernel requires.
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
	// A bridge's MTU follows its ports, unless it was set explicitly.
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
		where = fmt.Sprintf("; its parent is in another network namespace: set MTU %d there", r.need)
	}
	return fmt.Errorf("%s (%s, MTU %d) %w %d: %w%s", a.Name, link.Type(), a.MTU, ErrMTU, r.need, err, where)
}

// stacked reports whether a device sends its frames through a parent device.
func stacked(link netlink.Link) bool {
	return slices.Contains([]string{"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "dsa"}, link.Type())
}

// lowerLinks returns the devices that a device's frames pass through next, as far as they are in
// this namespace.
func lowerLinks(link netlink.Link) (lower []netlink.Link, err error) {
	a := link.Attrs()
	switch {
	case stacked(link) && a.NetNsID < 0 && a.ParentIndex > 0:
		parent, err := netlink.LinkByIndex(a.ParentIndex)
		if err != nil {
			return nil, fmt.Errorf("parent of %s: %w", a.Name, err)
		}
		return []netlink.Link{parent}, nil
	case link.Type() == "bridge":
		all, err := netlink.LinkList()
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // the dump changed meanwhile: what was read counts
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

// restore restores MTUs in reverse order.
func (r *mtuRaise) restore(all *mtuShares) error {
	var failed []error
	for _, c := range slices.Backward(r.raised) {
		was, raised, last := all.leave(c)
		now, err := netlink.LinkByIndex(c.index)
		if !last || err != nil || now.Attrs().MTU != raised { // others need it, it has been removed, or it has been changed since
			continue
		}
		if err := netlink.LinkSetMTU(now, was); err != nil && !isGone(err) {
			failed = append(failed, fmt.Errorf("%s: restore MTU %d: %w", now.Attrs().Name, was, err))
		}
	}
	r.raised = nil
	return errors.Join(failed...)
}
