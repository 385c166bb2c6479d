package ebpf

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// qdiscMonitor follows the queueing disciplines of sessions' devices. Packets that the kernel
// carries bypass them. So if a device has one that shapes, user space sends its packets, and reads
// them after the shaper.
type qdiscMonitor struct {
	socket  *nl.NetlinkSocket
	stopped chan struct{} // closed when it has ended
}

// nonShaping are disciplines that only schedule or drop. A session's device has one of them by
// default.
var nonShaping = []string{"noop", "noqueue", "pfifo_fast", "pfifo", "bfifo", "fq_codel", "fq", "sfq", "codel", "mq"}

// Parents of queueing disciplines (linux/pkt_sched.h).
const (
	parentRoot   = 0xffffffff
	parentClsact = 0xfffffff1
)

// start starts the monitor. It must be called in the network namespace of the devices.
func (q *qdiscMonitor) start(e *Engine) (err error) {
	if q.socket, err = nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_TC); err != nil {
		return fmt.Errorf("watch queueing disciplines: %w", err)
	}
	q.stopped = make(chan struct{})
	// Ends with stop.
	go func() {
		defer close(q.stopped)
		e.followQdiscs(q.socket)
	}()
	return nil
}

// stop ends the monitor. It may be called again.
func (q *qdiscMonitor) stop() {
	if q.socket == nil {
		return
	}
	q.socket.Close()
	<-q.stopped
	q.socket = nil
}

func (e *Engine) followQdiscs(socket *nl.NetlinkSocket) {
	follow(socket, func(m syscall.NetlinkMessage) {
		if m.Header.Type == unix.RTM_NEWQDISC || m.Header.Type == unix.RTM_DELQDISC {
			e.qdiscChanged(m.Data, m.Header.Type == unix.RTM_NEWQDISC)
		}
	}, e.assumeShaped)
}

// qdiscChanged handles a netlink message about a queueing discipline that was added (there) or
// removed.
func (e *Engine) qdiscChanged(b []byte, there bool) {
	if len(b) < nl.SizeofTcMsg {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.devices[int(nl.DeserializeTcMsg(b).Ifindex)]
	if d == nil || !e.handleQdisc(d, b, there) {
		return
	}
	d.update()
	e.notifyQdisc(d)
}

// handleQdisc records a queueing discipline of a device. It returns false if the discipline does
// not matter to its sessions.
func (e *Engine) handleQdisc(d *device, b []byte, there bool) bool {
	attrs, err := nl.ParseRouteAttr(b[nl.SizeofTcMsg:])
	if err != nil {
		return false
	}
	kind := ""
	for _, a := range attrs {
		if a.Attr.Type == nl.TCA_KIND {
			kind = unix.ByteSliceToString(a.Value)
		}
	}
	switch parent := nl.DeserializeTcMsg(b).Parent; {
	case parent == parentRoot:
		d.shaper = ""
		if there && !slices.Contains(nonShaping, kind) {
			d.shaper = kind
		}
	case parent == parentClsact && kind == "clsact" && !e.hooks.useClsact: // otherwise our filter is in it, behind all others
		d.filtered = there
	default:
		return false
	}
	return true
}

// readQdiscs reads the queueing disciplines that a device already has, as an ip-up script
// may have set some. It requests each by its parent, because a dump would list those of all
// devices. The Engine's lock is held, so that later messages are handled later.
func (e *Engine) readQdiscs(d *device) error {
	for _, parent := range []uint32{parentRoot, parentClsact} {
		request := nl.NewNetlinkRequest(unix.RTM_GETQDISC, unix.NLM_F_ACK|unix.NLM_F_ECHO) // without NLM_F_ECHO only subscribers receive the reply
		request.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(d.index), Parent: parent})
		messages, err := request.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWQDISC)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("read its queueing disciplines: %w", err)
		}
		for _, b := range messages {
			if len(b) >= nl.SizeofTcMsg {
				e.handleQdisc(d, b, true)
			}
		}
	}
	return nil
}

func (e *Engine) notifyQdisc(d *device) {
	text := fmt.Sprintf("%s: packets are sent in the kernel again", d.name)
	switch {
	case d.shaper != "":
		text = fmt.Sprintf("%s: packets are sent by user space: the kernel data path would bypass the device's queueing discipline (%s)", d.name, d.shaper)
	case d.filtered:
		text = fmt.Sprintf("%s: packets are sent by user space: the kernel data path might bypass the device's filters (clsact)", d.name)
	}
	if text != d.lastNotice && (d.lastNotice != "" || d.shaper != "" || d.filtered) {
		e.cfg.Notify(text)
		d.lastNotice = text
	}
}

// assumeShaped treats all devices as shaped, after netlink messages were lost.
func (e *Engine) assumeShaped() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.devices {
		d.shaper = "unknown"
		d.update()
		e.notifyQdisc(d)
	}
}
