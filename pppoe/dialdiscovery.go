package pppoe

import (
	"fmt"
	"time"

	"upppoe/ppp"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// newDiscovery makes discovery ready.
func (d *dialer) newDiscovery(eager time.Duration, avoid []wire.Addr) {
	cfg := d.cfg.Discovery
	cfg.MaxPayload = min(cfg.MaxPayload, d.loop.maxPayload())
	cfg.FastRetry, cfg.Avoid = eager, avoid
	d.discovery = discovery.NewClient(d.loop.ports.Discovery.Addr(), cfg)
}

// search begins discovery, or begins it anew.
func (d *dialer) search(now time.Time) {
	d.searchAt, d.reportAt = time.Time{}, now.Add(searchReportAfter)
	d.discovery.Start(now, &d.queue)
	d.loop.sendDiscovery(d.info(), &d.queue)
}

// searchReportAfter is after how long a user wants to know that nobody has answered yet: the default
// of three attempts, doubled, takes 35 s.
const searchReportAfter = 10 * time.Second

// reportSearch says so, once a dial.
func (d *dialer) reportSearch(now time.Time) {
	if d.discovery == nil || d.reportAt.IsZero() || d.reportAt.After(now) {
		return
	}
	d.reportAt = time.Time{}
	if d.discovery.AwaitsPADO() {
		d.loop.notify(d.info(), Searching{Elapsed: searchReportAfter, Unmatched: d.discovery.Unmatched()})
	}
}

// handleDiscovery takes a discovery packet: an answer to ours, or the session's end.
func (d *dialer) handleDiscovery(now time.Time, frame []byte) {
	f, err := wire.ParseDiscoveryFrame(frame)
	if err != nil {
		d.loop.drops.count(err)
		return
	}
	d.loop.traceDiscovery(d.info(), DiscoveryReceived{Packet: f})
	switch {
	case f.Code == wire.PADT:
		d.receivePADT(now, f)
	case f.Code == wire.PADM, f.Code == wire.PADN:
		d.handleAnnouncement(f)
	case d.discovery != nil && d.searchAt.IsZero():
		found, err := d.discovery.Receive(now, f, &d.queue)
		d.loop.drops.count(err)
		d.handleResult(found)
	}
}

// handleResult does what discovery has come to.
func (d *dialer) handleResult(f discovery.Result) {
	d.loop.sendDiscovery(d.info(), &d.queue)
	if f.Rejection != nil {
		d.rejection = f.Rejection
		d.loop.notify(d.info(), Rejected{Rejection: *f.Rejection})
	}
	switch {
	case f.Grant != nil:
		d.openSession(*f.Grant)
	case d.discovery.Done() && d.end == nil:
		if f.TimedOut != 0 {
			d.loop.notify(d.info(), DiscoveryTimeout{Missing: f.TimedOut, Unmatched: d.discovery.Unmatched()})
		}
		d.fail(d.discoveryError(f.TimedOut))
	}
}

func (d *dialer) discoveryError(missing wire.Code) error {
	switch {
	case d.rejection != nil:
		return fmt.Errorf("%w: %v refused: %v %s", ErrDiscovery, d.rejection.AC, d.rejection.Tag, wire.EscapeText(d.rejection.Text))
	case missing == wire.PADS:
		return fmt.Errorf("%w: no answer to PADR (waited for PADS)", ErrDiscovery)
	}
	return fmt.Errorf("%w: no usable answer to PADI (waited for PADO)", ErrDiscovery)
}

// handleUnknownSession keeps a concentrator's first requests: they and the PADS come by two ports, and may
// overtake it. Any other session may be that of another client with our address.
func (d *dialer) handleUnknownSession(_ time.Time, from wire.Addr, id uint16, frame []byte) {
	_, packet, err := wire.ParseSession(frame[14:])
	if err != nil || len(d.prePADS) >= maxStartQueue || d.discovery == nil || !d.discovery.AwaitsPADS(from) {
		return
	}
	if p, _, err := ppp.ParseFrame(packet); err == nil && p == ppp.LCP {
		d.prePADS = append(d.prePADS, earlyFrame{id, from, frame})
	}
}

// earlyFrame is a session frame that has come before its session.
type earlyFrame struct {
	id    uint16
	from  wire.Addr
	frame []byte
}
