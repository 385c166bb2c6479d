package pppoe

import (
	"bytes"
	"fmt"
	"time"

	"upppoe/ppp"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// newDiscovery makes the discovery engine.
func (d *dialer) newDiscovery(eager time.Duration, avoid []wire.Addr) {
	cfg := d.cfg.Discovery
	cfg.MaxPayload = min(cfg.MaxPayload, d.loop.maxPayload(vlan.Stack{}))
	cfg.FastRetry, cfg.Avoid = eager, avoid
	d.discovery = discovery.NewClient(d.loop.ports.Discovery.Addr(), cfg)
}

// search starts or restarts discovery.
func (d *dialer) search(now time.Time) {
	d.searchAt, d.reportAt = time.Time{}, now.Add(searchReportAfter)
	d.discovery.Start(now, &d.queue)
	d.loop.sendDiscovery(d.info(), &d.queue)
}

// searchReportAfter is when a search without an acceptable offer is reported: by default, three
// attempts with doubled timeouts take 35 s.
const searchReportAfter = 10 * time.Second

// reportSearch reports such a search, once per dial.
func (d *dialer) reportSearch(now time.Time) {
	if d.discovery == nil || d.reportAt.IsZero() || d.reportAt.After(now) {
		return
	}
	d.reportAt = time.Time{}
	if d.discovery.AwaitsPADO() {
		d.loop.notify(d.info(), Searching{Elapsed: searchReportAfter, Unmatched: d.discovery.Unmatched()})
	}
}

// handleDiscovery handles a discovery packet.
func (d *dialer) handleDiscovery(now time.Time, frame []byte) {
	f, err := wire.ParseDiscoveryFrame(frame)
	if err != nil {
		d.loop.drops.count(err)
		return
	}
	d.loop.traceReceived(d.info(), f)
	switch {
	case f.Code == wire.PADT:
		d.receivePADT(now, f)
	case f.Code == wire.PADM, f.Code == wire.PADN:
		d.handleAnnouncement(f)
	case d.discovery != nil && d.searchAt.IsZero():
		result, err := d.discovery.Receive(now, f, &d.queue)
		d.loop.drops.count(err)
		d.handleResult(result)
	}
}

// handleResult acts on a result of discovery.
func (d *dialer) handleResult(r discovery.Result) {
	d.loop.sendDiscovery(d.info(), &d.queue)
	if r.Rejection != nil {
		d.rejection = r.Rejection
		d.loop.notify(d.info(), Rejected{Rejection: *r.Rejection})
	}
	switch {
	case r.Grant != nil:
		d.openSession(*r.Grant)
	case d.discovery.Done() && d.end == nil:
		if r.TimedOut != 0 {
			d.loop.notify(d.info(), DiscoveryTimeout{Missing: r.TimedOut, Unmatched: d.discovery.Unmatched()})
		}
		d.fail(d.discoveryError(r.TimedOut))
	}
}

func (d *dialer) discoveryError(missing wire.Code) error {
	switch {
	case d.rejection != nil:
		return fmt.Errorf("%w: %v rejected the request: %v %s", ErrDiscovery, d.rejection.AC, d.rejection.Tag, wire.EscapeText(d.rejection.Text))
	case missing == wire.PADS:
		return fmt.Errorf("%w: no answer to PADR (waited for PADS)", ErrDiscovery)
	}
	return fmt.Errorf("%w: no usable answer to PADI (waited for PADO)", ErrDiscovery)
}

// handleUnknownSession keeps the first LCP packets of the concentrator that was sent a PADR: they
// arrive on another port than the PADS and may overtake it. Frames of other sessions may belong to
// another client with our address.
func (d *dialer) handleUnknownSession(_ time.Time, k datapath.Key, frame []byte) {
	_, packet, err := wire.ParseSession(frame[14:])
	if err != nil || len(d.prePADS) >= maxStartQueue || d.discovery == nil || !d.discovery.AwaitsPADS(k.Peer) {
		return
	}
	if p, _, err := ppp.ParseFrame(packet); err == nil && p == ppp.LCP {
		d.prePADS = append(d.prePADS, earlyFrame{k, bytes.Clone(frame)})
	}
}

// earlyFrame is a session frame that arrived before its PADS.
type earlyFrame struct {
	datapath.Key
	frame []byte
}
