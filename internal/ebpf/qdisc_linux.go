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
	s := e.devices[int(nl.DeserializeTcMsg(b).Ifindex)]
	if s == nil || s.gone || !e.handleQdisc(s, b, there) {
		return
	}
	e.writeMaps(s) // after an error user space carries the session
	e.notifyQdisc(s)
}

// handleQdisc records a queueing discipline of a session's device. It returns false if the
// discipline does not matter to the session.
func (e *Engine) handleQdisc(s *session, b []byte, there bool) bool {
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
		s.shaper = ""
		if there && !slices.Contains(nonShaping, kind) {
			s.shaper = kind
		}
	case parent == parentClsact && kind == "clsact" && !e.hooks.useClsact: // otherwise our filter is in it, behind all others
		s.filtered = there
	default:
		return false
	}
	return true
}

// readQdiscs reads the queueing disciplines that a session's device already has, as an ip-up script
// may have set some. It requests each by its parent, because a dump would list those of all
// devices. The Engine's lock is held, so that later messages are handled later.
func (e *Engine) readQdiscs(s *session) error {
	for _, parent := range []uint32{parentRoot, parentClsact} {
		request := nl.NewNetlinkRequest(unix.RTM_GETQDISC, unix.NLM_F_ACK|unix.NLM_F_ECHO) // without NLM_F_ECHO only subscribers receive the reply
		request.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(s.device), Parent: parent})
		messages, err := request.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWQDISC)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("read its queueing disciplines: %w", err)
		}
		for _, b := range messages {
			if len(b) >= nl.SizeofTcMsg {
				e.handleQdisc(s, b, true)
			}
		}
	}
	return nil
}

func (e *Engine) notifyQdisc(s *session) {
	text := fmt.Sprintf("%s: packets are sent in the kernel again", s.Device.Name())
	switch {
	case s.shaper != "":
		text = fmt.Sprintf("%s: packets are sent by user space: the kernel data path would bypass the device's queueing discipline (%s)", s.Device.Name(), s.shaper)
	case s.filtered:
		text = fmt.Sprintf("%s: packets are sent by user space: the kernel data path might bypass the device's filters (clsact)", s.Device.Name())
	}
	if text != s.lastNotice && (s.lastNotice != "" || s.shaper != "" || s.filtered) {
		e.notify(text)
		s.lastNotice = text
	}
}

// assumeShaped treats all devices as shaped, after netlink messages were lost.
func (e *Engine) assumeShaped() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.devices {
		s.shaper = "unknown"
		e.writeMaps(s)
		e.notifyQdisc(s)
	}
}
