package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// linkMonitor follows what the Ethernet interface does by itself with what it is to send. It
// changes with `ethtool -K`, and on a veth pair with what the other end does.
type linkMonitor struct {
	socket  *nl.NetlinkSocket
	stopped chan struct{} // closed when it does not run any more
}

// start finds out how the interface is, and goes on to. Called in its network namespace.
func (w *linkMonitor) start(e *Engine, cfg Config, ethernet int) (err error) {
	if w.socket, err = nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_LINK); err != nil {
		return fmt.Errorf("watch interfaces: %w", err)
	}
	w.stopped = make(chan struct{})
	err = e.refreshOffloads(cfg, ethernet)
	// Ends with stop.
	go func() {
		defer close(w.stopped)
		e.followLinks(cfg, ethernet, w.socket)
	}()
	return err
}

// stop ends it. Again it does nothing.
func (w *linkMonitor) stop() {
	if w.socket == nil {
		return
	}
	w.socket.Close()
	<-w.stopped
	w.socket = nil
}

// followLinks heeds what is told of interfaces: a great deal when a thousand sessions begin.
func (e *Engine) followLinks(cfg Config, ethernet int, socket *nl.NetlinkSocket) {
	follow(socket, func(m syscall.NetlinkMessage) {
		if len(m.Data) < unix.SizeofIfInfomsg || m.Header.Type != unix.RTM_NEWLINK && m.Header.Type != unix.RTM_DELLINK {
			return
		}
		about := nl.DeserializeIfInfomsg(m.Data)
		if about.Index == int32(ethernet) {
			e.refreshOffloads(cfg, ethernet) // what fails has been made safe
		}
		if m.Header.Type == unix.RTM_DELLINK {
			e.deviceGone(int(about.Index))
		} else {
			e.promiscuityChanged(int(about.Index), m.Data[unix.SizeofIfInfomsg:])
		}
		if m.Header.Type == unix.RTM_DELLINK || about.Flags&unix.IFF_UP == 0 {
			e.pairDown(int(about.Index))
		}
	}, func() {
		e.refreshOffloads(cfg, ethernet)
		e.pairDown(anyIndex)
		e.checkDevices()
		e.readPromiscuity()
	})
	e.refreshOffloads(cfg, anyIndex) // nothing will be heard any more
}

// anyIndex stands for interfaces that are not known.
const anyIndex = 0

// follow has news heeded until the socket is closed. If there was more than the kernel kept,
// "lost" is called, for something has changed and nobody knows what: once all that it kept has
// been heeded, for so long it drops what is new as well (netlink_overrun in Linux).
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

// isEmpty reports whether there is nothing to be read.
func isEmpty(socket *nl.NetlinkSocket) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(socket.GetFd()), Events: unix.POLLIN}}, 0)
		if !errors.Is(err, unix.EINTR) {
			return n == 0 && err == nil
		}
	}
}

// refreshOffloads tells the programs what the interface leaves to the kernel now. If that is not to
// be found out, they suppose the worst.
func (e *Engine) refreshOffloads(cfg Config, ethernet int) error {
	var can offloads
	name, err := e.ethtool.name(ethernet) // which may have changed
	if err == nil {
		can, err = e.ethtool.offloads(name)
	}
	flags := uint32(0)
	if !can.tso {
		flags |= softwareGSO
	}
	if err != nil || can.ipChecksum || cfg.ipChecksumOnly {
		flags |= softwareChecksum
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.offloadFlags = flags
	return errors.Join(err, e.writeOffloads())
}

// writeOffloads tells the programs of what can change.
func (e *Engine) writeOffloads() error {
	b := make([]byte, offloadLen)
	binary.NativeEndian.PutUint32(b[offloadFlags:], e.offloadFlags)
	binary.NativeEndian.PutUint32(b[offloadPair:], uint32(e.load.pairIndex))
	return e.offloads.Put(uint32(0), b)
}
