// Package linkwatch tells how an Ethernet interface is, as the kernel says it by
// rtnetlink: at once, and not when something is missed.
package linkwatch

import (
	"context"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/pppoe"
)

// Watch tells how the interface is now, and then each time that this changes, until
// the context ends. Told is called from one goroutine. An interface that goes and comes
// back under its name is the same.
func Watch(ctx context.Context, name string, told func(pppoe.LinkState)) error {
	updates := make(chan netlink.LinkUpdate, 64)
	lost := make(chan error, 1)
	err := netlink.LinkSubscribeWithOptions(updates, ctx.Done(), netlink.LinkSubscribeOptions{
		ErrorCallback: func(err error) {
			select {
			case lost <- err:
			default:
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watch interface %s: %w", name, err)
	}
	state := now(name)
	told(state)
	tell := func(is pppoe.LinkState) {
		if is != state {
			state = is
			told(is)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-lost:
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("watch interface %s: %w", name, err)
		case u, ok := <-updates:
			switch {
			case !ok:
				return nil
			case u.Link == nil || u.Link.Attrs().Name != name:
				// A rename tells of the new name only.
				tell(now(name))
			case u.Header.Type == unix.RTM_DELLINK && u.IfInfomsg.Family == unix.AF_UNSPEC:
				tell(pppoe.LinkGone)
			default:
				tell(stateOf(u.Link))
			}
		}
	}
}

// now is how the interface is when nothing has been told of it yet.
func now(name string) pppoe.LinkState {
	if _, err := net.InterfaceByName(name); err != nil {
		return pppoe.LinkGone
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return pppoe.LinkGone
	}
	return stateOf(link)
}

func stateOf(link netlink.Link) pppoe.LinkState {
	flags := link.Attrs().RawFlags
	switch {
	case flags&unix.IFF_UP == 0:
		return pppoe.LinkDown
	case flags&unix.IFF_LOWER_UP == 0:
		return pppoe.LinkNoCarrier
	}
	return pppoe.LinkUp
}
