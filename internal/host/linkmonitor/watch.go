// Package linkmonitor tells how an Ethernet interface is, and which address it has, as the
// kernel says it by rtnetlink: at once, and not when something is missed.
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

// resubscribeDelay is how long a watch that the kernel has cut off waits before it looks again: it
// does so when more happens than is read in time.
const resubscribeDelay = 100 * time.Millisecond

// Watch tells how the interface is now, and then each time that this changes, until
// the context ends. Its address is zero while there is none of six octets. Told is called
// from one goroutine. An interface that goes and comes back under its name is the same. The
// error says that nothing can be watched.
func Watch(ctx context.Context, name string, notify func(pppoe.LinkState, wire.Addr)) error {
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

// errSubscriptionLost says that the kernel tells no more, and has to be asked anew.
var errSubscriptionLost = errors.New("cut off")

// watch is an interface and what was told of it.
type watch struct {
	name     string
	notify   func(pppoe.LinkState, wire.Addr)
	index    int // 0: there is none
	reported bool
	state    pppoe.LinkState
	address  wire.Addr
}

// follow tells of the interface until the context ends or the kernel has cut it off.
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
			// Ends once the socket is closed, which has nobody who reads any more.
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

// handle takes what the kernel says of some interface. To look how ours is would be to
// run ahead of what the kernel has yet to say.
func (w *watch) handle(u netlink.LinkUpdate) {
	a := u.Link.Attrs()
	gone := u.Header.Type == unix.RTM_DELLINK && u.IfInfomsg.Family == unix.AF_UNSPEC
	switch {
	case a.Name == w.name && !gone:
		w.index = a.Index
		w.report(stateOf(u.Link))
	case a.Index == w.index: // removed, or renamed
		w.index = 0
		w.report(pppoe.LinkGone, wire.Addr{})
	}
}

func (w *watch) report(is pppoe.LinkState, a wire.Addr) {
	if w.reported && is == w.state && a == w.address {
		return
	}
	w.reported, w.state, w.address = true, is, a
	w.notify(is, a)
}

// query is for when nothing has been told yet.
func (w *watch) query() {
	link, err := netlink.LinkByName(w.name)
	if err != nil || link.Attrs().Name != w.name { // that is another name of it
		w.index = 0
		w.report(pppoe.LinkGone, wire.Addr{})
		return
	}
	w.index = link.Attrs().Index
	w.report(stateOf(link))
}

func stateOf(link netlink.Link) (pppoe.LinkState, wire.Addr) {
	var a wire.Addr
	if mac := link.Attrs().HardwareAddr; len(mac) == len(a) {
		a = wire.Addr(mac)
	}
	flags := link.Attrs().RawFlags
	switch {
	case flags&unix.IFF_UP == 0:
		return pppoe.LinkDown, a
	case flags&unix.IFF_LOWER_UP == 0:
		return pppoe.LinkNoCarrier, a
	}
	return pppoe.LinkUp, a
}
