package pppoe

import (
	"errors"
	"time"

	"upppoe/pppoe/wire"
)

// A StaleSession is one that has ended without its concentrator knowing, which may refuse
// another one as long as it has that: an earlier run of the program has left it, or the
// interface was lost.
type StaleSession struct {
	SessionID uint16
	AC        wire.Addr
	// Local is the Ethernet address that the session was ours by, and so its PADT must come
	// from; zero: the one that the interface has.
	Local wire.Addr
}

// errAddressChanged ends what runs under an Ethernet address that the interface has no more.
var errAddressChanged = errors.New("the interface's Ethernet address has changed")

// terminateStale ends the sessions that an earlier run has left, or an earlier dial.
func (d *dialer) terminateStale(stale []StaleSession) {
	d.stale = stale
	for _, s := range stale {
		line := d.info()
		line.SessionID, line.Peer = s.SessionID, s.AC
		if s.Local != (wire.Addr{}) {
			line.Local = s.Local
		}
		d.queue.Add(wire.NewPADT(s.AC, line.Local, s.SessionID, ""))
		d.loop.sendDiscovery(line, &d.queue)
		d.loop.notify(line, StaleTerminated{StaleSession: s})
	}
}

// padtGrace is what a concentrator may need to be rid of a session, before it can be
// asked for another.
const padtGrace = 100 * time.Millisecond

// staleSessions are the sessions whose concentrators are to be told with the next dial that they have
// ended.
func (d *dialer) staleSessions() (all []StaleSession) {
	for _, f := range d.loop.deferredPADTs {
		all = append(all, StaleSession{SessionID: f.SessionID, AC: f.Dst, Local: f.Src})
	}
	return all
}
