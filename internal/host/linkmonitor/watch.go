// Package linkmonitor reports an interface's link state and Ethernet address as soon as they
// change, from rtnetlink notifications.
package linkmonitor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// resubscribeDelay is how long a monitor waits after the kernel has ended its subscription, which
// happens when more changes than it reads in time.
const resubscribeDelay = 100 * time.Millisecond

// Watch calls notify with the interface's state and address, and again each time they change,
// until the context ends. The address is zero without one of six octets. Notify is called from one
// goroutine. An interface that is removed and added again under its name is the same. An error
// says that it cannot be watched.
func Watch(ctx context.Context, name string, notify func(pppoe.InterfaceState, wire.Addr)) error {
	w := &watch{name: name, notify: notify}
	for {
		err := w.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if !errors.Is(err, errSubscriptionLost) {
			return fmt.Errorf("watch interface %s: %w", name, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(resubscribeDelay):
		}
	}
}

// errSubscriptionLost says that the kernel has ended the subscription, and that the state must be
// queried again.
var errSubscriptionLost = errors.New("subscription lost")

// watch is an interface and its last reported state.
type watch struct {
	name     string
	notify   func(pppoe.InterfaceState, wire.Addr)
	index    int // 0: the interface does not exist
	reported bool
	state    pppoe.InterfaceState
	address  wire.Addr
}

// follow reports changes until the context ends or the subscription is lost.
func (w *watch) follow(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	updates := make(chan netlink.LinkUpdate, 64)
	if err := netlink.LinkSubscribe(updates, ctx.Done()); err != nil {
		return err
	}
	w.query()
	for {
		select {
		case <-ctx.Done():
			// Ends once the socket is closed: until then updates must be read.
			go func() {
				for range updates {
				}
			}()
			return ctx.Err()
		case u, ok := <-updates:
			if !ok {
				return errSubscriptionLost
			}
			w.handle(u)
		}
	}
}

// handle handles the kernel's notification about any interface. It must not query the current
// state, which may be newer than the notifications that follow.
func (w *watch) handle(u netlink.LinkUpdate) {
	a := u.Link.Attrs()
	gone := u.Header.Type == unix.RTM_DELLINK && u.IfInfomsg.Family == unix.AF_UNSPEC
	switch {
	case a.Name == w.name && !gone:
		w.index = a.Index
		w.report(stateOf(u.Link))
	case a.Index == w.index: // removed or renamed
		w.index = 0
		w.report(pppoe.InterfaceGone, wire.Addr{})
	}
}

func (w *watch) report(is pppoe.InterfaceState, a wire.Addr) {
	if w.reported && is == w.state && a == w.address {
		return
	}
	w.reported, w.state, w.address = true, is, a
	w.notify(is, a)
}

// query reads the state at the start.
func (w *watch) query() {
	link, err := netlink.LinkByName(w.name)
	if err != nil || link.Attrs().Name != w.name { // it is an alternative name
		w.index = 0
		w.report(pppoe.InterfaceGone, wire.Addr{})
		return
	}
	w.index = link.Attrs().Index
	w.report(stateOf(link))
}

func stateOf(link netlink.Link) (pppoe.InterfaceState, wire.Addr) {
	var a wire.Addr
	if mac := link.Attrs().HardwareAddr; len(mac) == len(a) {
		a = wire.Addr(mac)
	}
	flags := link.Attrs().RawFlags
	switch {
	case flags&unix.IFF_UP == 0:
		return pppoe.InterfaceDown, a
	case flags&unix.IFF_LOWER_UP == 0:
		return pppoe.InterfaceNoCarrier, a
	}
	return pppoe.InterfaceUp, a
}
