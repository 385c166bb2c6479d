package ebpf

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// linkMonitor follows the offload settings of Ethernet interfaces, and the state of devices. Offload
// settings change with `ethtool -K`, and on a veth pair also with those of the peer.
type linkMonitor struct {
	socket  *nl.NetlinkSocket
	stopped chan struct{} // closed when it has ended
}

// start starts the monitor. It must be called in the network namespace of the interfaces.
func (w *linkMonitor) start(e *Engine) (err error) {
	if w.socket, err = nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK); err != nil {
		return fmt.Errorf("watch interfaces: %w", err)
	}
	w.stopped = make(chan struct{})
	// Ends with stop.
	go func() {
		defer close(w.stopped)
		e.followLinks(w.socket)
	}()
	return nil
}

// stop ends the monitor. It may be called again.
func (w *linkMonitor) stop() {
	if w.socket == nil {
		return
	}
	w.socket.Close()
	<-w.stopped
	w.socket = nil
}

// followLinks handles netlink messages about interfaces, of which there are many when a thousand
// sessions begin.
func (e *Engine) followLinks(socket *nl.NetlinkSocket) {
	follow(socket, func(m syscall.NetlinkMessage) {
		if len(m.Data) < unix.SizeofIfInfomsg || m.Header.Type != unix.RTM_NEWLINK && m.Header.Type != unix.RTM_DELLINK {
			return
		}
		info := nl.DeserializeIfInfomsg(m.Data)
		for _, i := range e.attached() {
			if info.Index == int32(i.index) {
				i.refreshOffloads() // after an error the flags are conservative
			}
		}
		if m.Header.Type == unix.RTM_DELLINK {
			e.deviceGone(int(info.Index))
		} else {
			e.promiscuityChanged(int(info.Index), m.Data[unix.SizeofIfInfomsg:])
		}
		if m.Header.Type == unix.RTM_DELLINK || info.Flags&unix.IFF_UP == 0 {
			e.linkDown(int(info.Index))
		}
	}, func() {
		for _, i := range e.attached() {
			i.refreshOffloads()
		}
		e.linkDown(anyIndex)
		e.checkDevices()
		e.readPromiscuity()
	})
	for _, i := range e.attached() { // there are no more messages
		i.assumeNoOffloads()
	}
}

// linkDown handles that an interface was set down or removed.
func (e *Engine) linkDown(index int) {
	for _, i := range e.attached() {
		i.pairDown(index)
	}
}

// anyIndex stands for any interface.
const anyIndex = 0

// follow handles netlink messages until the socket is closed. If the kernel dropped some (ENOBUFS),
// it calls overrun, once all queued messages have been handled: until then the kernel drops new
// ones as well (netlink_overrun in Linux).
func follow(socket *nl.NetlinkSocket, handle func(syscall.NetlinkMessage), overrun func()) {
	missed := false
	for {
		messages, _, err := socket.Receive()
		switch {
		case errors.Is(err, unix.ENOBUFS):
			missed = true
		case err != nil:
			return
		}
		for _, m := range messages {
			handle(m)
		}
		if missed && isEmpty(socket) {
			missed = false
			overrun()
		}
	}
}

// isEmpty reports whether the socket has no message queued.
func isEmpty(socket *nl.NetlinkSocket) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(socket.GetFd()), Events: unix.POLLIN}}, 0)
		if !errors.Is(err, unix.EINTR) {
			return n == 0 && err == nil
		}
	}
}
