package fastpath

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// detour is a veth pair that cuts packets into segments. Its far end is in a network
// namespace that nothing but this process holds, so that both ends go with the process.
type detour struct {
	near   int // index
	name   string
	hidden netns.NsHandle
	hooks  hooks
}

// newDetour makes the way out of an Ethernet interface.
func newDetour(ethernet netlink.Link) (*detour, error) {
	d := &detour{hidden: netns.None()}
	err := d.make(ethernet)
	if err != nil {
		d.close()
		return nil, fmt.Errorf("veth pair to cut packets: %w", err)
	}
	return d, nil
}

func (d *detour) make(ethernet netlink.Link) (err error) {
	if d.hidden, err = newNamespace(); err != nil {
		return err
	}
	near, far, err := d.makePair()
	if err != nil {
		return err
	}
	d.near, d.name = near.Attrs().Index, near.Attrs().Name
	// IPv6 would greet its neighbours. Where there is none, it does not.
	os.WriteFile("/proc/sys/net/ipv6/conf/"+near.Attrs().Name+"/disable_ipv6", []byte("1"), 0)
	if err := d.hooks.tc(d.near, ingress, "near", forward(ethernet.Attrs().Index)); err != nil {
		return err
	}
	if err := in(d.hidden, func() error { return d.raiseFar(far) }); err != nil {
		return err
	}
	return netlink.LinkSetUp(near)
}

// Names of the ends. The kernel counts the near ones, so that programs do not race.
const (
	nearName = "pppoecut%d"
	farName  = "far"
)

// maxMTU is the longest that a veth pair can have: the Ethernet interface's may change.
const maxMTU = 65535

// makePair makes the pair. Its near end takes nothing that is longer than one segment.
func (d *detour) makePair() (near, far netlink.Link, err error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = nearName, maxMTU
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: farName, PeerNamespace: netlink.NsFd(d.hidden), PeerMTU: maxMTU}
	if err := netlink.LinkAdd(pair); err != nil {
		return nil, nil, err
	}
	if err := in(d.hidden, func() error {
		far, err = netlink.LinkByName(farName)
		return err
	}); err != nil {
		return nil, nil, err
	}
	if near, err = netlink.LinkByIndex(far.Attrs().ParentIndex); err != nil {
		return nil, nil, err
	}
	return near, far, errors.Join(netlink.LinkSetGSOMaxSegs(near, 1), netlink.LinkSetARPOff(near))
}

func (d *detour) raiseFar(far netlink.Link) error {
	index := far.Attrs().Index
	if err := d.hooks.tc(index, ingress, "far", measureSegment(index)); err != nil {
		return err
	}
	return netlink.LinkSetUp(far)
}

// close removes the pair. Again it does nothing.
func (d *detour) close() error {
	err := d.hooks.close()
	if d.hidden.IsOpen() {
		// With one end goes the other, from whatever namespace the caller is in.
		err = errors.Join(err, in(d.hidden, removeFar), d.hidden.Close())
	}
	return err
}

func removeFar() error {
	far, err := netlink.LinkByName(farName)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err != nil {
		return err
	}
	return netlink.LinkDel(far)
}

// newNamespace makes a network namespace that lasts as long as its descriptor.
func newNamespace() (h netns.NsHandle, err error) {
	err = onThread(func() error {
		h, err = netns.New()
		return err
	})
	return h, err
}

func in(h netns.NsHandle, f func() error) error {
	return onThread(func() error {
		if err := netns.Set(h); err != nil {
			return err
		}
		return f()
	})
}

// onThread runs a function on a thread of the caller's namespace that is thrown away, for
// nobody else may find it in another namespace.
func onThread(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, err := netns.Get()
	if err != nil {
		return err
	}
	defer here.Close()
	result := make(chan error, 1)
	// Ends with the function.
	go func() {
		runtime.LockOSThread()
		if err := netns.Set(here); err != nil {
			result <- err
			return
		}
		result <- f()
	}()
	return <-result
}
