package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// linkMonitor follows the offload settings of the Ethernet interface. They change with `ethtool
// -K`, and on a veth pair also with those of the peer.
type linkMonitor struct {
	socket  *nl.NetlinkSocket
	stopped chan struct{} // closed when it has ended
}

// start reads the present settings, and starts the monitor. It must be called in the network
// namespace of the interface.
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
func (e *Engine) followLinks(cfg Config, ethernet int, socket *nl.NetlinkSocket) {
	follow(socket, func(m syscall.NetlinkMessage) {
		if len(m.Data) < unix.SizeofIfInfomsg || m.Header.Type != unix.RTM_NEWLINK && m.Header.Type != unix.RTM_DELLINK {
			return
		}
		info := nl.DeserializeIfInfomsg(m.Data)
		if info.Index == int32(ethernet) {
			e.refreshOffloads(cfg, ethernet) // after an error the flags are conservative
		}
		if m.Header.Type == unix.RTM_DELLINK {
			e.deviceGone(int(info.Index))
		} else {
			e.promiscuityChanged(int(info.Index), m.Data[unix.SizeofIfInfomsg:])
		}
		if m.Header.Type == unix.RTM_DELLINK || info.Flags&unix.IFF_UP == 0 {
			e.pairDown(int(info.Index))
		}
	}, func() {
		e.refreshOffloads(cfg, ethernet)
		e.pairDown(anyIndex)
		e.checkDevices()
		e.readPromiscuity()
	})
	e.refreshOffloads(cfg, anyIndex) // there are no more messages
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

// refreshOffloads reads the offload settings of the interface, and writes them for the programs.
// After an error the programs assume that it offloads nothing.
func (e *Engine) refreshOffloads(cfg Config, ethernet int) error {
	var can offloads
	name, err := e.ethtool.name(ethernet) // it may have changed
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

// writeOffloads writes the offload flags and the index of the pair to the programs' map.
func (e *Engine) writeOffloads() error {
	b := make([]byte, offloadLen)
	binary.NativeEndian.PutUint32(b[offloadFlags:], e.offloadFlags)
	binary.NativeEndian.PutUint32(b[offloadPair:], uint32(e.load.pairIndex))
	return e.offloads.Put(uint32(0), b)
}
