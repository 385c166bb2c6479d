package ebpf

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// qdiscMonitor follows what is done to the queueing disciplines of sessions' devices. Packets that
// the kernel's path takes at a device's egress come by none of them. So what leaves by a
// device to which somebody has given one that shapes is sent by user space, which reads what
// comes out of it.
type qdiscMonitor struct {
	socket  *nl.NetlinkSocket
	stopped chan struct{} // closed when it does not run any more
}

// nonShaping are disciplines that only order what waits. A session's device has one of
// them by itself.
var nonShaping = []string{"noop", "noqueue", "pfifo_fast", "pfifo", "bfifo", "fq_codel", "fq", "sfq", "codel", "mq"}

// Parents of disciplines (linux/pkt_sched.h).
const (
	parentRoot   = 0xffffffff
	parentClsact = 0xfffffff1
)

// start begins. Called in the devices' network namespace.
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

// stop ends it. Again it does nothing.
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

// qdiscChanged takes a message about a discipline, which is there or is no more.
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
	e.writeMaps(s) // what the kernel does not take user space has
	e.notifyQdisc(s)
}

// handleQdisc notes what a message says of a discipline of a session's device. It says no if
// that is nothing to the session.
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
	case parent == parentClsact && kind == "clsact" && !e.hooks.useClsact: // else ours is the last in it
		s.filtered = there
	default:
		return false
	}
	return true
}

// readQdiscs finds out which disciplines a session's device has already: a script may have
// given it some as soon as it was there. It is asked for each by itself, as a list would be
// that of all devices. Under the Engine's lock, so that later news is heeded later.
func (e *Engine) readQdiscs(s *session) error {
	for _, parent := range []uint32{parentRoot, parentClsact} {
		request := nl.NewNetlinkRequest(unix.RTM_GETQDISC, unix.NLM_F_ACK|unix.NLM_F_ECHO) // or it goes to listeners alone
		request.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(s.device), Parent: parent})
		messages, err := request.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWQDISC)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("ask for its queueing disciplines: %w", err)
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
	text := fmt.Sprintf("%s: what leaves is sent in the kernel again", s.Device.Name())
	switch {
	case s.shaper != "":
		text = fmt.Sprintf("%s: what leaves is sent by user space: it has a queueing discipline, %s, by which the kernel's path would not come", s.Device.Name(), s.shaper)
	case s.filtered:
		text = fmt.Sprintf("%s: what leaves is sent by user space: it has filters (clsact) by which the kernel's path might not come", s.Device.Name())
	}
	if text != s.lastNotice && (s.lastNotice != "" || s.shaper != "" || s.filtered) {
		e.notify(text)
		s.lastNotice = text
	}
}

// assumeShaped supposes the worst of all devices, when news has been lost.
func (e *Engine) assumeShaped() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.devices {
		s.shaper = "unknown"
		e.writeMaps(s)
		e.notifyQdisc(s)
	}
}
