package pppoe

import (
	"fmt"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/wire"
)

// carrierGrace is how long a session survives without carrier. A switch that restarts takes longer,
// and a concentrator keeps a session for longer still.
const carrierGrace = 10 * time.Second

// interfaceChanged handles a change of the interface's state.
func (d *dialer) interfaceChanged(now time.Time, s InterfaceState) {
	d.carrierDeadline, *d.interfaceState = time.Time{}, s
	d.loop.notify(d.info(), InterfaceChanged{State: s})
	switch {
	case s >= InterfaceDown:
		d.interfaceFailed = true
		d.loseInterface(now)
	case s == InterfaceNoCarrier:
		d.carrierDeadline = now.Add(carrierGrace)
	case d.session != nil && d.session.endReason == nil:
		d.session.ppp.CheckPeer(now, d.loop.output(d.session))
		d.loop.flush(now, d.session)
	case d.discovery != nil && d.searchAt.IsZero():
		d.terminateStale(d.stale) // PADTs sent without carrier were lost
		d.search(now)
	}
}

// loseInterface ends the dial or the session because the interface is not usable.
func (d *dialer) loseInterface(now time.Time) {
	reason := session.Reason{Cause: session.CauseHangUp, Text: fmt.Sprintf("interface %s is %v", d.cfg.Interface, *d.interfaceState)}
	switch {
	case d.session == nil:
		d.fail(&EndError{Reason: reason})
	case d.session.endReason == nil:
		d.loop.dropAndDeferPADT(now, d.session, reason)
	}
}

// addressChanged handles a change of the interface's Ethernet address. A dial or a session under
// another address ends, because frames to that address no longer arrive.
func (d *dialer) addressChanged(now time.Time, to wire.Addr) {
	from := d.loop.ports.Discovery.Addr()
	if to == from {
		return
	}
	d.loop.notify(d.info(), InterfaceAddressChanged{From: from, To: to})
	switch {
	case d.session == nil:
		d.fail(errAddressChanged)
	case d.session.endReason == nil:
		d.interfaceFailed = true
		d.loop.terminateReaddressed(now, d.session)
	}
}
