package pppoe

import (
	"time"

	"upppoe/pppoe/wire"
)

// StaleSession is a session that has ended without its concentrator being notified, by a crash or
// because the interface was lost. The concentrator may reject another session as long as it keeps
// this one.
type StaleSession struct {
	SessionID uint16
	AC        wire.Addr
	// Local is the Ethernet address under which the session was open, and from which its PADT must
	// come; zero: the interface's present address.
	Local wire.Addr
}

// terminateStale sends a PADT for each session that an earlier run or an earlier dial has left.
func (d *dialer) terminateStale(stale []StaleSession) {
	d.stale = stale
	for _, s := range stale {
		info := d.info()
		info.SessionID, info.Peer = s.SessionID, s.AC
		if s.Local != (wire.Addr{}) {
			info.Local = s.Local
		}
		d.queue.Add(wire.NewPADT(s.AC, info.Local, s.SessionID, ""))
		d.loop.sendDiscovery(info, &d.queue)
		d.loop.notify(info, StaleTerminated{StaleSession: s})
	}
}

// padtGrace is how long a concentrator may need to remove a session after its PADT, before the next
// PADI.
const padtGrace = 100 * time.Millisecond

// staleSessions returns the sessions whose PADT the next dial must send.
func (d *dialer) staleSessions() (all []StaleSession) {
	for _, f := range d.loop.deferredPADTs {
		all = append(all, StaleSession{SessionID: f.SessionID, AC: f.Dst, Local: f.Src})
	}
	return all
}
