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
	hidden netns.NsHandle
	hooks  hooks
}

// newDetour makes the way out of an Ethernet interface. finish: it finishes checksums.
func newDetour(ethernet netlink.Link, finish bool) (*detour, error) {
	d := &detour{hidden: netns.None()}
	err := d.make(ethernet, finish)
	if err != nil {
		d.close()
		return nil, fmt.Errorf("veth pair to cut packets: %w", err)
	}
	return d, nil
}

func (d *detour) make(ethernet netlink.Link, finish bool) (err error) {
	if d.hidden, err = newNamespace(); err != nil {
		return err
	}
	index, mtu := ethernet.Attrs().Index, ethernet.Attrs().MTU
	near, err := d.makePair(index, mtu+64)
	if err != nil {
		return err
	}
	d.near = near.Attrs().Index
	// IPv6 would greet its neighbours. Where there is none, it does not.
	os.WriteFile("/proc/sys/net/ipv6/conf/"+near.Attrs().Name+"/disable_ipv6", []byte("1"), 0)
	if finish {
		if err := setChecksumOffload(near.Attrs().Name, false); err != nil {
			return err
		}
	}
	if err := d.hooks.tc(d.near, ingress, "near", forward(index)); err != nil {
		return err
	}
	if err := in(d.hidden, func() error { return d.makeFar(near.Attrs().ParentIndex) }); err != nil {
		return err
	}
	return netlink.LinkSetUp(near)
}

// makePair makes the pair, cutting everything. Its name tells which interface it is of.
func (d *detour) makePair(ethernet, mtu int) (netlink.Link, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = fmt.Sprintf("pppoe-cut%d", ethernet)
	attrs.MTU = mtu
	attrs.GSOMaxSegs = 1
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: farName, PeerNamespace: netlink.NsFd(d.hidden), PeerMTU: uint32(mtu)}
	if err := netlink.LinkAdd(pair); err != nil {
		return nil, err
	}
	near, err := netlink.LinkByName(attrs.Name)
	if err != nil {
		return nil, err
	}
	if err := netlink.LinkSetGSOMaxSegs(near, 1); err != nil {
		return nil, err
	}
	return near, netlink.LinkSetARPOff(near)
}

func (d *detour) makeFar(index int) error {
	far, err := netlink.LinkByIndex(index)
	if err != nil {
		return err
	}
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

const farName = "far"

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
