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

// linkChanged handles a change of the link state.
func (d *dialer) linkChanged(now time.Time, s LinkState) {
	d.carrierDeadline, *d.linkState = time.Time{}, s
	d.loop.notify(d.info(), LinkChanged{State: s})
	switch {
	case s >= LinkDown:
		d.linkFailed = true
		d.loseLink(now)
	case s == LinkNoCarrier:
		d.carrierDeadline = now.Add(carrierGrace)
	case d.session != nil && d.session.endReason == nil:
		d.session.ppp.Probe(now, &d.session.out)
		d.loop.flush(now, d.session)
	case d.discovery != nil && d.searchAt.IsZero():
		d.terminateStale(d.stale) // PADTs sent without carrier were lost
		d.search(now)
	}
}

// loseLink ends the dial or the session because the interface is not usable.
func (d *dialer) loseLink(now time.Time) {
	reason := session.Reason{Cause: session.CauseHangUp, Text: fmt.Sprintf("interface %s is %v", d.cfg.Interface, *d.linkState)}
	switch {
	case d.session == nil:
		d.fail(&EndError{Reason: reason})
	case d.session.endReason == nil:
		d.loop.dropAndDeferPADT(now, d.session, reason)
	}
}

// addressChanged handles a change of the interface's Ethernet address. A dial or a session under
// another address ends, since no answer to that arrives any more.
func (d *dialer) addressChanged(now time.Time, to wire.Addr) {
	from := d.loop.ports.Discovery.Addr()
	if to == from {
		return
	}
	d.loop.notify(d.info(), AddressChanged{From: from, To: to})
	switch {
	case d.session == nil:
		d.fail(errAddressChanged)
	case d.session.endReason == nil:
		d.linkFailed = true
		d.loop.terminateReaddressed(now, d.session)
	}
}
