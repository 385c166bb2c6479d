package pppoe

import (
	"context"
	"errors"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// Probe asks which concentrators there are, and tells of each offer as it comes,
// with the time since it was last asked for. It asks again while nobody has
// answered, and returns when a whole timeout has passed after that, or the context
// ends. It closes the port. Unmatched are those whose answers were dropped. The error says
// that the port was lost, or names the field of cfg that is wrong.
func Probe(ctx context.Context, port datapath.Port, cfg discovery.ClientConfig, found func(o discovery.Offer, after time.Duration)) (unmatched []discovery.Unmatched, err error) {
	if err = checkProbe(&cfg, found); err != nil {
		port.Close()
		return nil, err
	}
	p := newProbe(port, cfg, found)
	err = runSearch(ctx, port, p)
	return p.client.Unmatched(), err
}

func checkProbe(cfg *discovery.ClientConfig, found func(discovery.Offer, time.Duration)) error {
	if found == nil {
		return errors.New("pppoe: Probe needs a function that is told of each offer")
	}
	return cfg.Check("HostConfig")
}

type probe struct {
	port   datapath.Port
	client *discovery.Client
	queue  wire.Queue
	report func(discovery.Offer, time.Duration)
	seen   sightings
	sentAt time.Time // zero: not yet
}

var _ searcher = (*probe)(nil)

func newProbe(port datapath.Port, cfg discovery.ClientConfig, found func(discovery.Offer, time.Duration)) *probe {
	cfg.Probe = true
	return &probe{port: port, client: discovery.NewClient(port.Addr(), cfg), report: found, seen: make(sightings)}
}

func (p *probe) advance(now time.Time) (next time.Time, more bool) {
	switch {
	case p.sentAt.IsZero():
		p.client.Start(now, &p.queue)
	case len(p.seen) > 0:
		return time.Time{}, false
	case p.client.Advance(now, &p.queue).TimedOut != 0:
		return time.Time{}, false
	}
	p.send()
	return p.client.Deadline(), true
}

func (p *probe) send() {
	for _, f := range p.queue.All() {
		p.sentAt = time.Now()                        // the answer may be there before WriteBatch returns
		p.port.WriteBatch([][]byte{f.AppendTo(nil)}) // what is lost is repeated
	}
	p.queue.Reset()
}

// maxProbeResults bounds how many concentrators are told of.
const maxProbeResults = 4096

func (p *probe) receive(now time.Time, frame []byte) {
	f, err := wire.ParseDiscoveryFrame(frame)
	if err != nil {
		return
	}
	got, err := p.client.Receive(now, f, &p.queue)
	if err != nil || got.Offer == nil || !p.seen.add(seenKey{ac: got.Offer.AC}, maxProbeResults) {
		return
	}
	p.report(*got.Offer, now.Sub(p.sentAt))
}
